package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const snapshotSuffix = ".snapshot"

func checkpointPath(name string) string { return filepath.Join("checkpoints", name+snapshotSuffix) }

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
	var events map[string]bool // of the checkpoint
	know := func() (err error) {
		events, err = s.store.names(ctx, eventsKey)
		return err
	}
	s.processes.kill()
	s.client.http.CloseIdleConnections()
	for _, step := range []func() error{
		func() error { return os.RemoveAll(filepath.Join("home", ".kube", "cache")) },
		// What was killed serves nobody any more.
		func() error { return errors.Join(os.RemoveAll(serviceMap), os.RemoveAll(processMap)) },
		func() error {
			return s.launch(ctx, func() error { return load(checkpointPath(name)) }, know, func(string) {})
		},
		// For the restored cluster the new start of the controller manager did not happen.
		func() error { return s.settle(ctx, events, s.store.remove) },
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
