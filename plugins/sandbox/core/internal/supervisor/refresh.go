package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// refresh makes the objects that came from a seed those of this sandbox, before an API server sees them: they are born now, they trust
// this sandbox's authority, and what told of the seed's own first seconds is gone.
func (s *Supervisor) refresh(ctx context.Context) error {
	ca, err := os.ReadFile("pki/ca.crt")
	if err != nil {
		return err
	}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	return rewrite(ctx, "the seed", func(key string, value []byte) ([]byte, error) {
		return renew(key, value, now, string(ca), s.ports.kubelet)
	})
}

// rewrite replaces every value of the API server in etcd by what change makes of it; nil removes it. from says where the values are from.
func rewrite(ctx context.Context, from string, change func(key string, value []byte) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcdClientURL}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := client.Get(ctx, "/registry/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	// etcd takes 128 operations and 1.5 MiB at once; resource definitions are long.
	const most, longest = 100, 512 << 10
	var changes []clientv3.Op
	size := 0
	commit := func() error {
		if len(changes) == 0 {
			return nil
		}
		_, err := client.Txn(ctx).Then(changes...).Commit()
		changes, size = nil, 0
		return err
	}
	for _, entry := range all.Kvs {
		key := string(entry.Key)
		value, err := change(key, entry.Value)
		switch {
		case err != nil:
			return fmt.Errorf("%s in %s: %w", key, from, err)
		case value == nil:
			changes = append(changes, clientv3.OpDelete(key))
		case !bytes.Equal(value, entry.Value):
			// Events have a lease of etcd's: they expire as they would have.
			changes = append(changes, clientv3.OpPut(key, string(value), clientv3.WithIgnoreLease()))
		}
		if size += len(value); len(changes) == most || size > longest {
			if err := commit(); err != nil {
				return err
			}
		}
	}
	return commit()
}

// renew returns what a value of the seed becomes, nil when it goes.
func renew(key string, value []byte, now metav1.Time, ca string, kubeletPort int) ([]byte, error) {
	switch kind, name, _ := strings.Cut(strings.TrimPrefix(key, "/registry/"), "/"); {
	case kind == "events", kind == "leases", kind == "masterleases", name == "kube-system/extension-apiserver-authentication":
		return nil, nil
	case kind == "configmaps" && strings.HasSuffix(name, "/kube-root-ca.crt"):
		return edit(value, &v1.ConfigMap{}, func(o *v1.ConfigMap) {
			o.CreationTimestamp = now
			o.Data["ca.crt"] = ca
		})
	case kind == "minions":
		return edit(value, &v1.Node{}, func(o *v1.Node) {
			o.CreationTimestamp = now
			o.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(kubeletPort)
			for i := range o.Status.Conditions {
				o.Status.Conditions[i].LastHeartbeatTime, o.Status.Conditions[i].LastTransitionTime = now, now
			}
			for i := range o.ManagedFields {
				o.ManagedFields[i].Time = &now
			}
		})
	case bytes.HasPrefix(value, []byte("{")):
		return renewJSON(value, now)
	case bytes.HasPrefix(value, envelope):
		return renewProtobuf(value, now)
	}
	return value, nil // allocation maps and the like
}

// envelope begins every value that the API server stores as protobuf. A runtime.Unknown follows, whose field 2 is the object.
var envelope = []byte("k8s\x00")

const (
	unknownRaw        protowire.Number = 2 // runtime.Unknown.raw
	objectMeta        protowire.Number = 1 // metadata of every object
	creationTimestamp protowire.Number = 8 // in ObjectMeta
)

// protobufMessage is what the generated types of k8s.io/api can do.
type protobufMessage interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// edit changes an object of a known type inside its envelope.
func edit[T protobufMessage](value []byte, object T, change func(T)) ([]byte, error) {
	if !bytes.HasPrefix(value, envelope) {
		return nil, errors.New("it is not stored as protobuf")
	}
	var failed error
	changed, err := replace(value[len(envelope):], []protowire.Number{unknownRaw}, func(raw []byte) []byte {
		if failed = object.Unmarshal(raw); failed != nil {
			return raw
		}
		change(object)
		raw, failed = object.Marshal()
		return raw
	})
	return append(bytes.Clone(envelope), changed...), errors.Join(failed, err)
}

func renewProtobuf(value []byte, now metav1.Time) ([]byte, error) {
	stamp := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(now.Unix()))
	path := []protowire.Number{unknownRaw, objectMeta, creationTimestamp}
	changed, err := replace(value[len(envelope):], path, func([]byte) []byte { return stamp })
	return append(bytes.Clone(envelope), changed...), err
}

func renewJSON(value []byte, now metav1.Time) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if metadata, ok := object["metadata"].(map[string]any); ok {
		metadata["creationTimestamp"] = now
	}
	return json.Marshal(object)
}

// replace rewrites the submessage at path of a protobuf message and leaves everything else as it is, byte for byte.
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
