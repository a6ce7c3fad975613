package main

import (
	"fmt"
	"os"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // as istioctl's own main does

	"istio.io/istio/istioctl/cmd"
	"istio.io/istio/pkg/log"
)

func runIstioctl(args []string) int {
	if err := cmd.ConfigAndEnvProcessing(); err != nil {
		fmt.Fprintln(os.Stderr, "istioctl:", err)
		return cmd.GetExitCode(err)
	}
	root := cmd.GetRootCmd(args)
	log.EnableKlogWithCobra()
	if err := root.Execute(); err != nil {
		return cmd.GetExitCode(err)
	}
	return 0
}
