package simulate

import (
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// event is one line of `kubectl get events` about a pod.
type event struct {
	kind, reason, message string
	fieldPath             string // "" for the pod itself
}

// surroundings are what a pod's next step depends on besides the pod. The functions are asked only when needed.
type surroundings struct {
	now     time.Time
	hostIP  string
	address func() (string, error)                   // an address for the pod
	missing func() string                            // why its volumes cannot be mounted, "" when they can
	broken  func(container *v1.Container) string     // why a container cannot be configured, "" when it can
	pulls   func(container string) (count int)       // failed pulls so far
	pulled  func(container string, failed time.Time) // records one
	failed  func(container string) time.Time         // time of the last one
	process process
}

// process is what a pod has behind it; the containers of most need nothing.
type process int

const (
	unneeded   process = iota
	unattended         // it needs a process, and nobody here keeps any
	awaited            // its process does not serve yet, or no longer
	serving
)

// step is what a kubelet would do next. The events are written before the status, so that who waits for the status finds them.
type step struct {
	status *v1.PodStatus // nil: nothing changes
	events []event
	after  time.Duration // when to look again, 0: when something changes
}

// life computes one step of one pod.
type life struct {
	pod    *v1.Pod
	status *v1.PodStatus
	plan   plan
	around surroundings
	events []event
	after  time.Duration
}

// next returns the next step of a pod that is bound to a node and not being deleted. It depends on nothing but its arguments: all state
// is in the pod's status, as with a kubelet, and so survives a restart and a restore.
func next(pod *v1.Pod, around surroundings) step {
	if pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
		return step{}
	}
	l := &life{pod: pod, status: pod.Status.DeepCopy(), around: around}
	var err error
	l.plan, err = parsePlan(pod)
	switch {
	case pod.Status.StartTime == nil:
		l.admit(err)
	case err != nil:
		return step{}
	case l.overdue():
	default:
		l.advance()
	}
	l.status.ObservedGeneration = pod.Generation
	l.conditions()
	if equality.Semantic.DeepEqual(&pod.Status, l.status) {
		return step{after: l.after, events: l.events}
	}
	return step{status: l.status, events: l.events, after: l.after}
}

// admit is the kubelet's first look at the pod.
func (l *life) admit(problem error) {
	now := metav1.NewTime(l.around.now)
	l.status.Phase, l.status.StartTime = v1.PodPending, &now
	l.status.HostIP, l.status.HostIPs = l.around.hostIP, []v1.HostIP{{IP: l.around.hostIP}}
	reason := "ContainerCreating"
	if len(l.pod.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	waiting := func(containers []v1.Container) []v1.ContainerStatus {
		var all []v1.ContainerStatus
		for i := range containers {
			c := &containers[i]
			started := false
			all = append(all, v1.ContainerStatus{
				Name: c.Name, Image: c.Image, Started: &started, State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason}},
			})
		}
		return all
	}
	l.status.InitContainerStatuses = waiting(l.pod.Spec.InitContainers)
	l.status.ContainerStatuses = waiting(l.pod.Spec.Containers)
	if problem != nil {
		l.events = append(l.events, event{v1.EventTypeWarning, "InvalidSimulation", problem.Error(), ""})
	}
}

// overdue ends a pod that ran longer than its own deadline.
func (l *life) overdue() bool {
	limit := l.pod.Spec.ActiveDeadlineSeconds
	if limit == nil {
		return false
	}
	left := l.status.StartTime.Add(time.Duration(*limit) * time.Second).Sub(l.around.now)
	if left > 0 {
		l.wait(left)
		return false
	}
	l.status.Phase, l.status.Reason = v1.PodFailed, "DeadlineExceeded"
	l.status.Message = "Pod was active on the node longer than the specified deadline"
	for i := range l.status.ContainerStatuses {
		if s := &l.status.ContainerStatuses[i]; s.State.Running != nil {
			l.event(v1.EventTypeNormal, "Killing", "Stopping container "+s.Name, path(false, s.Name))
			l.end(s, 137, "Error")
		}
	}
	l.events = append(l.events, event{v1.EventTypeNormal, "DeadlineExceeded", l.status.Message, ""})
	return true
}

