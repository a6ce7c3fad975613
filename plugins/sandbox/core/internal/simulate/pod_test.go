package simulate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// play runs a pod through its life on a clock of its own and returns what a watcher would see: one line per change of the status, as
// "seconds phase states", and one per event.
func play(t *testing.T, pod *v1.Pod, limit time.Duration) []string {
	t.Helper()
	return playWith(t, pod, limit, unneeded)
}

func playWith(t *testing.T, pod *v1.Pod, limit time.Duration, behind process) []string {
	t.Helper()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := start
	pulls, failed := map[string]int{}, map[string]time.Time{}
	var seen []string
	for range 1000 {
		s := next(pod, surroundings{
			now: now, hostIP: "172.18.0.3",
			address: func() (string, error) { return "10.244.1.2", nil },
			missing: func() string { return "" },
			broken:  func(*v1.Container) string { return "" },
			pulls:   func(c string) int { return pulls[c] },
			pulled:  func(c string, at time.Time) { pulls[c]++; failed[c] = at },
			failed:  func(c string) time.Time { return failed[c] },
			process: behind,
		})
		at := int(now.Sub(start).Seconds())
		for _, e := range s.events {
			seen = append(seen, strings.TrimSpace(fmt.Sprintf("%d event %s %s", at, e.reason, e.fieldPath)))
		}
		if s.status != nil {
			pod = pod.DeepCopy()
			s.status.DeepCopyInto(&pod.Status)
			if line := summary(pod); len(seen) == 0 || !strings.HasSuffix(seen[len(seen)-1], line) {
				seen = append(seen, fmt.Sprintf("%d %s", at, line))
			}
			continue
		}
		if s.after == 0 || now.Add(s.after).Sub(start) > limit {
			return seen
		}
		now = now.Add(s.after)
	}
	t.Fatalf("the pod never comes to rest: %q", seen[len(seen)-5:])
	return nil
}

func summary(pod *v1.Pod) string {
	words := []string{string(pod.Status.Phase)}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		word := s.Name + "="
		switch {
		case s.State.Waiting != nil:
			word += s.State.Waiting.Reason
		case s.State.Terminated != nil:
			word += s.State.Terminated.Reason
		case s.Ready:
			word += "ready"
		default:
			word += "running"
		}
		if s.RestartCount > 0 {
			word += fmt.Sprintf("(%d)", s.RestartCount)
		}
		words = append(words, word)
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == v1.PodReady && c.Status == v1.ConditionTrue {
			words = append(words, "Ready")
		}
	}
	return strings.Join(words, " ")
}

func newPod(simulation string, restart v1.RestartPolicy, names ...string) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default", UID: "u"},
		Spec:       v1.PodSpec{NodeName: "n", RestartPolicy: restart},
		Status:     v1.PodStatus{Phase: v1.PodPending},
	}
	if simulation != "" {
		pod.Annotations = map[string]string{Annotation: simulation}
	}
	for _, name := range names {
		c := v1.Container{Name: name, Image: "i"}
		switch name[0] {
		case 's':
			always := v1.ContainerRestartPolicyAlways
			c.RestartPolicy = &always
			fallthrough
		case 'i':
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
		default:
			pod.Spec.Containers = append(pod.Spec.Containers, c)
		}
	}
	return pod
}

