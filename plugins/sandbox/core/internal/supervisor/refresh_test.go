package supervisor

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func stored(t *testing.T, object interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	raw, err := object.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: "X"}, Raw: raw}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(envelope), text...)
}

func open(t *testing.T, value []byte, object interface{ Unmarshal([]byte) error }) {
	t.Helper()
	var unknown runtime.Unknown
	if err := unknown.Unmarshal(bytes.TrimPrefix(value, envelope)); err != nil {
		t.Fatal(err)
	}
	if err := object.Unmarshal(unknown.Raw); err != nil {
		t.Fatal(err)
	}
}

// marked gives UIDs that tell where they come from.
func marked(old string) string { return "new-" + old }

func TestRenew(t *testing.T) {
	then, now := metav1.Unix(1000, 0), metav1.Unix(1700000000, 0)
	meta := metav1.ObjectMeta{
		Name: "x", UID: "u", CreationTimestamp: then, Labels: map[string]string{"a": "b"},
		OwnerReferences: []metav1.OwnerReference{{Name: "o", UID: "v"}, {Name: "p", UID: "w"}},
	}
	r := renewal{now: now, ca: "new", kubeletPort: 4711, uid: marked}

	value, err := r.renew("/registry/namespaces/default", stored(t, &v1.Namespace{ObjectMeta: meta}))
	if err != nil {
		t.Fatal(err)
	}
	var namespace v1.Namespace
	open(t, value, &namespace)
	owners := namespace.OwnerReferences
	if !namespace.CreationTimestamp.Equal(&now) || namespace.UID != "new-u" || namespace.Labels["a"] != "b" || len(owners) != 2 ||
		owners[0].UID != "new-v" || owners[1].UID != "new-w" || owners[1].Name != "p" {
		t.Errorf("namespace became %+v", namespace.ObjectMeta)
	}

	value, err = r.renew("/registry/configmaps/default/kube-root-ca.crt", stored(t, &v1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"ca.crt": "old"}}))
	if err != nil {
		t.Fatal(err)
	}
	var configMap v1.ConfigMap
	open(t, value, &configMap)
	if configMap.Data["ca.crt"] != "new" || !configMap.CreationTimestamp.Equal(&now) || configMap.UID != "new-u" {
		t.Errorf("kube-root-ca.crt became %+v", configMap)
	}

	node := v1.Node{ObjectMeta: meta, Status: v1.NodeStatus{
		Conditions:      []v1.NodeCondition{{Type: v1.NodeReady, LastTransitionTime: then}},
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: 1}},
	}}
	if value, err = r.renew("/registry/minions/x", stored(t, &node)); err != nil {
		t.Fatal(err)
	}
	var renewed v1.Node
	open(t, value, &renewed)
	if c := renewed.Status.Conditions[0]; !c.LastTransitionTime.Equal(&now) || renewed.Status.DaemonEndpoints.KubeletEndpoint.Port != 4711 ||
		!renewed.CreationTimestamp.Equal(&now) || renewed.UID != "new-u" {
		t.Errorf("node became %+v", renewed)
	}

	value, err = r.renew("/registry/apiregistration.k8s.io/apiservices/v1.", []byte(`{"metadata":{"name":"v1.","creationTimestamp":"2001-01-01T00:00:00Z","uid":"u","generation":12345678901234567,"ownerReferences":[{"uid":"v"}]},"spec":{"uid":"u"}}`))
	if want := `{"metadata":{"creationTimestamp":"2023-11-14T22:13:20Z","generation":12345678901234567,"name":"v1.","ownerReferences":[{"uid":"new-v"}],"uid":"new-u"},"spec":{"uid":"u"}}`; err != nil || string(value) != want {
		t.Errorf("got %s (%v), want %s", value, err, want)
	}

	for _, key := range []string{"/registry/events/default/x", "/registry/leases/kube-system/apiserver-x", "/registry/configmaps/kube-system/extension-apiserver-authentication"} {
		if value, err := r.renew(key, []byte("k8s\x00")); value != nil || err != nil {
			t.Errorf("%s is kept (%v)", key, err)
		}
	}
	if value, err := r.renew("/registry/ranges/serviceips", []byte("raw")); string(value) != "raw" || err != nil {
		t.Errorf("an unknown value became %q (%v)", value, err)
	}
}

func TestReplaceRefusesRubbish(t *testing.T) {
	if _, err := (renewal{uid: marked}).protobuf([]byte("k8s\x00\xff\xff\xff")); err == nil {
		t.Error("a broken value was accepted")
	}
}

func TestTimestampsAreSeconds(t *testing.T) {
	now := metav1.NewTime(time.Unix(1700000000, 999))
	value, err := renewal{now: now, uid: marked}.protobuf(stored(t, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.Unix(1, 0)}}))
	if err != nil {
		t.Fatal(err)
	}
	var namespace v1.Namespace
	open(t, value, &namespace)
	if namespace.CreationTimestamp.Unix() != 1700000000 {
		t.Errorf("got %s", namespace.CreationTimestamp)
	}
}

func TestUIDsAreOthersInEverySandbox(t *testing.T) {
	one, other := newUIDs(), newUIDs()
	if one("a") != one("a") || one("a") == one("b") || one("a") == other("a") {
		t.Errorf("%s, %s, %s, %s", one("a"), one("a"), one("b"), other("a"))
	}
	if uid := one("a"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(uid) {
		t.Errorf("%s does not look like a random UUID", uid)
	}
}
