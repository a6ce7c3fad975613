package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Component is who reports the simulated events: `kubectl describe pod` shows it in the column From, where a real node has "kubelet".
const Component = "kwok"

// recorder writes events one by one and waits for each, so that they are there before the status they explain. A repeated event counts
// up instead of standing there twice, as with a kubelet.
type recorder struct {
	client kubernetes.Interface

	mu   sync.Mutex
	last time.Time
	seen map[string]*v1.Event
}

func newRecorder(client kubernetes.Interface) *recorder {
	return &recorder{client: client, seen: map[string]*v1.Event{}}
}

// name makes an event's name from the clock: `kubectl get events` lists by name, and the scheduler names its events so.
func (r *recorder) name(pod string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !now.After(r.last) {
		now = r.last.Add(time.Nanosecond)
	}
	r.last = now
	return fmt.Sprintf("%s.%x", pod, now.UnixNano())
}

func (r *recorder) record(ctx context.Context, pod *v1.Pod, e event) error {
	events := r.client.CoreV1().Events(pod.Namespace)
	key := string(pod.UID) + "\x00" + e.reason + "\x00" + e.fieldPath + "\x00" + e.message
	r.mu.Lock()
	before := r.seen[key]
	r.mu.Unlock()
	now := metav1.Now()
	if before != nil {
		patch, err := json.Marshal(map[string]any{"count": before.Count + 1, "lastTimestamp": now})
		if err != nil {
			return err
		}
		after, err := events.Patch(ctx, before.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err == nil {
			r.keep(key, after)
			return nil
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	written, err := events.Create(ctx, &v1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: r.name(pod.Name), Namespace: pod.Namespace},
		InvolvedObject: v1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			ResourceVersion: pod.ResourceVersion, FieldPath: e.fieldPath,
		},
		Type: e.kind, Reason: e.reason, Message: e.message, Count: 1, FirstTimestamp: now, LastTimestamp: now,
		Source:              v1.EventSource{Component: Component, Host: pod.Spec.NodeName},
		ReportingController: Component, ReportingInstance: pod.Spec.NodeName,
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	r.keep(key, written)
	return nil
}

func (r *recorder) keep(key string, e *v1.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[key] = e
}

// forget drops what is known about a pod that is gone.
func (r *recorder) forget(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, e := range r.seen {
		if e.InvolvedObject.UID == uid {
			delete(r.seen, key)
		}
	}
}
