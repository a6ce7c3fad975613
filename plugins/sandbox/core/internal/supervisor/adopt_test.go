package supervisor

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// kept is a value as the API server stores it, with its true kind.
func kept(t *testing.T, apiVersion, kind string, object interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	raw, err := object.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: apiVersion, Kind: kind}, Raw: raw}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(envelope), text...)
}

func adopted[T interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}](t *testing.T, a adoption, key, apiVersion, kind string, object T, into T) T {
	t.Helper()
	value, err := a.adopt(key, kept(t, apiVersion, kind, object))
	if err != nil {
		t.Fatal(err)
	}
	open(t, value, into)
	return into
}

func TestAdoptedTimesMoveOn(t *testing.T) {
	a := adoption{by: time.Hour, ca: "new", kubeletPort: 4711}
	then, later := metav1.Unix(1000, 0), metav1.Unix(4600, 0)
	meta := metav1.ObjectMeta{
		Name: "x", UID: "u", CreationTimestamp: then, DeletionTimestamp: &then, Annotations: map[string]string{"at": "1970-01-01T00:16:40Z"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m", Time: &then, FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:x":{}}`)}}},
	}
	pod := adopted(t, a, "/registry/pods/default/x", "v1", "Pod", &v1.Pod{ObjectMeta: meta, Status: v1.PodStatus{
		StartTime:  &then,
		Conditions: []v1.PodCondition{{Type: v1.PodReady, LastTransitionTime: then}},
		ContainerStatuses: []v1.ContainerStatus{{
			State:                v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: then}},
			LastTerminationState: v1.ContainerState{Terminated: &v1.ContainerStateTerminated{FinishedAt: then}},
		}},
	}}, &v1.Pod{})
	status := pod.Status.ContainerStatuses[0]
	for what, got := range map[string]metav1.Time{
		"creationTimestamp": pod.CreationTimestamp, "deletionTimestamp": *pod.DeletionTimestamp, "managedFields": *pod.ManagedFields[0].Time,
		"startTime": *pod.Status.StartTime, "condition": pod.Status.Conditions[0].LastTransitionTime,
		"startedAt": status.State.Running.StartedAt, "finishedAt": status.LastTerminationState.Terminated.FinishedAt,
	} {
		if !got.Equal(&later) {
			t.Errorf("%s is %s, want %s", what, got, later)
		}
	}
	if !status.LastTerminationState.Terminated.StartedAt.IsZero() {
		t.Error("a time that was not set is set now")
	}
	if pod.UID != "u" || pod.Annotations["at"] != "1970-01-01T00:16:40Z" || string(pod.ManagedFields[0].FieldsV1.Raw) != `{"f:x":{}}` {
		t.Errorf("more than the times was changed: %+v", pod.ObjectMeta)
	}
	event := adopted(t, a, "/registry/events/default/x", "v1", "Event", &v1.Event{
		LastTimestamp: then, EventTime: metav1.NewMicroTime(time.Unix(1000, 5000)),
	}, &v1.Event{})
	if !event.LastTimestamp.Equal(&later) || !event.EventTime.Time.Equal(time.Unix(4600, 5000)) {
		t.Errorf("event became %s, %s", event.LastTimestamp, event.EventTime)
	}
}

func TestAdoptedObjectsAreThisSandboxes(t *testing.T) {
	a := adoption{ca: "new", kubeletPort: 4711}
	trust := adopted(t, a, "/registry/configmaps/a/kube-root-ca.crt", "v1", "ConfigMap", &v1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}, Data: map[string]string{"ca.crt": "old"},
	}, &v1.ConfigMap{})
	if trust.Data["ca.crt"] != "new" {
		t.Errorf("kube-root-ca.crt became %q", trust.Data)
	}
	node := adopted(t, a, "/registry/minions/x", "v1", "Node", &v1.Node{}, &v1.Node{})
	if node.Status.DaemonEndpoints.KubeletEndpoint.Port != 4711 {
		t.Errorf("node became %+v", node.Status)
	}
	token := adopted(t, a, "/registry/secrets/a/t", "v1", "Secret", &v1.Secret{Type: v1.SecretTypeServiceAccountToken, Data: map[string][]byte{
		"token": []byte("t"), "ca.crt": []byte("old"), "namespace": []byte("a"),
	}}, &v1.Secret{})
	if len(token.Data) != 1 || string(token.Data["namespace"]) != "a" {
		t.Errorf("the token became %q", token.Data)
	}
	trusted := adopted(t, a, "/registry/configmaps/kube-system/extension-apiserver-authentication", "v1", "ConfigMap", &v1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication", UID: "u"},
		Data:       map[string]string{"client-ca-file": "old"},
	}, &v1.ConfigMap{})
	if len(trusted.Data) != 0 || trusted.UID != "u" {
		t.Errorf("the other sandbox's authority is still trusted: %+v", trusted)
	}
	if value, err := a.adopt("/registry/leases/kube-node-lease/x", []byte("k8s\x00")); value != nil || err != nil {
		t.Errorf("a lease is kept (%v)", err)
	}
	if value, err := a.adopt("/registry/ranges/serviceips", []byte("raw")); string(value) != "raw" || err != nil {
		t.Errorf("an unknown value became %q (%v)", value, err)
	}
	if _, err := a.adopt("/registry/x/y", kept(t, "example.com/v1", "Unheard", &v1.Pod{})); err == nil {
		t.Error("times of an unknown kind cannot be moved, and nobody said so")
	}
}

func TestAdoptedResourcesOfUnknownKinds(t *testing.T) {
	const before = `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"creationTimestamp":"2026-01-01T10:00:00Z","generation":12345678901234567,` +
		`"managedFields":[{"time":"2026-01-01T10:00:00Z"}],"name":"w"},"spec":{"since":"2026-01-01T10:00:00Z"},` +
		`"status":{"conditions":[{"lastTransitionTime":"2026-01-01T10:00:00.120000Z","message":"at 2026-01-01T10:00:00Z"}]}}`
	const after = `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"creationTimestamp":"2026-01-01T10:01:30Z","generation":12345678901234567,` +
		`"managedFields":[{"time":"2026-01-01T10:01:30Z"}],"name":"w"},"spec":{"since":"2026-01-01T10:00:00Z"},` +
		`"status":{"conditions":[{"lastTransitionTime":"2026-01-01T10:01:30.120000Z","message":"at 2026-01-01T10:00:00Z"}]}}`
	got, err := adoption{by: 90 * time.Second}.adopt("/registry/example.com/widgets/a/w", []byte(before))
	if err != nil || string(got) != after {
		t.Errorf("got %s (%v)\nwant %s", got, err, after)
	}
}

func TestAdoptedResourcesKeepWhatIsNoTime(t *testing.T) {
	const value = `{"kind":"Widget","metadata":{"creationTimestamp":null,"managedFields":[{"fieldsV1":{"f:at":{},"f:x":1.50}}],"name":"w"},` +
		`"spec":{"of":12345678901234567.10,"text":"\u003ca\u003e"},"status":{"count":12345678901234567,"none":null}}`
	got, err := adoption{by: time.Hour}.adopt("/registry/example.com/widgets/a/w", []byte(value))
	if err != nil || string(got) != value {
		t.Errorf("got %s (%v)\nwant %s", got, err, value)
	}
	for _, broken := range []string{`{`, `{"metadata":{"creationTimestamp":"yesterday"}}`, `{"metadata":[]}`} {
		if _, err := (adoption{}).adopt("/registry/example.com/widgets/a/w", []byte(broken)); err == nil {
			t.Errorf("%s was adopted", broken)
		}
	}
}

func TestALayerOfOtherVersionsIsRefused(t *testing.T) {
	s := &Supervisor{options: Options{Versions: map[string]string{"kubernetes": "v1"}}}
	for name, about := range map[string]layer{
		"layout":   {Layout: layerLayout + 1, Versions: s.options.Versions},
		"versions": {Layout: layerLayout, Versions: map[string]string{"kubernetes": "v2"}},
		"emulated": {Layout: layerLayout, Versions: s.options.Versions, Emulated: "1.34"},
		"":         {Layout: layerLayout, Versions: s.options.Versions},
	} {
		dir := t.TempDir()
		text, _ := json.Marshal(about)
		if err := os.WriteFile(filepath.Join(dir, layerAbout), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.readLayer(dir); (err == nil) != (name == "") {
			t.Errorf("other %s: %v", name, err)
		}
	}
	if _, err := s.readLayer(t.TempDir()); err == nil {
		t.Error("an empty directory was taken for a layer")
	}
}

func TestAdoptedDefinitionsMoveOn(t *testing.T) {
	then, later := metav1.Unix(1000, 0), metav1.Unix(4600, 0)
	made := &v1beta1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{
			Name: "boats.example.org", UID: "u", CreationTimestamp: then, DeletionTimestamp: &then,
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m", Time: &then, FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:x":{}}`)}}},
		},
		Spec: v1beta1.CustomResourceDefinitionSpec{Group: "example.org", Validation: &v1beta1.CustomResourceValidation{
			OpenAPIV3Schema: &v1beta1.JSONSchemaProps{Type: "object", Description: "since 1970-01-01T00:16:40Z"},
		}},
		Status: v1beta1.CustomResourceDefinitionStatus{Conditions: []v1beta1.CustomResourceDefinitionCondition{
			{Type: v1beta1.NamesAccepted, Status: v1beta1.ConditionTrue, LastTransitionTime: then},
			{Type: v1beta1.Established, Status: v1beta1.ConditionTrue},
		}},
	}
	got := adopted(t, adoption{by: time.Hour}, "/registry/apiextensions.k8s.io/customresourcedefinitions/boats.example.org",
		"apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", made, &v1beta1.CustomResourceDefinition{})
	want := made.DeepCopy()
	want.CreationTimestamp, want.DeletionTimestamp, want.ManagedFields[0].Time = later, &later, &later
	want.Status.Conditions[0].LastTransitionTime = later
	if !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("it became\n%+v\nwant\n%+v", got, want)
	}
	broken := kept(t, "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", bytesAsMessage("\x0a\x02\xff\xff"))
	if _, err := (adoption{}).adopt("/registry/apiextensions.k8s.io/customresourcedefinitions/x", broken); err == nil {
		t.Error("a damaged one is adopted")
	}
}

// bytesAsMessage is a message of these bytes.
type bytesAsMessage string

// Marshal implements protobufMessage in part.
func (b bytesAsMessage) Marshal() ([]byte, error) { return []byte(b), nil }