func TestPodLives(t *testing.T) {
	started := func(at int, path string) []string {
		return []string{
			fmt.Sprintf("%d event Pulled %s", at, path), fmt.Sprintf("%d event Created %s", at, path), fmt.Sprintf("%d event Started %s", at, path),
		}
	}
	for name, c := range map[string]struct {
		pod   *v1.Pod
		limit time.Duration
		want  [][]string
	}{
		"runs": {newPod("", v1.RestartPolicyAlways, "a", "b"), time.Hour, [][]string{
			{"0 Pending a=ContainerCreating b=ContainerCreating"},
			started(0, "spec.containers{a}"), started(0, "spec.containers{b}"),
			{"0 Running a=ready b=ready Ready"},
		}},
		"init containers and a sidecar come first": {newPod("", v1.RestartPolicyAlways, "i1", "s", "i2", "a"), time.Hour, [][]string{
			{"0 Pending i1=PodInitializing s=PodInitializing i2=PodInitializing a=PodInitializing"},
			started(0, "spec.initContainers{i1}"), {"0 Pending i1=running s=PodInitializing i2=PodInitializing a=PodInitializing"},
			{"0 Pending i1=Completed s=PodInitializing i2=PodInitializing a=PodInitializing"},
			started(0, "spec.initContainers{s}"), {"0 Pending i1=Completed s=ready i2=PodInitializing a=PodInitializing"},
			started(0, "spec.initContainers{i2}"), {"0 Pending i1=Completed s=ready i2=running a=PodInitializing"},
			{"0 Pending i1=Completed s=ready i2=Completed a=PodInitializing"},
			started(0, "spec.containers{a}"), {"0 Running i1=Completed s=ready i2=Completed a=ready Ready"},
		}},
		"completes, and its sidecar with it": {newPod("complete=3s", v1.RestartPolicyNever, "s", "a"), time.Hour, [][]string{
			{"0 Pending s=PodInitializing a=PodInitializing"},
			started(0, "spec.initContainers{s}"), {"0 Pending s=ready a=PodInitializing"},
			started(0, "spec.containers{a}"), {"0 Running s=ready a=ready Ready"},
			{"3 Succeeded s=Completed a=Completed"},
		}},
		"fails for good": {newPod("fail", v1.RestartPolicyNever, "a"), time.Hour, [][]string{
			{"0 Pending a=ContainerCreating"}, started(0, "spec.containers{a}"), {"0 Running a=ready Ready"}, {"1 Failed a=Error"},
		}},
		"crash loop": {newPod("crash-loop", v1.RestartPolicyAlways, "a", "b"), 40 * time.Second, [][]string{
			{"0 Pending a=ContainerCreating b=ContainerCreating"},
			started(0, "spec.containers{a}"), started(0, "spec.containers{b}"), {"0 Running a=ready b=ready Ready"},
			{"1 Running a=Error b=ready"},
			started(2, "spec.containers{a}"), {"2 Running a=ready(1) b=ready Ready"}, {"3 Running a=Error(1) b=ready"},
			{"3 event BackOff spec.containers{a}"}, {"3 Running a=CrashLoopBackOff(1) b=ready"},
			started(13, "spec.containers{a}"), {"13 Running a=ready(2) b=ready Ready"}, {"14 Running a=Error(2) b=ready"},
			{"14 event BackOff spec.containers{a}"}, {"14 Running a=CrashLoopBackOff(2) b=ready"},
			started(34, "spec.containers{a}"), {"34 Running a=ready(3) b=ready Ready"}, {"35 Running a=Error(3) b=ready"},
			{"35 event BackOff spec.containers{a}"}, {"35 Running a=CrashLoopBackOff(3) b=ready"},
		}},
		"out of memory": {newPod("oom-killed", v1.RestartPolicyNever, "a"), time.Hour, [][]string{
			{"0 Pending a=ContainerCreating"}, started(0, "spec.containers{a}"), {"0 Running a=ready Ready"}, {"1 Failed a=OOMKilled"},
		}},
		"image cannot be pulled": {newPod("image-pull-backoff", v1.RestartPolicyAlways, "a"), 12 * time.Second, [][]string{
			{"0 Pending a=ContainerCreating"},
			{"0 event Pulling spec.containers{a}", "0 event Failed spec.containers{a}", "0 event Failed spec.containers{a}", "0 Pending a=ErrImagePull"},
			{"1 event BackOff spec.containers{a}", "1 event Failed spec.containers{a}", "1 Pending a=ImagePullBackOff"},
			{"10 event Pulling spec.containers{a}", "10 event Failed spec.containers{a}", "10 event Failed spec.containers{a}", "10 Pending a=ErrImagePull"},
			{"11 event BackOff spec.containers{a}", "11 event Failed spec.containers{a}", "11 Pending a=ImagePullBackOff"},
		}},
		"starts slowly": {newPod("slow-start=7s", v1.RestartPolicyAlways, "a"), time.Hour, [][]string{
			{"0 Pending a=ContainerCreating"}, started(7, "spec.containers{a}"), {"7 Running a=ready Ready"},
		}},
		"is not ready": {newPod("not-ready", v1.RestartPolicyAlways, "a"), time.Hour, [][]string{
			{"0 Pending a=ContainerCreating"}, started(0, "spec.containers{a}"), {"0 event Unhealthy spec.containers{a}", "0 Running a=running"},
		}},
		"unknown value": {newPod("explode", v1.RestartPolicyAlways, "a"), time.Hour, [][]string{
			{"0 event InvalidSimulation", "0 Pending a=ContainerCreating"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := play(t, c.pod, c.limit), slices.Concat(c.want...)
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

func TestBackOffGrowsToFiveMinutes(t *testing.T) {
	var got []string
	for i := range int32(8) {
		got = append(got, delay(i).String())
	}
	if want := "10s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestDeadline(t *testing.T) {
	pod := newPod("", v1.RestartPolicyAlways, "a")
	pod.Spec.ActiveDeadlineSeconds = new(int64)
	*pod.Spec.ActiveDeadlineSeconds = 5
	got := play(t, pod, time.Hour)
	if last := got[len(got)-1]; last != "5 Failed a=Error" {
		t.Errorf("ended with %q of %q", last, got)
	}
}

func TestReadinessGateHoldsThePodBack(t *testing.T) {
	pod := newPod("", v1.RestartPolicyAlways, "a")
	pod.Spec.ReadinessGates = []v1.PodReadinessGate{{ConditionType: "x.example/ok"}}
	if got := play(t, pod, time.Hour); strings.HasSuffix(got[len(got)-1], "Ready") {
		t.Error("the pod is Ready with its gate closed")
	}
	pod.Status.Conditions = []v1.PodCondition{{Type: "x.example/ok", Status: v1.ConditionTrue}}
	if got := play(t, pod, time.Hour); !strings.HasSuffix(got[len(got)-1], "Ready") {
		t.Errorf("the pod is not Ready with its gate open: %q", got)
	}
}

func TestPlanOfAnnotations(t *testing.T) {
	for value, want := range map[string]string{
		"crash-loop": "", "slow-start": "", "slow-start=250ms": "", "complete=1m": "",
		"crash-loop=5s": "unknown value", "slow-start=soon": "no duration", "slow-start=-1s": "no duration", "": "unknown value",
	} {
		pod := newPod("x", v1.RestartPolicyAlways, "a")
		pod.Annotations[Annotation] = value
		_, err := parsePlan(pod)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", value, err, want)
		}
	}
	pod := newPod("crash-loop", v1.RestartPolicyAlways, "a", "b")
	pod.Annotations[ContainerAnnotation] = "c"
	if _, err := parsePlan(pod); err == nil || !strings.Contains(err.Error(), `no container "c"`) {
		t.Errorf("got %v", err)
	}
}

func TestARunningContainerFollowsItsSpec(t *testing.T) {
	pod := newPod("", v1.RestartPolicyAlways, "app")
	pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("100m")}
	around := surroundings{
		now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), address: func() (string, error) { return "10.244.1.2", nil },
		missing: func() string { return "" }, broken: func(*v1.Container) string { return "" },
	}
	settle := func() (reasons []string) {
		for s := next(pod, around); s.status != nil; s = next(pod, around) {
			for _, e := range s.events {
				reasons = append(reasons, e.reason)
			}
			s.status.DeepCopyInto(&pod.Status)
		}
		return reasons
	}
	settle()
	pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("200m")}
	if events := settle(); len(events) != 0 {
		t.Errorf("a resize in place: %q", events)
	}
	s := &pod.Status.ContainerStatuses[0]
	if cpu := s.AllocatedResources[v1.ResourceCPU]; cpu.String() != "200m" || s.RestartCount != 0 {
		t.Errorf("after a resize in place: %s, %d restarts", cpu.String(), s.RestartCount)
	}
	pod.Spec.Containers[0].ResizePolicy = []v1.ContainerResizePolicy{{ResourceName: v1.ResourceCPU, RestartPolicy: v1.RestartContainer}}
	pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("300m")}
	restart := []string{"Killing", "Pulled", "Created", "Started"}
	if events := settle(); !slices.Equal(events, restart) {
		t.Errorf("a resize that restarts: %q", events)
	}
	pod.Spec.Containers[0].Image = "other"
	if events := settle(); !slices.Equal(events, restart) {
		t.Errorf("another image: %q", events)
	}
	s = &pod.Status.ContainerStatuses[0]
	if s.Image != "other" || s.RestartCount != 2 || s.LastTerminationState.Terminated == nil || !s.Ready {
		t.Errorf("after another image: %+v", s)
	}
}
