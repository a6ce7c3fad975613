package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"

	"kubetalk.dev/sandbox/internal/simulate"
)

// runKwok is kwok and, when the supervisor asks for it, our simulation of what kwok's Stages cannot express: one process for both.
func runKwok() int {
	resetFlags()
	// What kwok's own main does first; without it no Stages are loaded.
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, logger := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		logger.Error("init flags", "err", err)
		return 1
	}
	if settings, ok := simulate.FromEnvironment(); ok {
		go simulateOrExit(ctx, settings)
	}
	root := kwok.NewCommand(ctx)
	root.PersistentFlags().AddFlagSet(flags)
	if err := root.ExecuteContext(ctx); err != nil {
		logger.Error("execute", "err", err)
		return 1
	}
	return 0
}

// simulateOrExit ends the process when the simulation cannot go on: half a simulation would look like a broken cluster.
func simulateOrExit(ctx context.Context, settings simulate.Config) {
	if err := simulate.Run(ctx, settings); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "error: simulation:", err)
		os.Exit(1)
	}
}
