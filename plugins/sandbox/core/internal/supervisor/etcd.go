package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// save writes a snapshot of etcd to path. Nothing stops, and a half-written file is never seen.
func save(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	config := clientv3.Config{Endpoints: []string{etcdClientURL}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()}
	temporary := path + ".new"
	if _, err := snapshot.NewV3(zap.NewNop()).Save(ctx, config, temporary); err != nil {
		_ = os.Remove(temporary)
		return fmt.Errorf("etcd gave no snapshot: %w", err)
	}
	return os.Rename(temporary, path)
}

// load makes the data directory etcd/ from a snapshot.
func load(path string) error {
	ShrinkWAL()
	if err := os.RemoveAll("etcd"); err != nil {
		return err
	}
	return snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: path, OutputDataDir: "etcd", Name: "default", PeerURLs: []string{etcdAdvertised},
		InitialCluster: "default=" + etcdAdvertised, InitialClusterToken: etcdToken,
	})
}

// inEtcd lets act read and change what etcd holds, within ten seconds.
func inEtcd(ctx context.Context, act func(ctx context.Context, client *clientv3.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcdClientURL}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	return act(ctx, client)
}

// rewrite replaces every value of the API server in etcd by what change makes of it; nil removes it. from says where the values are from.
func rewrite(ctx context.Context, from string, change func(key string, value []byte) ([]byte, error)) error {
	return inEtcd(ctx, func(ctx context.Context, client *clientv3.Client) error {
		return rewriteWith(ctx, client, from, change)
	})
}

func rewriteWith(ctx context.Context, client *clientv3.Client, from string, change func(key string, value []byte) ([]byte, error)) error {
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
