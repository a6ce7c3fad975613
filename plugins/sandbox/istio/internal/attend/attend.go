// Package attend keeps one real istiod process running for every simulated istiod pod of a sandbox.
//
// A simulated pod runs no container. For istiod that would be a lie with consequences: the API server would wait for webhooks that
// nobody serves. So each pod of the chart's Deployment gets a process of its own on loopback, with the arguments, environment, mounted
// files and rights (ServiceAccount) that its container would have. It begins when the simulated kubelet has started the container, the
// pod becomes Ready when the process serves, and the process ends with the pod. What the sandbox has to know of it (ports, log file) is
// written as PROTOCOL.md says, "Processes behind pods".
package attend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Options is what the supervisor passes on.
type Options struct {
	// Dir is the sandbox's directory; its pki/attendant.kubeconfig is ours.
	Dir string
	// Binary is this program, which is istiod under that name.
	Binary string
	// Events gets one JSON object per line: {"event":"settled"} whenever every pod that is marked as ready has a process that serves.
	Events io.Writer
	// Log gets what happened, for people who look for a fault.
	Log io.Writer
}

const (
	// selector finds istiod's pods: the label its chart sets (manifests/charts/istio-control/istio-discovery/templates/deployment.yaml).
	selector = "app=istiod"
	// folderName is where the processes' own files are, in the sandbox's directory.
	folderName = "istiod"
)

// Run attends to the sandbox until ctx ends, then stops every process. It returns an error only if it cannot begin.
func Run(ctx context.Context, o Options) error {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(o.Dir, "pki", "attendant.kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400
	config.UserAgent = "kubetalk-istio"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// An attendant that was killed could not clear up.
	if err := os.RemoveAll(filepath.Join(o.Dir, folderName)); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(o.Dir, folderName), 0o700); err != nil {
		return err
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	a := &attendant{
		options:  o,
		config:   config,
		client:   client,
		metadata: names,
		log:      log.New(o.Log, "attend: ", log.LstdFlags|log.Lmicroseconds|log.LUTC),
		wake:     make(chan struct{}, 1),
		running:  map[string]*istiod{},
	}
	return a.run(ctx)
}

// attendant owns the processes; everything but the informers' wake-ups and a process' own goroutine happens in run.
type attendant struct {
	options  Options
	config   *rest.Config
	client   kubernetes.Interface
	metadata metadata.Interface
	log      *log.Logger
	wake     chan struct{}
	running  map[string]*istiod // by pod UID
	alive    sync.WaitGroup     // also those that are being stopped
	settled  bool
}

func (a *attendant) run(ctx context.Context) error {
	// Services of any label may select the pods: an author's own, the tags of revisions.
	factory := informers.NewSharedInformerFactory(a.client, 0)
	selected := informers.NewSharedInformerFactoryWithOptions(a.client, 0, informers.WithTweakListOptions(func(l *metav1.ListOptions) {
		l.LabelSelector = selector
	}))
	pods, services := selected.Core().V1().Pods(), factory.Core().V1().Services()
	notify := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { a.poke() },
		UpdateFunc: func(any, any) { a.poke() },
		DeleteFunc: func(any) { a.poke() },
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), services.Informer()} {
		if _, err := informer.AddEventHandler(notify); err != nil {
			return err
		}
	}
	for _, f := range []informers.SharedInformerFactory{factory, selected} {
		f.Start(ctx.Done())
		for kind, ok := range f.WaitForCacheSync(ctx.Done()) {
			if !ok {
				return fmt.Errorf("no %v could be listed", kind)
			}
		}
	}
	w := newWarming(a.client.Discovery().RESTClient(), kinds())
	if err := w.watch(ctx, a.metadata); err != nil {
		return err
	}
	defer a.stopAll()
	a.poke()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
			found, err := podsOf(pods.Informer())
			if err != nil {
				return err
			}
			w.expect(len(found) > 0)
			a.reconcile(ctx, found)
			if err := a.publish(servicesOf(services.Informer())); err != nil {
				a.log.Print(err)
				time.AfterFunc(time.Second, a.poke)
			}
		}
	}
}

// poke asks for another round; several requests become one.
func (a *attendant) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// reconcile starts a process for every pod whose container was started and stops those whose pods are going or gone.
func (a *attendant) reconcile(ctx context.Context, pods []*corev1.Pod) {
	wanted := map[string]bool{}
	for _, pod := range pods {
		uid := string(pod.UID)
		if pod.DeletionTimestamp != nil || !containerRuns(pod) {
			continue
		}
		wanted[uid] = true
		old := a.running[uid]
		if old != nil && !old.ended() {
			continue
		}
		a.log.Printf("starting istiod for pod %s/%s", pod.Namespace, pod.Name)
		a.running[uid] = a.start(ctx, pod, old != nil)
	}
	for uid, process := range a.running {
		if !wanted[uid] {
			a.log.Printf("stopping istiod of pod %s/%s", process.pod.Namespace, process.pod.Name)
			process.cancel()
			delete(a.running, uid)
		}
	}
	settled := true
	for _, pod := range pods {
		if wanted[string(pod.UID)] && pod.Annotations[annotation] == ready {
			settled = settled && a.running[string(pod.UID)].serves()
		}
	}
	if settled && !a.settled {
		if line, err := json.Marshal(map[string]any{"event": "settled", "processes": len(a.running)}); err == nil {
			_, _ = fmt.Fprintf(a.options.Events, "%s\n", line)
		}
	}
	a.settled = settled
}

func (a *attendant) stopAll() {
	for _, process := range a.running {
		process.cancel()
	}
	a.alive.Wait()
}

// containerRuns says whether the simulated kubelet has started istiod's container.
func containerRuns(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == pod.Spec.Containers[0].Name {
			return status.State.Running != nil
		}
	}
	return false
}

func podsOf(informer cache.SharedIndexInformer) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	for _, object := range informer.GetStore().List() {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return nil, fmt.Errorf("%T among the pods", object)
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

func servicesOf(informer cache.SharedIndexInformer) []*corev1.Service {
	var services []*corev1.Service
	for _, object := range informer.GetStore().List() {
		if service, ok := object.(*corev1.Service); ok {
			services = append(services, service)
		}
	}
	return services
}
