package simulate

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
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

func isSidecar(c *v1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
}

// container moves one container on by one state.
func (l *life) container(c *v1.Container, s *v1.ContainerStatus, b behaviour, restart v1.RestartPolicy, init bool) {
	fieldPath := path(init, c.Name)
	switch {
	case s.State.Running != nil && (!init || isSidecar(c)) && l.changed(c, s):
		l.event(v1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s definition changed, will be restarted", c.Name), fieldPath)
		l.end(s, 143, "Error")
		l.run(c, s, b, fieldPath)

	case s.State.Running != nil:
		l.resize(c, s)
		s.Ready = l.ready(b, init)
		code, reason, after, ends := b.ending()
		if !ends {
			return
		}
		if left := s.State.Running.StartedAt.Add(after).Sub(l.around.now); left > 0 {
			l.wait(left)
			return
		}
		l.end(s, code, reason)

	case s.State.Terminated != nil:
		t := s.State.Terminated
		if restart == v1.RestartPolicyNever || restart == v1.RestartPolicyOnFailure && t.ExitCode == 0 {
			return
		}
		if s.RestartCount == 0 {
			// The first restart comes at once. One second later, so that the end was there to be seen.
			if left := t.FinishedAt.Add(time.Second).Sub(l.around.now); left > 0 {
				l.wait(left)
				return
			}
			l.run(c, s, b, fieldPath)
			return
		}
		s.LastTerminationState = v1.ContainerState{Terminated: t}
		s.State = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{
			Reason:  "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", delay(s.RestartCount), c.Name, l.fullName()),
		}}
		l.event(v1.EventTypeWarning, "BackOff",
			fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.Name, l.fullName()), fieldPath)
		l.wait(delay(s.RestartCount))

	case s.State.Waiting.Reason == "CrashLoopBackOff":
		if left := s.LastTerminationState.Terminated.FinishedAt.Add(delay(s.RestartCount)).Sub(l.around.now); left > 0 {
			l.wait(left)
			return
		}
		l.run(c, s, b, fieldPath)

	case b.kind == imagePullBackOff:
		l.pull(c, s, fieldPath)

	case l.around.process == unattended && !init:
		if s.State.Waiting.Reason != "CreateContainerError" {
			l.event(v1.EventTypeWarning, "Failed", "Error: "+noProcess, fieldPath)
		}
		s.State.Waiting = &v1.ContainerStateWaiting{Reason: "CreateContainerError", Message: noProcess}

	default:
		if problem := l.around.broken(c); problem != "" {
			if s.State.Waiting.Reason != "CreateContainerConfigError" {
				l.event(v1.EventTypeNormal, "Pulled", present(c.Image), fieldPath)
			}
			s.State.Waiting = &v1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: problem}
			l.event(v1.EventTypeWarning, "Failed", "Error: "+problem, fieldPath)
			l.wait(2 * time.Second)
			return
		}
		l.run(c, s, b, fieldPath)
	}
}

// ended tells whether an init container is one that only ends; it is never ready while it runs.
func ended(b behaviour, init bool) bool { return init && b.kind == completes }

// ready tells whether a running container is ready.
func (l *life) ready(b behaviour, init bool) bool {
	return b.kind != notReady && !ended(b, init) && (init || l.around.process == unneeded || l.around.process == serving)
}

// run starts a container, for the first time or again.
func (l *life) run(c *v1.Container, s *v1.ContainerStatus, b behaviour, fieldPath string) {
	if t := s.State.Terminated; t != nil {
		s.LastTerminationState = v1.ContainerState{Terminated: t}
	}
	if s.LastTerminationState.Terminated != nil {
		s.RestartCount++
	}
	l.event(v1.EventTypeNormal, "Pulled", present(c.Image), fieldPath)
	l.event(v1.EventTypeNormal, "Created", "Container created", fieldPath)
	l.event(v1.EventTypeNormal, "Started", "Container started", fieldPath)
	started := true
	s.State = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(l.around.now)}}
	s.Started, s.Image, s.ImageID = &started, c.Image, ""
	s.ContainerID = containerID(l.pod, c.Name, s.RestartCount)
	l.resize(c, s)
	init := strings.HasPrefix(fieldPath, "spec.initContainers")
	s.Ready = l.ready(b, init)
	if b.kind == notReady {
		l.event(v1.EventTypeWarning, "Unhealthy", "Readiness probe failed: so simulated by annotation "+Annotation, fieldPath)
	}
	if _, _, after, ends := b.ending(); ends {
		l.wait(max(after, time.Millisecond))
	}
}

