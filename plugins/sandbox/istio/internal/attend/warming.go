package attend

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// quiet is how long no definition has to change before the first kind is asked for: whoever defines them shall not be held up.
const quiet = 150 * time.Millisecond

// warming asks for the kinds that istiod watches soon after they are defined. The API server builds what serves a kind at the first
// request. An installation defines them all first and starts istiod last: what is built in between, istiod need not wait for.
type warming struct {
	client  rest.Interface
	wanted  map[string]schema.GroupVersionResource // by the name of the definition
	changed chan string                            // names of definitions
}

func newWarming(client rest.Interface, resources []schema.GroupVersionResource) *warming {
	w := &warming{client: client, wanted: map[string]schema.GroupVersionResource{}, changed: make(chan string, 1024)}
	for _, resource := range resources {
		w.wanted[resource.Resource+"."+resource.Group] = resource
	}
	return w
}

// watch follows the definitions until ctx ends.
func (w *warming) watch(ctx context.Context, client metadata.Interface) error {
	factory := metadatainformer.NewSharedInformerFactory(client, 0)
	informer := factory.ForResource(definitions).Informer()
	tell := func(object any) {
		if named, ok := object.(metav1.Object); ok {
			w.tell(named.GetName())
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    tell,
		UpdateFunc: func(_, object any) { tell(object) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	go w.run(ctx)
	return nil
}

// tell says that a definition has changed.
func (w *warming) tell(name string) {
	if _, ok := w.wanted[name]; !ok {
		return
	}
	select {
	case w.changed <- name:
	default: // istiod asks for them all itself
	}
}

// run asks for one kind after another, as long as no definition changes.
func (w *warming) run(ctx context.Context) {
	open := map[string]schema.GroupVersionResource{}
	timer := time.NewTimer(quiet)
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-w.changed:
			open[name] = w.wanted[name]
			timer.Reset(quiet)
		case <-timer.C:
			pause := time.Duration(0)
			for name, resource := range open {
				if err := ask(ctx, w.client, resource); apierrors.IsTooManyRequests(err) {
					pause = askPeriod // it is being built
				} else {
					delete(open, name) // served; or not accepted yet, and will change again
				}
				break
			}
			if len(open) > 0 {
				timer.Reset(pause)
			}
		}
	}
}
