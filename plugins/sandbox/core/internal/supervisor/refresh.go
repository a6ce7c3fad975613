package supervisor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kubetalk.dev/sandbox/internal/certs"
)

// renewal makes the objects that came from a seed those of one sandbox.
type renewal struct {
	now         metav1.Time
	ca          string
	kubeletPort int
	uid         func(old string) string
}

// refresh makes the objects that came from a seed those of this sandbox, before an API server sees them: they are born now, under UIDs of
// their own, they trust this sandbox's authority, and what told of the seed's own first seconds is gone.
func (s *Supervisor) refresh(ctx context.Context) error {
	ca := string(s.pairs[certs.CA].Certificate)
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	return s.store.rewrite(ctx, "the seed", renewal{now: now, ca: ca, kubeletPort: s.ports.kubelet, uid: newUIDs()}.renew)
}

// newUIDs returns a function that gives every UID another one in its place, the same whenever it is asked for the same: whatever refers to
// an object goes on doing so.
func newUIDs() func(old string) string {
	own := rand.Text()
	return func(old string) string {
		b := sha256.Sum256([]byte(own + old))
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // a random one, RFC 9562, section 5.4
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
	}
}

// renew returns what a value of the seed becomes, nil when it goes.
func (r renewal) renew(key string, value []byte) ([]byte, error) {
	switch kind, name, _ := strings.Cut(strings.TrimPrefix(key, "/registry/"), "/"); {
	case kind == "events", kind == "leases", kind == "masterleases", name == "kube-system/extension-apiserver-authentication":
		return nil, nil
	case kind == "configmaps" && strings.HasSuffix(name, "/kube-root-ca.crt"):
		value, err := edit(value, func(o *v1.ConfigMap) { o.Data["ca.crt"] = r.ca })
		if err != nil {
			return nil, err
		}
		return r.protobuf(value)
	case kind == "minions":
		value, err := edit(value, func(o *v1.Node) {
			o.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(r.kubeletPort)
			for i := range o.Status.Conditions {
				o.Status.Conditions[i].LastHeartbeatTime, o.Status.Conditions[i].LastTransitionTime = r.now, r.now
			}
			for i := range o.ManagedFields {
				o.ManagedFields[i].Time = &r.now
			}
		})
		if err != nil {
			return nil, err
		}
		return r.protobuf(value)
	case bytes.HasPrefix(value, []byte("{")):
		return r.json(value)
	case bytes.HasPrefix(value, envelope):
		return r.protobuf(value)
	}
	return value, nil // allocation maps and the like
}

// envelope begins every value that the API server stores as protobuf. A runtime.Unknown follows, whose field 2 is the object.
var envelope = []byte("k8s\x00")

const (
	unknownRaw        protowire.Number = 2 // runtime.Unknown.raw
	objectMeta        protowire.Number = 1 // metadata of every object
	ownUID            protowire.Number = 5 // in ObjectMeta
	creationTimestamp protowire.Number = 8
	ownerReferences   protowire.Number = 13
	ownerUID          protowire.Number = 4 // in OwnerReference
)

// protobufMessage is what the generated types of k8s.io/api can do.
type protobufMessage interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// edit changes an object inside its envelope, or every part of it at path, which is of a known type.
func edit[T any, P interface {
	*T
	protobufMessage
}](value []byte, change func(P), path ...protowire.Number) ([]byte, error) {
	if !bytes.HasPrefix(value, envelope) {
		return nil, errors.New("it is not stored as protobuf")
	}
	var failed error
	changed, err := replace(value[len(envelope):], append([]protowire.Number{unknownRaw}, path...), func(raw []byte) []byte {
		object := P(new(T))
		if err := object.Unmarshal(raw); err != nil {
			failed = errors.Join(failed, err)
			return raw
		}
		change(object)
		raw, err := object.Marshal()
		failed = errors.Join(failed, err)
		return raw
	})
	return append(bytes.Clone(envelope), changed...), errors.Join(failed, err)
}

func (r renewal) protobuf(value []byte) ([]byte, error) {
	stamp := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(r.now.Unix()))
	uid := func(old []byte) []byte { return []byte(r.uid(string(old))) }
	changed := value[len(envelope):]
	for _, field := range []struct {
		path   []protowire.Number
		change func([]byte) []byte
	}{
		{[]protowire.Number{unknownRaw, objectMeta, creationTimestamp}, func([]byte) []byte { return stamp }},
		{[]protowire.Number{unknownRaw, objectMeta, ownUID}, uid},
		{[]protowire.Number{unknownRaw, objectMeta, ownerReferences, ownerUID}, uid},
	} {
		var err error
		if changed, err = replace(changed, field.path, field.change); err != nil {
			return nil, err
		}
	}
	return append(bytes.Clone(envelope), changed...), nil
}

func (r renewal) json(value []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if metadata, ok := object["metadata"].(map[string]any); ok {
		metadata["creationTimestamp"] = r.now
		owners, _ := metadata["ownerReferences"].([]any)
		for _, entry := range append(owners, metadata) {
			if entry, ok := entry.(map[string]any); ok {
				if old, ok := entry["uid"].(string); ok {
					entry["uid"] = r.uid(old)
				}
			}
		}
	}
	return json.Marshal(object)
}

// replace rewrites the submessage, or string, at path of a protobuf message and leaves everything else as it is, byte for byte.
func replace(message []byte, path []protowire.Number, change func([]byte) []byte) ([]byte, error) {
	var out []byte
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		field := message[:n+size]
		if number == path[0] && kind == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(message[n:])
			var err error
			if len(path) == 1 {
				inner = change(inner)
			} else if inner, err = replace(inner, path[1:], change); err != nil {
				return nil, err
			}
			field = protowire.AppendBytes(protowire.AppendTag(nil, number, kind), inner)
		}
		out = append(out, field...)
		message = message[n+size:]
	}
	return out, nil
}
