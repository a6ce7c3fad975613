package supervisor

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// seedLayout changes when what a seed contains changes for other reasons than the versions.
const seedLayout = 2

// seedFile names the seed that fits these options, "" when none is wanted.
func (s *Supervisor) seedFile() (string, error) {
	if s.options.Seed == "" {
		return "", nil
	}
	key, err := json.Marshal([]any{seedLayout, s.options.Versions, s.options.Emulate, s.options.Nodes})
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

// keepSeed keeps a seed for the next start. It is only a short cut, so that a disk that is full is the next start's loss and not this
// one's end.
func (s *Supervisor) keepSeed(ctx context.Context) {
	if err := s.harvestSeed(ctx); err != nil {
		note("no seed was kept for the next start: %s", err)
	}
}

// harvestSeed keeps a snapshot of the empty cluster. Of the seed's pki nothing is kept: refresh puts the next sandbox's own in its place.
func (s *Supervisor) harvestSeed(ctx context.Context) error {
	file, err := s.seedFile()
	if err != nil || file == "" {
		return err
	}
	if err := os.MkdirAll(s.options.Seed, 0o700); err != nil {
		return err
	}
	own := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := save(ctx, own); err != nil {
		return err
	}
	if err := os.Rename(own, file); err != nil {
		return errors.Join(err, os.Remove(own))
	}
	return nil
}
