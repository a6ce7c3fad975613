package early

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

func TestOnlyHealthIsAskedForOtherwise(t *testing.T) {
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) }))
	defer server.Close()
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, AuthProvider: &api.AuthProviderConfig{Name: Provider}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if err := client.Discovery().RESTClient().Get().AbsPath(path).Do(context.Background()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{Health, "/readyz"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}
