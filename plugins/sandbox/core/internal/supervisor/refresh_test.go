package supervisor

import (
	"bytes"
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

func TestRenew(t *testing.T) {
	then, now := metav1.Unix(1000, 0), metav1.Unix(1700000000, 0)
	meta := metav1.ObjectMeta{Name: "x", UID: "u", CreationTimestamp: then, Labels: map[string]string{"a": "b"}}

	value, err := renew("/registry/namespaces/default", stored(t, &v1.Namespace{ObjectMeta: meta}), now, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var namespace v1.Namespace
	open(t, value, &namespace)
	if !namespace.CreationTimestamp.Equal(&now) || namespace.UID != "u" || namespace.Labels["a"] != "b" {
		t.Errorf("namespace became %+v", namespace.ObjectMeta)
	}

	value, err = renew("/registry/configmaps/default/kube-root-ca.crt", stored(t, &v1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"ca.crt": "old"}}), now, "new", 0)
	if err != nil {
		t.Fatal(err)
	}
	var configMap v1.ConfigMap
	open(t, value, &configMap)
	if configMap.Data["ca.crt"] != "new" || !configMap.CreationTimestamp.Equal(&now) {
		t.Errorf("kube-root-ca.crt became %+v", configMap)
	}

	node := v1.Node{ObjectMeta: meta, Status: v1.NodeStatus{
		Conditions:      []v1.NodeCondition{{Type: v1.NodeReady, LastTransitionTime: then}},
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: 1}},
	}}
	if value, err = renew("/registry/minions/x", stored(t, &node), now, "", 4711); err != nil {
		t.Fatal(err)
	}
	var renewed v1.Node
	open(t, value, &renewed)
	if c := renewed.Status.Conditions[0]; !c.LastTransitionTime.Equal(&now) || renewed.Status.DaemonEndpoints.KubeletEndpoint.Port != 4711 {
		t.Errorf("node became %+v", renewed.Status)
	}

	value, err = renew("/registry/apiregistration.k8s.io/apiservices/v1.", []byte(`{"metadata":{"name":"v1.","creationTimestamp":"2001-01-01T00:00:00Z","generation":12345678901234567},"spec":{}}`), now, "", 0)
	if want := `{"metadata":{"creationTimestamp":"2023-11-14T22:13:20Z","generation":12345678901234567,"name":"v1."},"spec":{}}`; err != nil || string(value) != want {
		t.Errorf("got %s (%v), want %s", value, err, want)
	}

	for _, key := range []string{"/registry/events/default/x", "/registry/leases/kube-system/apiserver-x", "/registry/configmaps/kube-system/extension-apiserver-authentication"} {
		if value, err := renew(key, []byte("k8s\x00"), now, "", 0); value != nil || err != nil {
			t.Errorf("%s is kept (%v)", key, err)
		}
	}
	if value, err := renew("/registry/ranges/serviceips", []byte("raw"), now, "", 0); string(value) != "raw" || err != nil {
		t.Errorf("an unknown value became %q (%v)", value, err)
	}
}

func TestReplaceRefusesRubbish(t *testing.T) {
	if _, err := renewProtobuf([]byte("k8s\x00\xff\xff\xff"), metav1.Now()); err == nil {
		t.Error("a broken value was accepted")
	}
}

func TestTimestampsAreSeconds(t *testing.T) {
	now := metav1.NewTime(time.Unix(1700000000, 999))
	value, err := renewProtobuf(stored(t, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.Unix(1, 0)}}), now)
	if err != nil {
		t.Fatal(err)
	}
	var namespace v1.Namespace
	open(t, value, &namespace)
	if namespace.CreationTimestamp.Unix() != 1700000000 {
		t.Errorf("got %s", namespace.CreationTimestamp)
	}
}
