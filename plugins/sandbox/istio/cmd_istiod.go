package main

import (
	"fmt"
	"os"

	"istio.io/istio/pilot/cmd/pilot-discovery/app"
	"istio.io/istio/pkg/log"
)

// runIstiod is upstream's pilot-discovery under the name people know it by.
func runIstiod(args []string) int {
	log.EnableKlogWithCobra()
	root := app.NewRootCommand()
	root.SetArgs(args)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "istiod:", err)
		return 1
	}
	return 0
}
