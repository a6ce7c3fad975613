package attend

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
)

func istiodPod(name, revision string, born int64) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "istio-system", CreationTimestamp: metav1.Unix(born, 0),
			Labels: map[string]string{"app": "istiod", "istio.io/rev": revision},
		},
		Spec: corev1.PodSpec{ServiceAccountName: "istiod", Containers: []corev1.Container{{
			Name: "discovery",
			Args: []string{"discovery", "--monitoringAddr=:15014", "--domain", "cluster.local"},
			Env: []corev1.EnvVar{
				{Name: "REVISION", Value: revision},
				{Name: "PLATFORM"},
				{Name: "KUBECONFIG", Value: "/var/run/secrets/remote/config"},
				{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
				{Name: "APP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app']"}}},
				{Name: "GOMAXPROCS", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
			},
			Ports: []corev1.ContainerPort{{Name: "https-webhooks", ContainerPort: 15017}},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "cacerts", MountPath: "/etc/cacerts"}, {Name: "missing", MountPath: "/etc/missing"}, {Name: "local", MountPath: "/tmp"},
			},
		}}, Volumes: []corev1.Volume{
			{Name: "cacerts", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "cacerts"}}},
			{Name: "missing", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "no"}}}},
			{Name: "local", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		}},
	}
}

func TestArgumentsAreThePodsOwnAndThenOurs(t *testing.T) {
	local := map[int32]int{8080: 1, 15010: 2, 15012: 3, 15014: 4, 15017: 5, 9876: 6}
	got := strings.Join(arguments(istiodPod("p", "default", 0), "/k", local), " ")
	want := "istiod discovery --monitoringAddr=:15014 --domain cluster.local --kubeconfig /k --ctrlz_address 127.0.0.1 --ctrlz_port 6" +
		" --httpAddr 127.0.0.1:1 --grpcAddr 127.0.0.1:2 --secureGRPCAddr 127.0.0.1:3 --monitoringAddr 127.0.0.1:4 --httpsAddr 127.0.0.1:5"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEnvironmentIsTheContainersAndNothingOfTheHost(t *testing.T) {
	t.Setenv("ISTIO_META_HOST", "secret")
	got := environment(istiodPod("istiod-1", "canary", 0), "/f")
	want := []string{"HOME=/f", "TMPDIR=/f", "KUBETALK_PARENT_PIPE=stdin", "REVISION=canary", "PLATFORM=", "POD_NAME=istiod-1", "APP=istiod"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMountedSecretsLieWhereIstiodLooksForThem(t *testing.T) {
	folder := t.TempDir()
	a := &attendant{client: fake.NewSimpleClientset(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "cacerts", Namespace: "istio-system"},
		Data:       map[string][]byte{"ca-cert.pem": []byte("own"), "../../../escape": []byte("no")},
	})}
	if err := a.mount(context.Background(), istiodPod("p", "default", 0), folder); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "etc/cacerts/ca-cert.pem"))
	if err != nil || string(text) != "own" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "etc/cacerts/escape")); err != nil {
		t.Errorf("a name with dots left its mount: %v", err)
	}
}

func service(name string, selector map[string]string, target intstr.IntOrString) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "istio-system"},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 443, TargetPort: target}}},
	}
}

func running(pod *corev1.Pod, port int, serving bool) *istiod {
	return &istiod{pod: pod, logs: "/logs/" + pod.Name, local: map[int32]int{15017: port}, pid: port, serving: serving}
}

