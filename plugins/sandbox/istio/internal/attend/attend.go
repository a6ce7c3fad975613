// Package attend keeps one real istiod process running for every simulated istiod pod of a sandbox.
//
// A simulated pod runs no container. For istiod that would be a lie with consequences: the API server would wait for webhooks that
// nobody serves. So each pod of the chart's Deployment gets a process of its own on loopback, started with the pod's own arguments of
// the environment and the rights of its own ServiceAccount. The pod becomes Ready when the process serves, and the process ends with
// the pod. What the sandbox has to know of it (ports, log file) is written as PROTOCOL.md says, "Processes behind pods".
package attend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Options is what the supervisor passes on.
type Options struct {
	// Dir is the sandbox's directory; it holds the administrator's kubeconfig.
	Dir string
	// Binary is this program, which is istiod under that name.
	Binary string
	// Events gets one JSON object per line: {"event":"settled"} each time every istiod pod that exists has its process.
	Events io.Writer
	// Log gets what happened, for people who look for a fault.
	Log io.Writer
}

// selector finds istiod's pods: the label its chart sets (manifests/charts/istio-control/istio-discovery/templates/deployment.yaml).
const selector = "app=istiod"

// Run attends to the sandbox until ctx ends, then stops every process. It returns an error only if it cannot begin.
func Run(ctx context.Context, o Options) error {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(o.Dir, "kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	a := &attendant{
		options: o,
		config:  config,
		client:  client,
		log:     log.New(o.Log, "attend: ", log.LstdFlags|log.Lmicroseconds|log.LUTC),
		wake:    make(chan struct{}, 1),
		running: map[string]*istiod{},
	}
	return a.run(ctx)
}

// attendant owns the processes; everything but the informers' wake-ups and a process' own goroutine happens in run.
type attendant struct {
	options Options
	config  *rest.Config
	client  kubernetes.Interface
	log     *log.Logger
	wake    chan struct{}
	running map[string]*istiod // by pod UID
	settled bool
}

func (a *attendant) run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(a.client, 0, informers.WithTweakListOptions(func(l *metav1.ListOptions) {
		l.LabelSelector = selector
	}))
	pods, services := factory.Core().V1().Pods(), factory.Core().V1().Services()
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
	factory.Start(ctx.Done())
	for kind, ok := range factory.WaitForCacheSync(ctx.Done()) {
		if !ok {
			return fmt.Errorf("no %v could be listed", kind)
		}
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

// reconcile starts a process for every scheduled pod and stops those whose pods are going or gone.
func (a *attendant) reconcile(ctx context.Context, pods []*corev1.Pod) {
	wanted := map[string]bool{}
	for _, pod := range pods {
		uid := string(pod.UID)
		if pod.DeletionTimestamp != nil || pod.Spec.NodeName == "" {
			continue
		}
		wanted[uid] = true
		if old, ok := a.running[uid]; ok && !old.ended() {
			continue
		}
		a.log.Printf("starting istiod for pod %s/%s", pod.Namespace, pod.Name)
		a.running[uid] = a.start(ctx, pod)
	}
	for uid, process := range a.running {
		if !wanted[uid] {
			a.log.Printf("stopping istiod of pod %s/%s", process.pod.Namespace, process.pod.Name)
			process.stop()
			delete(a.running, uid)
		}
	}
	settled := true
	for _, process := range a.running {
		settled = settled && process.serves()
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
		process.stop()
	}
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
