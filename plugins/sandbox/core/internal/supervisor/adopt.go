package supervisor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// adoption makes the objects of a layer those of another sandbox. For them the time in which they were kept did not pass: every moment
// that the API server knows as one moves on by it, so that ages are what they were and no timer has run out.
type adoption struct {
	by          time.Duration
	ca          string
	kubeletPort int
}

// adopt returns what a value of a layer becomes, nil when it goes.
func (a adoption) adopt(key string, value []byte) ([]byte, error) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(key, "/registry/"), "/")
	switch {
	case kind == "leases", kind == "masterleases":
		return nil, nil // who held them is gone
	case bytes.HasPrefix(value, []byte("{")):
		return a.moveJSON(value)
	case !bytes.HasPrefix(value, envelope):
		return value, nil // allocation maps and the like
	case kind == "apiextensions.k8s.io":
		return a.moveDefinition(value)
	}
	var unknown runtime.Unknown
	if err := unknown.Unmarshal(value[len(envelope):]); err != nil {
		return nil, err
	}
	object, err := scheme.Scheme.New(schema.FromAPIVersionAndKind(unknown.APIVersion, unknown.Kind))
	if err != nil {
		return nil, err
	}
	message, ok := object.(protobufMessage)
	if !ok {
		return nil, fmt.Errorf("%s is not stored as protobuf", unknown.Kind)
	}
	if err := message.Unmarshal(unknown.Raw); err != nil {
		return nil, err
	}
	a.own(object)
	moveTimes(reflect.ValueOf(object), a.by)
	raw, err := message.Marshal()
	if err != nil {
		return nil, err
	}
	changed, err := replace(value[len(envelope):], []protowire.Number{unknownRaw}, func([]byte) []byte { return raw })
	return append(bytes.Clone(envelope), changed...), err
}

// own puts what belongs to this sandbox in the place of the other's.
func (a adoption) own(object runtime.Object) {
	switch o := object.(type) {
	case *v1.ConfigMap:
		switch {
		case o.Name == "kube-root-ca.crt":
			o.Data["ca.crt"] = a.ca
		case o.Namespace == metav1.NamespaceSystem && o.Name == "extension-apiserver-authentication":
			// The API server adds its own authorities to what it finds.
			o.Data = nil
		}
	case *v1.Node:
		o.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(a.kubeletPort)
	case *v1.Secret:
		if o.Type == v1.SecretTypeServiceAccountToken {
			// The tokens controller fills in what is missing, signed with this sandbox's key.
			delete(o.Data, v1.ServiceAccountTokenKey)
			delete(o.Data, v1.ServiceAccountRootCAKey)
		}
	}
}

// moveTimes adds by to every time below v that is set.
func moveTimes(v reflect.Value, by time.Duration) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			moveTimes(v.Elem(), by)
		}
	case reflect.Slice:
		for i := 0; i < v.Len() && mayHoldTimes(v.Type().Elem()); i++ {
			moveTimes(v.Index(i), by)
		}
	case reflect.Map:
		if !mayHoldTimes(v.Type().Elem()) {
			return
		}
		for _, key := range v.MapKeys() {
			// What a map holds cannot be changed in its place.
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			moveTimes(item, by)
			v.SetMapIndex(key, item)
		}
	case reflect.Struct:
		switch t := v.Addr().Interface().(type) {
		case *metav1.Time:
			if !t.IsZero() {
				t.Time = t.Add(by)
			}
		case *metav1.MicroTime:
			if !t.IsZero() {
				t.Time = t.Add(by)
			}
		default:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					moveTimes(v.Field(i), by)
				}
			}
		}
	}
}

// mayHoldTimes spares a look at every byte of a Secret.
func mayHoldTimes(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return mayHoldTimes(t.Elem())
	}
	return t.Kind() == reflect.Struct
}

// moveDefinition moves the times of a CustomResourceDefinition, whose type would bring a library along and is large: those of its metadata
// and of the conditions in its status.
func (a adoption) moveDefinition(value []byte) ([]byte, error) {
	value, err := edit(value, func(o *metav1.ObjectMeta) { moveTimes(reflect.ValueOf(o), a.by) }, objectMeta)
	if err != nil {
		return nil, err
	}
	move := func(t *metav1.Time) { moveTimes(reflect.ValueOf(t), a.by) }
	return edit(value, move, definitionStatus, definitionConditions, lastTransitionTime)
}

// Fields of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1/generated.proto.
const (
	definitionStatus     protowire.Number = 3 // in CustomResourceDefinition
	definitionConditions protowire.Number = 1 // in CustomResourceDefinitionStatus
	lastTransitionTime   protowire.Number = 3 // in CustomResourceDefinitionCondition
)

// moment is a time as API objects have it.
var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`)

// moveJSON moves the times of an object whose type is not known here: those of its metadata, and what looks like one in its status. The
// rest is most of it and is not looked at.
func (a adoption) moveJSON(value []byte) ([]byte, error) {
	var object, metadata map[string]json.RawMessage
	if err := json.Unmarshal(value, &object); err != nil {
		return nil, err
	}
	if text, ok := object["metadata"]; ok {
		if err := json.Unmarshal(text, &metadata); err != nil {
			return nil, err
		}
		if err := a.moveStamps(metadata, "creationTimestamp", "deletionTimestamp"); err != nil {
			return nil, err
		}
		if err := a.moveFields(metadata); err != nil {
			return nil, err
		}
		if err := put(object, "metadata", metadata); err != nil {
			return nil, err
		}
	}
	if text, ok := object["status"]; ok {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var status any
		if err := decoder.Decode(&status); err != nil {
			return nil, err
		}
		status, err := a.moveTexts(status)
		if err != nil {
			return nil, err
		}
		if err := put(object, "status", status); err != nil {
			return nil, err
		}
	}
	return json.Marshal(object)
}

// put encodes value into an object.
func put(object map[string]json.RawMessage, key string, value any) (err error) {
	object[key], err = json.Marshal(value)
	return err
}

// moveFields moves the times in the managedFields of metadata. What they say of fields is long.
func (a adoption) moveFields(metadata map[string]json.RawMessage) error {
	text, ok := metadata["managedFields"]
	if !ok {
		return nil
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return err
	}
	for _, entry := range entries {
		if err := a.moveStamps(entry, "time"); err != nil {
			return err
		}
	}
	return put(metadata, "managedFields", entries)
}

// moveStamps moves the times that an object has under keys.
func (a adoption) moveStamps(object map[string]json.RawMessage, keys ...string) error {
	for _, key := range keys {
		raw, ok := object[key]
		if !ok {
			continue
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		if text == "" {
			continue // null
		}
		moved, err := a.moveText(text)
		if err != nil {
			return err
		}
		if err := put(object, key, moved); err != nil {
			return err
		}
	}
	return nil
}

// moveTexts moves every text in value that is a time.
func (a adoption) moveTexts(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if v[key], err = a.moveTexts(item); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, item := range v {
			if v[i], err = a.moveTexts(item); err != nil {
				return nil, err
			}
		}
	case string:
		if moment.MatchString(v) {
			return a.moveText(v)
		}
	}
	return value, nil
}

// moveText moves one time, which keeps as many decimals as it had.
func (a adoption) moveText(text string) (string, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", err
	}
	layout := time.RFC3339
	if _, fraction, found := strings.Cut(text, "."); found {
		layout = "2006-01-02T15:04:05." + strings.Repeat("0", len(fraction)-1) + "Z07:00"
	}
	return t.Add(a.by).Format(layout), nil
}