// resize gives a container the resources that its spec names. Whether the node has them is not asked.
func (l *life) resize(c *v1.Container, s *v1.ContainerStatus) {
	s.AllocatedResources = c.Resources.Requests.DeepCopy()
	if len(c.Resources.Requests)+len(c.Resources.Limits) > 0 {
		s.Resources = c.Resources.DeepCopy()
	}
}

// changed tells whether a running container must be restarted to become what its spec says: it has another image, or
// another amount of a resource that it can only take up in a restart (resizePolicy).
func (l *life) changed(c *v1.Container, s *v1.ContainerStatus) bool {
	if s.Image != c.Image {
		return true
	}
	for _, policy := range c.ResizePolicy {
		if policy.RestartPolicy != v1.RestartContainer || s.Resources == nil {
			continue
		}
		for _, lists := range [][2]v1.ResourceList{{c.Resources.Requests, s.Resources.Requests}, {c.Resources.Limits, s.Resources.Limits}} {
			if wanted, has := lists[0][policy.ResourceName], lists[1][policy.ResourceName]; wanted.Cmp(has) != 0 {
				return true
			}
		}
	}
	return false
}

// end stops a running container.
func (l *life) end(s *v1.ContainerStatus, code int32, reason string) {
	started := false
	s.State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: s.State.Running.StartedAt, FinishedAt: metav1.NewTime(l.around.now), ContainerID: s.ContainerID,
	}}
	s.Ready, s.Started = false, &started
	l.wait(time.Millisecond)
}

// pull fails to pull an image, again and again, as long apart as a kubelet's tries.
func (l *life) pull(c *v1.Container, s *v1.ContainerStatus, fieldPath string) {
	const pulling, backingOff = "ErrImagePull", "ImagePullBackOff"
	cause := fmt.Sprintf("failed to pull image %q: so simulated by annotation %s", c.Image, Annotation)
	count, wait := l.around.pulls(c.Name), time.Duration(0)
	if count > 0 {
		wait = delay(int32(count))
	}
	left := l.around.failed(c.Name).Add(wait).Sub(l.around.now)
	switch {
	case count == 0 || s.State.Waiting.Reason == backingOff && left <= 0:
		l.around.pulled(c.Name, l.around.now)
		l.event(v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.Image), fieldPath)
		l.event(v1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: so simulated by annotation %s", c.Image, Annotation), fieldPath)
		l.event(v1.EventTypeWarning, "Failed", "Error: "+pulling, fieldPath)
		s.State.Waiting = &v1.ContainerStateWaiting{Reason: pulling, Message: cause}
		l.wait(time.Second)
	case s.State.Waiting.Reason == pulling:
		if rest := l.around.failed(c.Name).Add(time.Second).Sub(l.around.now); rest > 0 {
			l.wait(rest)
			return
		}
		l.event(v1.EventTypeNormal, "BackOff", fmt.Sprintf("Back-off pulling image %q", c.Image), fieldPath)
		l.event(v1.EventTypeWarning, "Failed", "Error: "+backingOff, fieldPath)
		s.State.Waiting = &v1.ContainerStateWaiting{Reason: backingOff, Message: fmt.Sprintf("Back-off pulling image %q: %s: %s", c.Image, pulling, cause)}
		l.wait(max(left, time.Millisecond))
	default:
		s.State.Waiting = &v1.ContainerStateWaiting{Reason: backingOff, Message: fmt.Sprintf("Back-off pulling image %q: %s: %s", c.Image, pulling, cause)}
		l.wait(max(left, time.Millisecond))
	}
}

// delay is the kubelet's back-off before restart number count+1: 10 s, doubled each time, at most 5 min.
func delay(count int32) time.Duration {
	if count > 5 {
		return 5 * time.Minute
	}
	return min(10*time.Second<<(max(count, 1)-1), 5*time.Minute)
}

