package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"

	"kubetalk.dev/sandbox/internal/early"
)

func runControllerManager() int {
	if err := early.Register(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cli.Run(app.NewControllerManagerCommand())
}
