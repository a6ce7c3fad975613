package simulate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/klog/v2"
	podutil "k8s.io/kubernetes/pkg/util/pod"
)

// ending is how long a pod takes to stop. A real one takes as long as its processes do; here it is only there to be seen.
const ending = 500 * time.Millisecond

// pods plays the kubelets of all nodes.
type pods struct {
	client   kubernetes.Interface
	pods     corelisters.PodLister
	nodes    corelisters.NodeLister
	recorder *recorder
	again    func(key string, after time.Duration)

	needProcess labels.Selector // pods that are ready only when a process behind them serves
	attended    bool            // somebody keeps such processes

	mu     sync.Mutex
	memory map[string]*memory // by namespace/name
	taken  map[string]string  // address -> namespace/name, also of pods that the lister does not show yet
}

// memory is what a kubelet knows about a pod and does not write into its status.
type memory struct {
	uid      types.UID
	latest   *v1.Pod // what our last write returned; the lister may be behind
	stopping time.Time
	pulls    map[string]int
	failed   map[string]time.Time
}

func newPods(client kubernetes.Interface, lister corelisters.PodLister, nodes corelisters.NodeLister, again func(string, time.Duration)) *pods {
	return &pods{
		client: client, pods: lister, nodes: nodes, recorder: newRecorder(client), again: again,
		memory: map[string]*memory{}, taken: map[string]string{},
	}
}

// sync brings one pod as far as it can get now.
func (p *pods) sync(ctx context.Context, key string) error {
	namespace, name, _ := strings.Cut(key, "/")
	pod, err := p.pods.Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		p.forget(key, "")
		return nil
	}
	if err != nil {
		return err
	}
	m := p.remember(key, pod)
	if m.latest != nil && newer(m.latest, pod) {
		pod = m.latest
	}
	node, err := p.nodes.Get(pod.Spec.NodeName)
	if err != nil {
		return nil // no such machine: nobody plays it
	}
	for {
		if pod.DeletionTimestamp != nil {
			return p.stop(ctx, key, pod, m)
		}
		s := next(pod, p.surroundings(ctx, key, pod, node, m))
		for _, e := range s.events {
			if err := p.recorder.record(ctx, pod, e); err != nil {
				// An event is refused in a namespace that is being deleted. The pod goes on.
				klog.V(1).InfoS("Event not written", "pod", key, "reason", e.reason, "err", err)
			}
		}
		if s.status == nil {
			if s.after > 0 {
				p.again(key, s.after)
			}
			return nil
		}
		written, _, _, err := podutil.PatchPodStatus(ctx, p.client, namespace, name, pod.UID, pod.Status, *s.status)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("status of pod %s: %w", key, err)
		}
		m.latest, pod = written, written
	}
}

// stop ends a pod that is being deleted: it says so, and a moment later takes the pod away.
func (p *pods) stop(ctx context.Context, key string, pod *v1.Pod, m *memory) error {
	running := false
	for i, list := range [][]v1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range list {
			if s.State.Running == nil {
				continue
			}
			running = true
			if m.stopping.IsZero() {
				_ = p.recorder.record(ctx, pod, event{v1.EventTypeNormal, "Killing", "Stopping container " + s.Name, path(i == 0, s.Name)})
			}
		}
	}
	if m.stopping.IsZero() {
		m.stopping = time.Now()
	}
	if left := ending - time.Since(m.stopping); running && left > 0 {
		p.again(key, left)
		return nil
	}
	// A finalizer keeps the object; who waits for it, the Job controller, must see that the containers have ended.
	if len(pod.Finalizers) > 0 && pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed {
		l := &life{pod: pod, status: pod.Status.DeepCopy(), around: surroundings{now: time.Now()}}
		l.status.Phase = v1.PodFailed
		for _, list := range [][]v1.ContainerStatus{l.status.InitContainerStatuses, l.status.ContainerStatuses} {
			for i := range list {
				if list[i].State.Running != nil {
					l.end(&list[i], 143, "Error")
				}
			}
		}
		l.conditions()
		if _, _, _, err := podutil.PatchPodStatus(ctx, p.client, pod.Namespace, pod.Name, pod.UID, pod.Status, *l.status); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	return nil
}

// remember returns the memory of the pod, a new one when another pod has taken the name.
func (p *pods) remember(key string, pod *v1.Pod) *memory {
	p.mu.Lock()
	m := p.memory[key]
	p.mu.Unlock()
	if m != nil && m.uid == pod.UID {
		return m
	}
	if m != nil {
		p.forget(key, pod.Status.PodIP)
	}
	m = &memory{uid: pod.UID, pulls: map[string]int{}, failed: map[string]time.Time{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory[key] = m
	return m
}

// forget gives back what a pod that is gone held, except one address.
func (p *pods) forget(key, except string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.memory[key]; m != nil {
		p.recorder.forget(m.uid)
		delete(p.memory, key)
	}
	for address, holder := range p.taken {
		if holder == key && address != except {
			delete(p.taken, address)
		}
	}
}

// newer tells whether a was written after b. Both are of the same object.
func newer(a, b *v1.Pod) bool {
	x, errX := strconv.ParseUint(a.ResourceVersion, 10, 64)
	y, errY := strconv.ParseUint(b.ResourceVersion, 10, 64)
	return errX == nil && errY == nil && x > y
}

func (p *pods) surroundings(ctx context.Context, key string, pod *v1.Pod, node *v1.Node, m *memory) surroundings {
	return surroundings{
		now: time.Now(), hostIP: internalIP(node),
		address: func() (string, error) { return p.address(key, node) },
		missing: func() string { return p.missing(ctx, pod) },
		broken:  func(c *v1.Container) string { return p.broken(ctx, pod, c) },
		pulls:   func(c string) int { return m.pulls[c] },
		pulled:  func(c string, at time.Time) { m.pulls[c]++; m.failed[c] = at },
		failed:  func(c string) time.Time { return m.failed[c] },
		process: p.process(pod),
	}
}

// process tells what stands behind a pod.
func (p *pods) process(pod *v1.Pod) process {
	switch {
	case p.needProcess.Empty() || !p.needProcess.Matches(labels.Set(pod.Labels)):
		return unneeded
	case !p.attended:
		return unattended
	case pod.Annotations[ProcessAnnotation] == ProcessReady:
		return serving
	}
	return awaited
}

func internalIP(node *v1.Node) string {
	for _, a := range node.Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// address gives the pod the lowest free address of its node's network. The first one is the node's own.
func (p *pods) address(key string, node *v1.Node) (string, error) {
	network, err := netip.ParsePrefix(node.Spec.PodCIDR)
	if err != nil {
		return "", fmt.Errorf("node %s has no pod network yet", node.Name)
	}
	all, err := p.pods.List(everything)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	used := map[string]bool{}
	for _, pod := range all {
		if pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed {
			used[pod.Status.PodIP] = true
		}
	}
	for address := network.Addr().Next().Next(); network.Contains(address.Next()); address = address.Next() {
		text := address.String()
		if _, held := p.taken[text]; !held && !used[text] {
			p.taken[text] = key
			return text, nil
		}
	}
	return "", errors.New("no address is free in the pod network " + network.String())
}