// phase is the kubelet's rule, once the init containers are done.
func phase(restart v1.RestartPolicy, containers []v1.ContainerStatus) v1.PodPhase {
	var waiting, running, ended, failed int
	for _, s := range containers {
		switch {
		case s.State.Running != nil:
			running++
		case s.State.Terminated != nil:
			ended++
			if s.State.Terminated.ExitCode != 0 {
				failed++
			}
		case s.LastTerminationState.Terminated != nil:
			running++ // between two runs
		default:
			waiting++
		}
	}
	switch {
	case waiting > 0:
		return v1.PodPending
	case running > 0 || restart == v1.RestartPolicyAlways || restart == v1.RestartPolicyOnFailure && failed > 0:
		return v1.PodRunning
	case failed > 0:
		return v1.PodFailed
	}
	return v1.PodSucceeded
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

// present is the least that a kubelet says about an image. It claims no transfer: none takes place.
func present(image string) string {
	return fmt.Sprintf("Container image %q already present on machine", image)
}

func path(init bool, container string) string {
	if init {
		return "spec.initContainers{" + container + "}"
	}
	return "spec.containers{" + container + "}"
}

// containerID is visibly simulated, and the same whenever a pod of this name is.
func containerID(pod *v1.Pod, container string, restarts int32) string {
	return fmt.Sprintf("kwok://%x", sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d", pod.Namespace, pod.Name, container, restarts)))
}

// conditions derives the pod's conditions from its containers, with the kubelet's reasons and texts.
func (l *life) conditions() {
	terminal := ""
	switch l.status.Phase {
	case v1.PodSucceeded:
		terminal = "PodCompleted"
	case v1.PodFailed:
		terminal = "PodFailed"
	}
	l.condition(v1.PodReadyToStartContainers, l.status.PodIP != "" && terminal == "", "", "")

	var incomplete []string
	var unready []string
	for i, c := range l.pod.Spec.InitContainers {
		s := l.status.InitContainerStatuses[i]
		if isSidecar(&c) {
			if s.Started == nil || !*s.Started {
				incomplete = append(incomplete, c.Name)
			}
			if !s.Ready {
				unready = append(unready, c.Name)
			}
		} else if s.State.Terminated == nil || s.State.Terminated.ExitCode != 0 {
			incomplete = append(incomplete, c.Name)
		}
	}
	for _, s := range l.status.ContainerStatuses {
		if !s.Ready {
			unready = append(unready, s.Name)
		}
	}
	switch {
	case l.status.Phase == v1.PodSucceeded:
		l.condition(v1.PodInitialized, true, terminal, "")
	case len(incomplete) > 0:
		l.condition(v1.PodInitialized, false, "ContainersNotInitialized", fmt.Sprintf("containers with incomplete status: %v", incomplete))
	default:
		l.condition(v1.PodInitialized, true, "", "")
	}

	ready, reason, message := len(unready) == 0, "", ""
	switch {
	case terminal != "":
		ready, reason = false, terminal
	case !ready:
		reason, message = "ContainersNotReady", fmt.Sprintf("containers with unready status: %v", unready)
	}
	containersReady, containersReason, containersMessage := ready, reason, message
	if ready {
		var open []string
		for _, gate := range l.pod.Spec.ReadinessGates {
			i := slices.IndexFunc(l.status.Conditions, func(c v1.PodCondition) bool { return c.Type == gate.ConditionType })
			if i < 0 {
				open = append(open, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
			} else if l.status.Conditions[i].Status != v1.ConditionTrue {
				open = append(open, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %s", gate.ConditionType, l.status.Conditions[i].Status))
			}
		}
		if len(open) > 0 {
			ready, reason, message = false, "ReadinessGatesNotReady", strings.Join(open, ", ")
		}
	}
	l.condition(v1.PodReady, ready, reason, message)
	l.condition(v1.ContainersReady, containersReady, containersReason, containersMessage)
}

// condition sets one condition and keeps the time of its last change.
func (l *life) condition(kind v1.PodConditionType, value bool, reason, message string) {
	status := v1.ConditionFalse
	if value {
		status = v1.ConditionTrue
	}
	changed := metav1.NewTime(l.around.now)
	fresh := v1.PodCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: changed, ObservedGeneration: l.pod.Generation,
	}
	i := slices.IndexFunc(l.status.Conditions, func(c v1.PodCondition) bool { return c.Type == kind })
	if i < 0 {
		l.status.Conditions = append(l.status.Conditions, fresh)
		return
	}
	if l.status.Conditions[i].Status == status {
		fresh.LastTransitionTime = l.status.Conditions[i].LastTransitionTime
	}
	l.status.Conditions[i] = fresh
}
