package attend

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func TestKindsAreAskedForOnceTheyAreDefined(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.URL.Path]++
		if asked[r.URL.Path] < 3 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	kind := func(name string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: name}
	}
	w := newWarming(client.Discovery().RESTClient(), []schema.GroupVersionResource{kind("gateways"), kind("sidecars"), kind("never")})
	go w.run(ctx)
	for _, name := range []string{"gateways.networking.istio.io", "sidecars.networking.istio.io", "widgets.example.com"} {
		w.tell(name)
	}
	paths := func() []string {
		mu.Lock()
		defer mu.Unlock()
		var found []string
		for path, times := range asked {
			if times == 3 {
				found = append(found, path)
			}
		}
		slices.Sort(found)
		return found
	}
	wanted := []string{"/apis/networking.istio.io/v1/gateways", "/apis/networking.istio.io/v1/sidecars"}
	for limit := time.Now().Add(10 * time.Second); !slices.Equal(paths(), wanted); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("asked for %v", asked)
		}
	}
	if mu.Lock(); len(asked) != 2 {
		t.Errorf("asked for %v", asked)
	}
	mu.Unlock()
}
