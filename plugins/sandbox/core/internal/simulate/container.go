package simulate

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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

// present is the least that a kubelet says about an image. It claims no transfer: none takes place.
func present(image string) string {
	return fmt.Sprintf("Container image %q already present on machine", image)
}

// containerID is visibly simulated, and the same whenever a pod of this name is.
func containerID(pod *v1.Pod, container string, restarts int32) string {
	return fmt.Sprintf("kwok://%x", sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d", pod.Namespace, pod.Name, container, restarts)))
}
