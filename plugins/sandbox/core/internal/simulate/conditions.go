package simulate

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
