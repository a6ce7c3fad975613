package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"kubetalk.dev/sandbox/internal/certs"
)

// layerLayout changes when the way changes in which a layer is written.
const layerLayout = 1

// What a layer's directory holds of the cluster; its owner may put more beside it.
const (
	layerData  = "etcd" + snapshotSuffix
	layerAbout = "layer.json"
)

// layer says what a kept cluster is.
type layer struct {
	Layout   int               `json:"layout"`
	Saved    time.Time         `json:"saved"`
	Versions map[string]string `json:"versions"`
	Emulated string            `json:"emulated,omitempty"`
}

// keep writes the cluster as it is to a new directory, for other sandboxes to begin with. Nothing stops.
func (s *Supervisor) keep(ctx context.Context, path string) (message, error) {
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, err
	}
	about := layer{Layout: layerLayout, Saved: time.Now().UTC(), Versions: s.options.Versions, Emulated: s.options.Emulate}
	text, err := json.Marshal(about)
	if err == nil {
		err = save(ctx, filepath.Join(path, layerData))
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(path, layerAbout), text, 0o600)
	}
	info, errInfo := os.Stat(filepath.Join(path, layerData))
	if err := errors.Join(err, errInfo); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return message{"path": path, "bytes": info.Size()}, nil
}

// readLayer reads what a layer is, and refuses one of other versions.
func (s *Supervisor) readLayer(path string) (layer, error) {
	var about layer
	text, err := os.ReadFile(filepath.Join(path, layerAbout))
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	switch {
	case err != nil:
		return about, fmt.Errorf("%s is no layer: %w", path, err)
	case about.Layout != layerLayout || !maps.Equal(about.Versions, s.options.Versions) || about.Emulated != s.options.Emulate:
		return about, fmt.Errorf("the layer in %s was kept by a sandbox of other versions: make it again", path)
	}
	return about, nil
}

// startFrom brings up the cluster of a layer, on this sandbox's ports and with its authority.
func (s *Supervisor) startFrom(ctx context.Context, path string) error {
	about, err := s.readLayer(path)
	if err != nil {
		return err
	}
	ca := string(s.pairs[certs.CA].Certificate)
	plant := func() error { return load(filepath.Join(path, layerData)) }
	var events map[string]bool // of the layer
	adopt := func() (err error) {
		if events, err = s.store.names(ctx, eventsKey); err != nil {
			return err
		}
		// Whole seconds: that is how most times are stored, and what happened in one second shall stay together.
		a := adoption{by: time.Since(about.Saved).Round(time.Second), ca: ca, kubeletPort: s.ports.kubelet}
		return s.store.rewrite(ctx, "the layer", a.adopt)
	}
	if err := s.launch(ctx, plant, adopt, s.progress); err != nil {
		return err
	}
	return s.settle(ctx, events, s.store.remove)
}
