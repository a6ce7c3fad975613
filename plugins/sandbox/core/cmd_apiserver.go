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

	"kubetalk.dev/sandbox/internal/servicemap"
)

// runAPIServer is kube-apiserver, which finds the Services in the file named by KUBETALK_SERVICE_MAP outside of the cluster. Of all others it
// asks itself, as the user of KUBETALK_SERVICE_USER (a kubeconfig), whether they exist.
func runAPIServer() int {
	if file := os.Getenv("KUBETALK_SERVICE_MAP"); file != "" {
		client := sync.OnceValues(func() (kubernetes.Interface, error) {
			config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBETALK_SERVICE_USER"))
			if err != nil {
				return nil, err
			}
			return kubernetes.NewForConfig(config)
		})
		app.SetServiceResolverForTests(servicemap.New(file, servicemap.Unserved(func(ctx context.Context, namespace, name string) error {
			c, err := client()
			if err != nil {
				return err
			}
			_, err = c.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
			return err
		})))
	}
	return cli.Run(app.NewAPIServerCommand())
}
