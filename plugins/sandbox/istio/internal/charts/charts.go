// Package charts writes the Helm charts that are embedded in Istio's module.
package charts

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"istio.io/istio/manifests"
)

// published maps a chart of the source tree to the name under which Istio publishes it (its chart repository's index).
var published = map[string]string{
	"charts/base":                          "base",
	"charts/istio-control/istio-discovery": "istiod",
	"charts/gateway":                       "gateway",
	"charts/istio-cni":                     "cni",
	"charts/ztunnel":                       "ztunnel",
}

// Write writes every published chart to folder, under its published name and with this version and hub.
//
// In the source tree every chart says 1.0.0 and names a testing hub; Istio's release-builder rewrites exactly these places when it
// publishes, and so does this.
func Write(folder, version, hub string) error {
	root := manifests.BuiltinOrDir("")
	for source, name := range published {
		err := fs.WalkDir(root, source, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(root, file)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(filepath.FromSlash(source), filepath.FromSlash(file))
			if err != nil {
				return err
			}
			target := filepath.Join(folder, name, relative)
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			return os.WriteFile(target, released(path.Base(file), data, version, hub), 0o644)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func released(file string, data []byte, version, hub string) []byte {
	switch file {
	case "Chart.yaml":
		data = bytes.ReplaceAll(data, []byte("version: 1.0.0"), []byte("version: "+version))
		data = bytes.ReplaceAll(data, []byte("appVersion: 1.0.0"), []byte("appVersion: "+version))
	case "values.yaml":
		data = bytes.ReplaceAll(data, []byte("hub: gcr.io/istio-testing"), []byte("hub: "+hub))
		data = bytes.ReplaceAll(data, []byte("hub: registry.istio.io/testing"), []byte("hub: "+hub))
		data = bytes.ReplaceAll(data, []byte("tag: latest"), []byte("tag: "+version))
	}
	return data
}
