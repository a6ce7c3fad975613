package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
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

// store is what one etcd holds, past the API server. Each of its acts may take ten seconds.
type store struct{ client *clientv3.Client }

// openStore connects to the etcd that runs now. The connection is made in the background.
func openStore() (*store, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcdClientURL}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	return &store{client}, nil
}

// close ends the connection, if there is one.
func (s *store) close() {
	if s != nil {
		_ = s.client.Close() // nothing is under way
	}
}

const storePatience = 10 * time.Second

func (s *store) put(ctx context.Context, key, value string) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	_, err := s.client.Put(ctx, key, value)
	return err
}

// remove takes a value of the API server out of etcd, where no rule of the cluster can refuse it.
func (s *store) remove(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	_, err := s.client.Delete(ctx, key)
	return err
}

// names returns the rests of all keys that begin with prefix.
func (s *store) names(ctx context.Context, prefix string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	found, err := s.client.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, entry := range found.Kvs {
		names[strings.TrimPrefix(string(entry.Key), prefix)] = true
	}
	return names, nil
}

// rewrite replaces every value of the API server by what change makes of it; nil removes it. from says where the values are from.
func (s *store) rewrite(ctx context.Context, from string, change func(key string, value []byte) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	all, err := s.client.Get(ctx, "/registry/", clientv3.WithPrefix())
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
		_, err := s.client.Txn(ctx).Then(changes...).Commit()
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
