package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
)

// Annotations with which an author makes trouble on purpose. PROTOCOL.md says what each value does.
const (
	Annotation          = "kubetalk.dev/simulate"
	ContainerAnnotation = "kubetalk.dev/simulate-container"
)

// Values of Annotation.
const (
	crashLoop        = "crash-loop"
	oomKilled        = "oom-killed"
	imagePullBackOff = "image-pull-backoff"
	slowStart        = "slow-start"
	notReady         = "not-ready"
	fails            = "fail"
	completes        = "complete"
)

// durations are the values that may carry one (value=5s), with their defaults.
var durations = map[string]time.Duration{slowStart: 5 * time.Second, completes: time.Second, fails: time.Second}

var troubles = []string{completes, crashLoop, fails, imagePullBackOff, notReady, oomKilled, slowStart}

// behaviour is how one container of a pod behaves; the zero value starts at once and runs for ever.
type behaviour struct {
	kind     string
	duration time.Duration
}

// plan is the behaviour of a whole pod.
type plan struct {
	behaviour
	container string // the one concerned, "" for all
}

// parsePlan reads the annotations of a pod.
func parsePlan(pod *v1.Pod) (plan, error) {
	value, ok := pod.Annotations[Annotation]
	if !ok {
		return defaultPlan(pod), nil
	}
	kind, text, timed := strings.Cut(value, "=")
	limit, mayBeTimed := durations[kind]
	if !slices.Contains(troubles, kind) || timed && !mayBeTimed {
		return plan{}, fmt.Errorf("annotation %s: unknown value %q, use one of %s", Annotation, value, strings.Join(troubles, ", "))
	}
	if timed {
		var err error
		if limit, err = time.ParseDuration(text); err != nil || limit < 0 {
			return plan{}, fmt.Errorf("annotation %s: %q is no duration such as 5s", Annotation, text)
		}
	}
	p := plan{behaviour: behaviour{kind, limit}, container: pod.Annotations[ContainerAnnotation]}
	all := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	if p.container != "" && !slices.ContainsFunc(all, func(c v1.Container) bool { return c.Name == p.container }) {
		return plan{}, fmt.Errorf("annotation %s: the pod has no container %q", ContainerAnnotation, p.container)
	}
	// A container that breaks is one of several; what a whole pod does (complete, start slowly) concerns all of them.
	if p.container == "" && slices.Contains([]string{crashLoop, oomKilled, imagePullBackOff, notReady}, kind) {
		p.container = pod.Spec.Containers[0].Name
	}
	return p, nil
}

// defaultPlan lets the pods of Jobs complete and all others run.
func defaultPlan(pod *v1.Pod) plan {
	for _, owner := range pod.OwnerReferences {
		if owner.Kind == "Job" && owner.Controller != nil && *owner.Controller {
			return plan{behaviour: behaviour{completes, durations[completes]}}
		}
	}
	return plan{}
}

// of returns the behaviour of one container. Ordinary init containers always end; sidecars and ordinary containers only when told to.
func (p plan) of(name string, init, sidecar bool) behaviour {
	concerned := p.container == name || p.container == "" && !init
	switch {
	case concerned && !(sidecar && p.kind == completes):
		return p.behaviour
	case init && !sidecar:
		return behaviour{kind: completes}
	}
	// The others of a Job's pod whose one container fails complete, or the Job would never end.
	if p.kind == fails && !sidecar {
		return behaviour{completes, p.duration}
	}
	return behaviour{}
}

// ending returns how the container ends, and whether it does.
func (b behaviour) ending() (code int32, reason string, after time.Duration, ends bool) {
	switch b.kind {
	case completes:
		return 0, "Completed", b.duration, true
	case fails:
		return 1, "Error", b.duration, true
	case crashLoop:
		return 1, "Error", time.Second, true
	case oomKilled:
		return 137, "OOMKilled", time.Second, true
	}
	return 0, "", 0, false
}
