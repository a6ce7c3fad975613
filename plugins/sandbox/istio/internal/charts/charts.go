// Package charts writes the Helm charts that are embedded in Istio's module.
package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
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

// Write writes every published chart to folder, with this version and hub: packaged, as a chart repository serves it, in a file that has
// its published name. As folders they are 190 files, which no start of a sandbox should have to write.
//
// In the source tree every chart says 1.0.0 and names a testing hub; Istio's release-builder rewrites exactly these places when it
// publishes, and so does this.
func Write(folder, version, hub string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for source, name := range published {
		chart, err := fs.Sub(manifests.BuiltinOrDir(""), source)
		if err != nil {
			return err
		}
		file, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		if err := errors.Join(pack(file, chart, name, version, hub), file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// pack writes a chart as helm.sh/docs/topics/charts has it: a gzipped tar archive with one folder in it, of the chart's name.
func pack(w io.Writer, chart fs.FS, name, version, hub string) error {
	// Nobody keeps or sends it.
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	err = fs.WalkDir(chart, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(chart, file)
		if err != nil {
			return err
		}
		data = released(path.Base(file), data, version, hub)
		if err := archive.WriteHeader(&tar.Header{Name: path.Join(name, file), Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
	return errors.Join(err, archive.Close(), compressed.Close())
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
