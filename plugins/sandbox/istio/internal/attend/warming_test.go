package attend

import (
	"maps"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestKindsAreAskedForUntilTheyAreServedOnceTheyAreDefined(t *testing.T) {
	client, counted := preparing(t)
	kind := func(name string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: name}
	}
	w := newWarming(client, []schema.GroupVersionResource{kind("gateways"), kind("sidecars"), kind("never")})
	go w.run(t.Context())
	for _, name := range []string{"gateways.networking.istio.io", "sidecars.networking.istio.io", "widgets.example.com"} {
		w.tell(name)
	}
	wanted := map[string]int{"/apis/networking.istio.io/v1/gateways": 1, "/apis/networking.istio.io/v1/sidecars": 3}
	for limit := time.Now().Add(10 * time.Second); !maps.Equal(counted(), wanted); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("asked for %v", counted())
		}
	}
}