// advance moves the containers on: init containers one after another, then all others at once.
func (l *life) advance() {
	if !l.sandboxReady() {
		return
	}
	if !l.initialise() {
		return
	}
	for i := range l.pod.Spec.Containers {
		c := &l.pod.Spec.Containers[i]
		l.container(c, &l.status.ContainerStatuses[i], l.plan.of(c.Name, false, false), l.pod.Spec.RestartPolicy, false)
	}
	l.status.Phase = phase(l.pod.Spec.RestartPolicy, l.status.ContainerStatuses)
	if l.status.Phase == v1.PodSucceeded || l.status.Phase == v1.PodFailed {
		for i := range l.status.InitContainerStatuses {
			if s := &l.status.InitContainerStatuses[i]; s.State.Running != nil {
				l.end(s, 0, "Completed")
			}
		}
	}
}

// sandboxReady tells whether containers may be created: the delay is over, the volumes are there, the pod has an address.
func (l *life) sandboxReady() bool {
	if l.status.PodIP != "" {
		return true
	}
	if l.plan.kind == slowStart {
		if left := l.status.StartTime.Add(l.plan.duration).Sub(l.around.now); left > 0 {
			l.wait(left)
			return false
		}
	}
	if problem := l.around.missing(); problem != "" {
		l.events = append(l.events, event{v1.EventTypeWarning, "FailedMount", problem, ""})
		l.wait(2 * time.Second)
		return false
	}
	address := l.around.hostIP
	if !l.pod.Spec.HostNetwork {
		var err error
		if address, err = l.around.address(); err != nil {
			l.events = append(l.events, event{v1.EventTypeWarning, "FailedCreatePodSandBox", err.Error(), ""})
			l.wait(2 * time.Second)
			return false
		}
	}
	l.status.PodIP, l.status.PodIPs = address, []v1.PodIP{{IP: address}}
	return true
}

// initialise moves the init containers on by one step and tells whether the others may run.
func (l *life) initialise() bool {
	for i := range l.pod.Spec.InitContainers {
		c, s := &l.pod.Spec.InitContainers[i], &l.status.InitContainerStatuses[i]
		if isSidecar(c) {
			// Once it has run, a sidecar that ends holds nobody up.
			ran := s.State.Waiting == nil || s.LastTerminationState.Terminated != nil
			l.container(c, s, l.plan.of(c.Name, true, true), v1.RestartPolicyAlways, true)
			if !ran {
				return false
			}
			continue
		}
		if s.State.Terminated != nil && s.State.Terminated.ExitCode == 0 {
			continue
		}
		restart := l.pod.Spec.RestartPolicy
		if restart == v1.RestartPolicyAlways {
			restart = v1.RestartPolicyOnFailure // an init container is done when it has succeeded
		}
		l.container(c, s, l.plan.of(c.Name, true, false), restart, true)
		if t := s.State.Terminated; t != nil && t.ExitCode == 0 {
			s.Ready = true
		} else if t != nil && restart == v1.RestartPolicyNever {
			l.status.Phase = v1.PodFailed
		}
		return false
	}
	return true
}

func (l *life) event(kind, reason, message, fieldPath string) {
	l.events = append(l.events, event{kind, reason, message, fieldPath})
}

// wait asks to be called again after d at the latest.
func (l *life) wait(d time.Duration) {
	if l.after == 0 || d < l.after {
		l.after = d
	}
}

func (l *life) fullName() string {
	return fmt.Sprintf("%s_%s(%s)", l.pod.Name, l.pod.Namespace, l.pod.UID)
}

func path(init bool, container string) string {
	if init {
		return "spec.initContainers{" + container + "}"
	}
	return "spec.containers{" + container + "}"
}
