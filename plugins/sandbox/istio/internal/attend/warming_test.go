package attend

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// asked is an API server that knows no gateways, and is still starting when it is asked for "late" for the first two times; the function tells how often each path was asked for.
func asked(t *testing.T) (client rest.Interface, counted func() map[string]int) {
	t.Helper()
	var mu sync.Mutex
	paths := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths[r.URL.Path]++
		switch {
		case strings.HasSuffix(r.URL.Path, "/gateways"):
			http.NotFound(w, r)
		case strings.HasSuffix(r.URL.Path, "/late") && paths[r.URL.Path] < 3:
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	c, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c.Discovery().RESTClient(), func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(paths)
	}
}

func warmingFor(client rest.Interface, quiet time.Duration) *warming {
	var found []schema.GroupVersionResource
	for _, name := range []string{"gateways", "sidecars", "late", "never"} {
		found = append(found, schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: name})
	}
	w := newWarming(client, found)
	w.quiet = quiet
	return w
}

// until waits until the server was asked exactly this.
func until(t *testing.T, counted func() map[string]int, wanted map[string]int) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !maps.Equal(counted(), wanted); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("asked for %v", counted())
		}
	}
}

const (
	gateways = "/apis/networking.istio.io/v1/gateways"
	sidecars = "/apis/networking.istio.io/v1/sidecars"
)

func TestKindsAreAskedForOnceTheirDefinitionsDoNotChangeAnyMore(t *testing.T) {
	client, counted := asked(t)
	w := warmingFor(client, time.Millisecond)
	go w.run(t.Context())
	for _, name := range []string{"gateways.networking.istio.io", "sidecars.networking.istio.io", "widgets.example.com"} {
		w.tell(name)
	}
	until(t, counted, map[string]int{gateways: 1, sidecars: 1})
	w.tell("gateways.networking.istio.io") // accepted now
	until(t, counted, map[string]int{gateways: 2, sidecars: 1})
}

func TestNobodyIsHeldUpWhileHeDefines(t *testing.T) {
	client, counted := asked(t)
	w := warmingFor(client, time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.run(ctx) }()
	// Whoever asked without a quiet would find the time for it between two of these.
	for range 50 {
		w.tell("gateways.networking.istio.io")
		for len(w.changed) > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
	<-done
	if got := counted(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
}

func TestAPodOfIstiodEndsTheQuiet(t *testing.T) {
	client, counted := asked(t)
	w := warmingFor(client, time.Hour)
	go w.run(t.Context())
	w.tell("gateways.networking.istio.io")
	w.expect(true)
	until(t, counted, map[string]int{gateways: 1})
	w.tell("sidecars.networking.istio.io")
	until(t, counted, map[string]int{gateways: 1, sidecars: 1})
}

func TestAnApiServerThatIsStillStartingIsAskedAgain(t *testing.T) {
	client, counted := asked(t)
	w := warmingFor(client, time.Hour)
	w.ask(t.Context(), w.wanted["late.networking.istio.io"])
	until(t, counted, map[string]int{"/apis/networking.istio.io/v1/late": 3})
}

func TestKindsAreIstiosOwn(t *testing.T) {
	found := map[string]bool{}
	for _, kind := range kinds() {
		if !strings.HasSuffix(kind.Group, ".istio.io") {
			t.Errorf("%v is none of Istio's", kind)
		}
		found[kind.Resource] = true
	}
	for _, name := range []string{"virtualservices", "envoyfilters", "peerauthentications", "telemetries", "wasmplugins"} {
		if !found[name] {
			t.Errorf("%s is missing", name)
		}
	}
}
