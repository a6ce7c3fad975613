// Command kubetalk-supervisor starts, watches and stops one sandbox (PROTOCOL.md), and is its etcd.
//
// Both come before everything else in a start, and both need a third of the packages that kubetalk-sandbox consists of: here they are
// loaded in 0.04 instead of 0.1 s.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/apimachinery/pkg/labels"

	sandbox "kubetalk.dev/sandbox"
	"kubetalk.dev/sandbox/internal/child"
	"kubetalk.dev/sandbox/internal/rest"
	"kubetalk.dev/sandbox/internal/supervisor"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == supervisor.Etcd {
		child.Attend(rest.Usually)
		supervisor.ShrinkWAL()
		etcdmain.Main(os.Args[1:])
		return
	}
	os.Exit(supervise())
}

// supervise runs one sandbox and returns the exit status.
func supervise() int {
	r, err := sandbox.ReadRelease()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	o := supervisor.Options{Versions: r.Versions, Multicall: r.Multicall}
	flags := flag.NewFlagSet("kubetalk-supervisor", flag.ContinueOnError)
	flags.StringVar(&o.Program, "program", "", "the kubetalk-sandbox that the other parts are")
	flags.StringVar(&o.Dir, "dir", "", "directory of the sandbox; empty or not there yet")
	flags.IntVar(&o.Nodes, "nodes", 3, "number of nodes, 1 to 50")
	flags.StringVar(&o.Seed, "seed", "", "directory in which a snapshot of the empty cluster is kept")
	flags.StringVar(&o.From, "from", "", "directory that the op keep has written: begin with the cluster in it")
	flags.StringVar(&o.Emulate, "emulate", "", "Kubernetes minor to emulate: "+strings.Join(r.Emulates, ", "))
	flags.StringVar(&o.Attend, "attend", "", "program that keeps real processes behind some pods: PROGRAM attend --dir DIR")
	flags.StringVar(&o.ProcessSelector, "process-selector", "app=istiod", "labels of the pods that need such a process")
	flags.DurationVar(&o.StartTimeout, "start-timeout", time.Minute, "give up when the cluster is not ready by then")
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.Dir == "":
		err = errors.New("--dir is missing")
	case o.Program == "":
		err = errors.New("--program is missing")
	case o.Nodes < 1 || o.Nodes > 50:
		err = fmt.Errorf("--nodes %d: 1 to 50", o.Nodes)
	case o.Emulate != "" && !slices.Contains(r.Emulates, o.Emulate):
		err = fmt.Errorf("--emulate %s: one of %s", o.Emulate, strings.Join(r.Emulates, ", "))
	}
	if _, problem := labels.Parse(o.ProcessSelector); err == nil && problem != nil {
		err = fmt.Errorf("--process-selector: %w", problem)
	}
	if _, problem := exec.LookPath(o.Program); err == nil && problem != nil {
		err = fmt.Errorf("--program: %w", problem)
	}
	if _, problem := exec.LookPath(o.Attend); err == nil && o.Attend != "" && problem != nil {
		err = fmt.Errorf("--attend: %w", problem)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetalk-supervisor:", err)
		return 2
	}
	return supervisor.Run(o, os.Stdin, os.Stdout)
}
