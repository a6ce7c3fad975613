// Command kubetalk-sandbox is a Kubernetes control plane without its store, and its command line tools, in one static file.
//
// The name it is called by, or else the first argument, selects a command. Only that one is constructed: the commands of Kubernetes
// share process-wide state (feature gates, flags, signal handlers), so two of them never live in one process.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	_ "kubetalk.dev/sandbox/internal/catalog" // before kubectl's packages translate anything
	"kubetalk.dev/sandbox/internal/child"
	"kubetalk.dev/sandbox/internal/rest"
)

// commands maps a name to what runs under it and returns the exit status. os.Args[0] is that name.
var commands = map[string]func() int{
	"kube-apiserver":          runAPIServer,
	"kube-controller-manager": runControllerManager,
	"kube-scheduler":          runScheduler,
	"kwok":                    runKwok,
	"kubectl":                 runKubectl,
	"helm":                    runHelm,
	"versions":                runVersions,
}

func main() {
	name := filepath.Base(os.Args[0])
	if _, ok := commands[name]; !ok {
		if len(os.Args) < 2 {
			usage()
			os.Exit(2)
		}
		name = os.Args[1]
		os.Args = os.Args[1:]
	}
	run, ok := commands[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "kubetalk-sandbox: unknown command %q\n", name)
		usage()
		os.Exit(2)
	}
	if name != "kube-apiserver" { // it waits when it is loaded further
		child.Attend(rest.Usually)
	}
	os.Exit(run())
}

func usage() {
	var names []string
	for name := range commands {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintf(os.Stderr, "usage: kubetalk-sandbox COMMAND [ARGS]\ncommands: %s\n", strings.Join(names, ", "))
}

// resetFlags drops the flags that Kubernetes packages put into the process-wide set when they are initialised. Cobra merges that set
// into every root command, where its --version (not a boolean) ends kwok and appears in `kubectl options`.
func resetFlags() { pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ContinueOnError) }
