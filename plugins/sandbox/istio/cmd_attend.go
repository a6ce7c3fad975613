package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kubetalk.dev/istio/internal/attend"
)

// runAttend keeps a real istiod running for every simulated istiod pod; see PROTOCOL.md, "Processes behind pods".
func runAttend(args []string) int {
	flags := flag.NewFlagSet("kubetalk-istio attend", flag.ContinueOnError)
	dir := flags.String("dir", "", "directory of the sandbox")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *dir == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: kubetalk-istio attend --dir DIR")
		return 2
	}
	binary, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetalk-istio attend:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := attend.Run(ctx, attend.Options{Dir: *dir, Binary: binary, Events: os.Stdout, Log: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "error: kubetalk-istio attend:", err)
		return 1
	}
	return 0
}
