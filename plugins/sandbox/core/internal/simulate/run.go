package simulate

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

var everything = labels.Everything()

// workers is how many pods move at the same time.
const workers = 8

// Run plays kubelets, load balancer and storage until ctx ends.
func Run(ctx context.Context, c Config) error {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 5000, 10000
	config.UserAgent = "kwok"
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	// Only pods that have a node: the others are the scheduler's.
	bound := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}))
	podInformer := bound.Core().V1().Pods()
	nodeInformer := factory.Core().V1().Nodes()
	serviceInformer := factory.Core().V1().Services()

	claimInformer, volumeInformer, classInformer := factory.Core().V1().PersistentVolumeClaims(), factory.Core().V1().PersistentVolumes(),
		factory.Storage().V1().StorageClasses()

	podLoop, nodeLoop, serviceLoop := newLoop("pods"), newLoop("nodes"), newLoop("services")
	claimLoop, volumeLoop := newLoop("claims"), newLoop("volumes")
	players := newPods(client, podInformer.Lister(), nodeInformer.Lister(), podLoop.again)
	if players.needProcess, err = labels.Parse(c.ProcessSelector); err != nil {
		return err
	}
	players.attended = c.Processes != ""
	podLoop.sync = players.sync
	nodeLoop.sync = (&machines{client: client, nodes: nodeInformer.Lister(), again: nodeLoop.again}).sync
	serviceLoop.sync = (&balancers{client: client, services: serviceInformer.Lister(), given: map[string]string{}}).sync
	storage := &disks{client: client, claims: claimInformer.Lister(), volumes: volumeInformer.Lister(), classes: classInformer.Lister()}
	claimLoop.sync, volumeLoop.sync = storage.syncClaim, storage.syncVolume
	for informer, loop := range map[cache.SharedIndexInformer]*loop{
		podInformer.Informer(): podLoop, nodeInformer.Informer(): nodeLoop, serviceInformer.Informer(): serviceLoop,
		claimInformer.Informer(): claimLoop, volumeInformer.Informer(): volumeLoop,
	} {
		if _, err := informer.AddEventHandler(loop.handler()); err != nil {
			return err
		}
	}
	// A pod may be bound to a node before our cache has the node.
	if _, err := nodeInformer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) {
		for _, key := range podInformer.Informer().GetStore().ListKeys() {
			podLoop.queue.Add(key)
		}
	}}); err != nil {
		return err
	}

	var ready atomic.Bool
	served := make(chan error, 1)
	go func() { served <- serveKubelet(ctx, c, ready.Load) }()
	factory.Start(ctx.Done())
	bound.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	bound.WaitForCacheSync(ctx.Done())
	for range workers {
		go podLoop.run(ctx)
	}
	go nodeLoop.run(ctx)
	go serviceLoop.run(ctx)
	go claimLoop.run(ctx)
	go volumeLoop.run(ctx)
	ready.Store(true)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return nil
	}
}

// loop calls sync for each key that changed, and again later when sync asks for it or fails.
type loop struct {
	name  string
	queue workqueue.TypedRateLimitingInterface[string]
	sync  func(ctx context.Context, key string) error
}

func newLoop(name string) *loop {
	return &loop{name: name, queue: workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](20*time.Millisecond, 5*time.Second))}
}

func (l *loop) again(key string, after time.Duration) { l.queue.AddAfter(key, after) }

func (l *loop) handler() cache.ResourceEventHandler {
	add := func(o any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o); err == nil {
			l.queue.Add(key)
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, o any) { add(o) }, DeleteFunc: add}
}

func (l *loop) run(ctx context.Context) {
	go func() {
		<-ctx.Done()
		l.queue.ShutDown()
	}()
	for {
		key, stop := l.queue.Get()
		if stop {
			return
		}
		if err := l.sync(ctx, key); err != nil {
			klog.ErrorS(err, "Simulation", "of", fmt.Sprintf("%s %s", l.name, key))
			l.queue.AddRateLimited(key)
		} else {
			l.queue.Forget(key)
		}
		l.queue.Done(key)
	}
}
