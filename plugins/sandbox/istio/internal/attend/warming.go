package attend

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"istio.io/istio/pkg/config/schema/collections"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// quiet is how long no definition has to change before the first kind is asked for, as long as istiod has no pod: whoever is installing
// shall not be held up. It is several times as long as one definition takes on a slow machine.
const quiet = 500 * time.Millisecond

// startLimit is how long an API server is asked again that does not know its kinds yet. It answers already, and nearly does.
const startLimit = 5 * time.Second

// warming asks for the kinds that istiod watches before istiod does. The API server builds what serves a kind at the first request, and
// all of Istio's take it most of a second. An installation that defines them and deploys istiod right away is left alone until the pod is
// there, and istiod is loaded while they are built; one that defines them only (the chart "base") has them built for the next one.
type warming struct {
	client  rest.Interface
	wanted  map[string]schema.GroupVersionResource // by the name of the definition
	quiet   time.Duration
	changed chan string // names of definitions
	istiod  atomic.Bool // it has a pod, and will ask
	wake    chan struct{}
}

func newWarming(client rest.Interface, resources []schema.GroupVersionResource) *warming {
	w := &warming{
		client:  client,
		wanted:  map[string]schema.GroupVersionResource{},
		quiet:   quiet,
		changed: make(chan string, 1024),
		wake:    make(chan struct{}, 1),
	}
	for _, resource := range resources {
		w.wanted[resource.Resource+"."+resource.Group] = resource
	}
	return w
}

// kinds are the resources that istiod watches once they are defined, in the versions it watches.
func kinds() []schema.GroupVersionResource {
	var found []schema.GroupVersionResource
	for _, kind := range collections.Pilot.All() {
		if resource := kind.GroupVersionResource(); strings.HasSuffix(resource.Group, ".istio.io") {
			found = append(found, resource)
		}
	}
	return found
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

// expect says whether istiod has a pod.
func (w *warming) expect(istiod bool) {
	if w.istiod.Swap(istiod) == istiod {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default: // run will look anyway
	}
}

// delay is how long run waits after a change.
func (w *warming) delay() time.Duration {
	if w.istiod.Load() {
		return 0
	}
	return w.quiet
}

// run asks for one kind after another: as long as no definition changes, or at once if istiod has a pod.
func (w *warming) run(ctx context.Context) {
	open := map[string]schema.GroupVersionResource{}
	timer := time.NewTimer(w.delay())
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-w.changed:
			open[name] = w.wanted[name]
			timer.Reset(w.delay())
		case <-w.wake:
			timer.Reset(w.delay())
		case <-timer.C:
			for name, resource := range open {
				w.ask(ctx, resource)
				delete(open, name) // one that is not accepted yet will change again
				break
			}
			if len(open) > 0 {
				timer.Reset(0)
			}
		}
	}
}

// ask asks the API server for one object of a kind, out of its cache. Whatever it says, it has then done what it can, unless it is still
// starting: it does not know then which kinds there are (k8s.io/apiserver/pkg/util/notfoundhandler).
func (w *warming) ask(ctx context.Context, resource schema.GroupVersionResource) {
	_ = poll(ctx, askPeriod, startLimit, func() (bool, error) {
		err := w.client.Get().AbsPath("/apis", resource.Group, resource.Version, resource.Resource).
			Param("resourceVersion", "0").Param("limit", "1").MaxRetries(0).Do(ctx).Error()
		return !apierrors.IsServiceUnavailable(err), nil
	})
}
