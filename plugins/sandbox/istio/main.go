// Command kubetalk-istio is istioctl, istiod and what keeps istiod running for a sandbox, in one static file.
//
// The name it is called by, or else the first argument, selects a command; only that one is constructed. pilot-agent is not in here on
// purpose: linked beside istiod it registers the environment variable POD_NAMESPACE a second time, and every istioctl call warns about it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kubetalk.dev/istio/internal/child"
	_ "kubetalk.dev/istio/internal/garbage" // before the packages that fill the heap
)

// commands maps a name to what runs under it and returns the exit status. os.Args[0] is that name.
var commands = map[string]func(args []string) int{
	"istioctl": runIstioctl,
	"istiod":   runIstiod,
	"attend":   runAttend,
	"charts":   runCharts,
	"versions": runVersions,
}

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if _, ok := commands[name]; !ok && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	run, ok := commands[name]
	if !ok {
		var names []string
		for name := range commands {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "usage: kubetalk-istio COMMAND [ARGS]\ncommands: %s\n", strings.Join(names, ", "))
		os.Exit(2)
	}
	// The commands take their own names from os.Args.
	os.Args = append([]string{name}, args...)
	child.Attend()
	os.Exit(run(args))
}
