package early

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"

	apps "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

var register = sync.OnceValue(Register)

// controller is a client as the controller manager has them, and asked what a server hears of it.
func controller(t *testing.T) (client kubernetes.Interface, asked *[]string) {
	t.Helper()
	if err := register(); err != nil {
		t.Fatal(err)
	}
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { *asked = append(*asked, r.URL.String()) }))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, AuthProvider: &api.AuthProviderConfig{Name: Provider}})
	if err != nil {
		t.Fatal(err)
	}
	return client, asked
}

func TestOnlyHealthIsAskedForOtherwise(t *testing.T) {
	client, asked := controller(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if err := client.Discovery().RESTClient().Get().AbsPath(path).Do(context.Background()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{Health, "/readyz"}; !slices.Equal(*asked, want) {
		t.Errorf("asked for %q, want %q", *asked, want)
	}
}

func TestTheCanaryIsHeardAndNobodyElseIsAsked(t *testing.T) {
	t.Chdir(t.TempDir())
	client, asked := controller(t)
	var canary, other apps.Deployment
	if err := json.Unmarshal([]byte(Canary), &canary); err != nil {
		t.Fatal(err)
	}
	if want := "/registry/deployments/" + canary.Namespace + "/" + canary.Name; CanaryKey != want {
		t.Errorf("the key is %s, want %s", CanaryKey, want)
	}
	other = canary
	other.Name = "web"
	update := func(d *apps.Deployment) error {
		_, err := client.AppsV1().Deployments(d.Namespace).UpdateStatus(context.Background(), d, metav1.UpdateOptions{})
		return err
	}
	_ = update(&other)
	if _, err := os.Stat(Sang); err == nil || len(*asked) != 1 {
		t.Errorf("another Deployment is told of, or not written: %q", *asked)
	}
	if err := update(&canary); !apierrors.IsNotFound(err) {
		t.Errorf("the controller is answered %v", err)
	}
	if _, err := os.Stat(Sang); err != nil || len(*asked) != 1 {
		t.Errorf("nothing is told (%v), or the server was asked: %q", err, *asked)
	}
}
