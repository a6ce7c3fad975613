package supervisor

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// seedLayout changes when what a seed contains changes for other reasons than the versions.
const seedLayout = 1

// seedFile names the seed that fits these options, "" when none is wanted. It does not depend on the number of nodes: those are made
// anew at each start, as everything whose age a reader sees should be.
func (s *Supervisor) seedFile() (string, error) {
	if s.options.Seed == "" {
		return "", nil
	}
	key, err := json.Marshal([]any{seedLayout, s.options.Versions, s.options.Emulate})
	if err != nil {
		return "", err
	}
	return filepath.Join(s.options.Seed, fmt.Sprintf("seed-%x%s", sha256.Sum256(key), snapshotSuffix)), nil
}

// plantSeed makes etcd's data from the seed, if there is one.
func (s *Supervisor) plantSeed() error {
	s.seeded = false
	file, err := s.seedFile()
	if err != nil || file == "" {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	if err := load(file); err != nil {
		// A seed is only a short cut: a damaged one is thrown away.
		_ = os.Remove(file)
		return os.RemoveAll("etcd")
	}
	s.seeded = true
	return nil
}

// harvestSeed keeps a snapshot of the cluster as it is before the first node, for the next start.
func (s *Supervisor) harvestSeed(ctx context.Context) error {
	file, err := s.seedFile()
	if err != nil || file == "" {
		return err
	}
	if err := s.await(ctx, "the API server", s.answers("/readyz")); err != nil {
		return err
	}
	if err := os.MkdirAll(s.options.Seed, 0o700); err != nil {
		return err
	}
	own := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := save(ctx, own); err != nil {
		return err
	}
	return os.Rename(own, file)
}
