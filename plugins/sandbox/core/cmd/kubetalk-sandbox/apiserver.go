package main

import (
	"context"
	"os"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"

	"kubetalk.dev/sandbox/internal/apiserver"
	"kubetalk.dev/sandbox/internal/child"
	"kubetalk.dev/sandbox/internal/egress"
	"kubetalk.dev/sandbox/internal/rest"
	"kubetalk.dev/sandbox/internal/servicemap"
)

// runAPIServer is kube-apiserver and, when the supervisor asks for it, what keeps its connections within the sandbox.
func runAPIServer() int {
	serve := func() error { return nil }
	if file := os.Getenv("KUBETALK_SERVICE_MAP"); file != "" {
		serve = enclose(file)
	}
	return cli.Run(apiserver.Command(func() error {
		child.Attend(rest.InCalm)
		return serve()
	}))
}

// enclose lets the API server find the Services in file outside of the cluster. Of all others it asks itself, as the user of
// KUBETALK_SERVICE_USER (a kubeconfig), whether they exist. The function that it returns serves the egress selector on the socket
// KUBETALK_EGRESS: beside those Services, connections lead to the kubelets at KUBETALK_KUBELETS (a port of localhost) and to the processes
// in KUBETALK_PROCESSES.
func enclose(file string) (serve func() error) {
	client := sync.OnceValues(func() (kubernetes.Interface, error) {
		config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBETALK_SERVICE_USER"))
		if err != nil {
			return nil, err
		}
		return kubernetes.NewForConfig(config)
	})
	services := servicemap.New(file, servicemap.Unserved(func(ctx context.Context, namespace, name string) error {
		c, err := client()
		if err != nil {
			return err
		}
		_, err = c.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
		return err
	}))
	app.SetServiceResolverForTests(services)
	addressOf := func(ctx context.Context, namespace, name string) (string, error) {
		c, err := client()
		if err != nil {
			return "", err
		}
		pod, err := c.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		return pod.Status.PodIP, nil
	}
	kubelets := os.Getenv("KUBETALK_KUBELETS")
	return func() error {
		return egress.Serve(os.Getenv("KUBETALK_EGRESS"),
			egress.To("localhost:"+kubelets, "127.0.0.1:"+kubelets), services.Leads, egress.Processes(os.Getenv("KUBETALK_PROCESSES"), addressOf))
	}
}
