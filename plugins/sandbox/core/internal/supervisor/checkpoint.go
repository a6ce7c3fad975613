package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

const snapshotSuffix = ".snapshot"

func checkpointPath(name string) string { return filepath.Join("checkpoints", name+snapshotSuffix) }

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

func (s *Supervisor) checkpoint(ctx context.Context, name string) (message, error) {
	if err := save(ctx, checkpointPath(name)); err != nil {
		return nil, err
	}
	info, err := os.Stat(checkpointPath(name))
	if err != nil {
		return nil, err
	}
	return message{"name": name, "bytes": info.Size()}, nil
}

// restore brings the cluster back to a checkpoint. Every part is started anew: whatever is kept alive goes on believing in what it
// cached, and watches that point into a future that no longer exists recover slower with each restore.
func (s *Supervisor) restore(ctx context.Context, name string) (message, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.StartTimeout)
	defer cancel()
	if _, err := os.Stat(checkpointPath(name)); err != nil {
		return nil, fmt.Errorf("there is no checkpoint %q", name)
	}
	began := time.Now()
	s.processes.kill()
	s.client.http.CloseIdleConnections()
	for _, step := range []func() error{
		func() error { return os.RemoveAll(filepath.Join("home", ".kube", "cache")) },
		// What was killed serves nobody any more.
		func() error { return errors.Join(os.RemoveAll(serviceMap), os.RemoveAll(processMap)) },
		func() error {
			return s.launch(ctx, func() error { return load(checkpointPath(name)) }, func() error { return nil }, func(string) {})
		},
		func() error { return s.settle(ctx) },
		func() error { return s.greetings(ctx, since(began), s.remove) },
	} {
		if err := step(); err != nil {
			if f := (*failure)(nil); errors.As(err, &f) {
				return nil, err
			}
			return nil, &failure{part: "supervisor", reason: fmt.Sprintf("checkpoint %q could not be restored: %s", name, sentence(err))}
		}
	}
	return message{"name": name}, nil
}

// prepareRestore loads the parts that the next restore begins with: less to wait for then, and memory until then.
func (s *Supervisor) prepareRestore() error {
	for _, name := range partNames {
		if name == attendant {
			continue // what it says is read from its start on
		}
		if err := s.processes.load(s.command(name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Supervisor) forget(name string) error {
	err := os.Remove(checkpointPath(name))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no checkpoint %q", name)
	}
	return err
}

func checkpointNames() ([]string, error) {
	entries, err := os.ReadDir("checkpoints")
	names := []string{}
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), snapshotSuffix); ok {
			names = append(names, name)
		}
	}
	return names, err
}
