package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
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

// moment is a time as API objects have it.
var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`)

// moveJSON moves the times of an object whose type is not known here: those of its metadata, and what looks like one in its status.
func (a adoption) moveJSON(value []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	var failed error
	move := func(text string) string {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			failed = errors.Join(failed, err)
			return text
		}
		layout := time.RFC3339
		if _, fraction, found := strings.Cut(text, "."); found {
			layout = "2006-01-02T15:04:05." + strings.Repeat("0", len(fraction)-1) + "Z07:00"
		}
		return t.Add(a.by).Format(layout)
	}
	if metadata, ok := object["metadata"].(map[string]any); ok {
		stamps := []any{metadata}
		if fields, ok := metadata["managedFields"].([]any); ok {
			stamps = append(stamps, fields...)
		}
		for _, stamp := range stamps {
			entry, _ := stamp.(map[string]any)
			for _, key := range []string{"creationTimestamp", "deletionTimestamp", "time"} {
				if text, ok := entry[key].(string); ok {
					entry[key] = move(text)
				}
			}
		}
	}
	if status, ok := object["status"]; ok {
		object["status"] = moveTexts(status, move)
	}
	changed, err := json.Marshal(object)
	return changed, errors.Join(failed, err)
}

// moveTexts applies move to every text below value that is a time.
func moveTexts(value any, move func(string) string) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = moveTexts(item, move)
		}
	case []any:
		for i, item := range v {
			v[i] = moveTexts(item, move)
		}
	case string:
		if moment.MatchString(v) {
			return move(v)
		}
	}
	return value
}
