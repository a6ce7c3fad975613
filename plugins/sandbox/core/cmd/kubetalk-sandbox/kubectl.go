package main

import (
	"os"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"

	"kubetalk.dev/sandbox/internal/verbs"
)

func runKubectl() int {
	resetFlags()
	cmd.GetLogVerbosity(os.Args)
	root := cmd.NewDefaultKubectlCommand()
	verbs.Refuse(root)
	if err := cli.RunNoErrOutput(root); err != nil {
		util.CheckErr(err)
	}
	return 0
}