func published(t *testing.T, processes ...*istiod) (services string, behind []behindPod) {
	t.Helper()
	a := &attendant{options: Options{Dir: t.TempDir()}, running: map[string]*istiod{}}
	for _, p := range processes {
		a.running[p.pod.Name] = p
	}
	istiod := map[string]string{"app": "istiod"}
	all := []*corev1.Service{
		service("istiod", istiod, intstr.FromInt32(15017)),
		service("named", istiod, intstr.FromString("https-webhooks")),
		service("istiod-canary", map[string]string{"app": "istiod", "istio.io/rev": "canary"}, intstr.FromInt32(15017)),
		service("other", map[string]string{"app": "web"}, intstr.FromInt32(15017)),
		service("headless", nil, intstr.FromInt32(15017)),
	}
	if err := a.publish(all); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(a.options.Dir, "service-map"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(a.options.Dir, "processes.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(list, &behind); err != nil {
		t.Fatal(err)
	}
	return string(text), behind
}

func TestServicesLeadToTheNewestProcessThatServes(t *testing.T) {
	for _, test := range []struct {
		name       string
		old, fresh bool
		want       string
	}{
		{"the new one is starting", true, false, "1"},
		{"the new one serves", true, true, "2"},
		{"both are starting", false, false, "2"},
		{"only the new one serves", false, true, "2"},
	} {
		services, behind := published(t, running(istiodPod("z-old", "default", 1), 1, test.old), running(istiodPod("a-new", "default", 2), 2, test.fresh))
		want := "istio-system/istiod:443=127.0.0.1:" + test.want + "\nistio-system/named:443=127.0.0.1:" + test.want + "\n"
		if services != want {
			t.Errorf("%s: got %q, want %q", test.name, services, want)
		}
		if len(behind) != 2 {
			t.Errorf("%s: %v", test.name, behind)
		}
	}
}

func TestARevisionHasItsOwnService(t *testing.T) {
	services, behind := published(t, running(istiodPod("c", "canary", 1), 7, true))
	if !strings.Contains(services, "istio-system/istiod-canary:443=127.0.0.1:7\n") || strings.Contains(services, "other") || strings.Contains(services, "headless") {
		t.Error(services)
	}
	if behind[0].PID != 7 || behind[0].Ports["15017"] != "127.0.0.1:7" || behind[0].Logs["discovery"] != "/logs/c" {
		t.Errorf("%+v", behind[0])
	}
}

func TestNothingIsLeftWhenNothingRuns(t *testing.T) {
	if services, behind := published(t); services != "" || behind == nil || len(behind) != 0 {
		t.Errorf("%q %v", services, behind)
	}
	waiting := running(istiodPod("w", "default", 1), 1, false)
	waiting.local = nil
	if services, behind := published(t, waiting); services != "" || len(behind) != 0 {
		t.Errorf("a process that was not started: %q %v", services, behind)
	}
}

func webhooks(ca string, policy admissionv1.FailurePolicyType, revision string) []runtime.Object {
	meta := metav1.ObjectMeta{Name: "w", Labels: map[string]string{"istio.io/rev": revision}}
	client := admissionv1.WebhookClientConfig{CABundle: []byte(ca)}
	return []runtime.Object{
		&admissionv1.MutatingWebhookConfiguration{ObjectMeta: meta, Webhooks: []admissionv1.MutatingWebhook{{ClientConfig: client}}},
		&admissionv1.ValidatingWebhookConfiguration{
			ObjectMeta: meta, Webhooks: []admissionv1.ValidatingWebhook{{ClientConfig: client, FailurePolicy: &policy}},
		},
	}
}

func TestAPodIsNotReadyBeforeItsWebhooksAre(t *testing.T) {
	for _, test := range []struct {
		name    string
		objects []runtime.Object
		want    bool
	}{
		{"none", nil, true},
		{"without certificate", webhooks("", admissionv1.Fail, "default"), false},
		{"open", webhooks("ca", admissionv1.Ignore, "default"), false},
		{"closed", webhooks("ca", admissionv1.Fail, "default"), true},
		{"of another revision", webhooks("", admissionv1.Ignore, "canary"), true},
	} {
		a := &attendant{client: fake.NewSimpleClientset(test.objects...)}
		if got, err := a.webhooksLeadTo(context.Background(), istiodPod("p", "default", 0)); err != nil || got != test.want {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}
}

func TestTheMarkComesAndGoes(t *testing.T) {
	ctx, pod := context.Background(), istiodPod("p", "default", 0)
	a := &attendant{client: fake.NewSimpleClientset(pod)}
	for _, serves := range []bool{true, false} {
		if err := a.mark(ctx, pod, serves); err != nil {
			t.Fatal(err)
		}
		got, err := a.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, marked := got.Annotations[annotation]; marked != serves {
			t.Errorf("serves %v: %v", serves, got.Annotations)
		}
	}
	if err := a.mark(ctx, istiodPod("gone", "default", 0), false); err != nil {
		t.Errorf("a pod that is gone needs no mark: %v", err)
	}
}

func TestLogLinesAreThoseOfAContainerRuntime(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var turn sync.Mutex
	stdout := &containerLog{file: file, stream: "stdout", turn: &turn}
	stderr := &containerLog{file: file, stream: "stderr", turn: &turn}
	for _, part := range []string{"one\ntw", "o\n", "\nopen"} {
		if n, err := stdout.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	_, _ = stderr.Write([]byte("bad\n"))
	stdout.flush()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		stamp, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
			t.Error(err)
		}
		got = append(got, rest)
	}
	if want := []string{"stdout F one", "stdout F two", "stdout F ", "stderr F bad", "stdout F open"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPollingEnds(t *testing.T) {
	ctx, calls := context.Background(), 0
	if err := poll(ctx, time.Microsecond, 0, func() (bool, error) { calls++; return calls == 3, nil }); err != nil || calls != 3 {
		t.Error(calls, err)
	}
	if err := poll(ctx, time.Hour, 0, func() (bool, error) { return false, os.ErrPermission }); err != os.ErrPermission {
		t.Error(err)
	}
	if err := poll(ctx, time.Hour, time.Millisecond, func() (bool, error) { return false, nil }); err != nil {
		t.Error("a limit is no error:", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := poll(gone, time.Hour, 0, func() (bool, error) { return false, nil }); err != context.Canceled {
		t.Error(err)
	}
}

func TestContainersThatWereStarted(t *testing.T) {
	pod := istiodPod("p", "default", 0)
	if containerRuns(pod) {
		t.Error("nothing was started yet")
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "discovery"}}
	if containerRuns(pod) {
		t.Error("it is waiting")
	}
	pod.Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{}
	if !containerRuns(pod) {
		t.Error("it was started")
	}
}
