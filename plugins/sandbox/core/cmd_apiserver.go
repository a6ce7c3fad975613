package main

import (
	"os"

	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"

	"kubetalk.dev/sandbox/internal/servicemap"
)

// runAPIServer is kube-apiserver, which finds the Services in the file named by KUBETALK_SERVICE_MAP outside of the cluster.
func runAPIServer() int {
	if file := os.Getenv("KUBETALK_SERVICE_MAP"); file != "" {
		app.SetServiceResolverForTests(servicemap.New(file, webhook.NewDefaultServiceResolver()))
	}
	return cli.Run(app.NewAPIServerCommand())
}
