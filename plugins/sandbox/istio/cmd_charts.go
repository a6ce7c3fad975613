package main

import (
	"bytes"
	"fmt"
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

// runCharts writes the embedded charts to a folder, each under its published name and with the version that is built in.
//
// In the source tree every chart says 1.0.0 and names a testing hub; Istio's release-builder rewrites exactly these places when it
// publishes, and so does this.
func runCharts(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: kubetalk-istio charts FOLDER")
		return 2
	}
	r, err := readRelease()
	if err == nil {
		err = writeCharts(args[0], r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetalk-istio charts:", err)
		return 1
	}
	return 0
}

func writeCharts(folder string, r release) error {
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
			return os.WriteFile(target, released(path.Base(file), data, r), 0o644)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func released(file string, data []byte, r release) []byte {
	version := r.Versions["istio"]
	switch file {
	case "Chart.yaml":
		data = bytes.ReplaceAll(data, []byte("version: 1.0.0"), []byte("version: "+version))
		data = bytes.ReplaceAll(data, []byte("appVersion: 1.0.0"), []byte("appVersion: "+version))
	case "values.yaml":
		data = bytes.ReplaceAll(data, []byte("hub: gcr.io/istio-testing"), []byte("hub: "+r.Hub))
		data = bytes.ReplaceAll(data, []byte("hub: registry.istio.io/testing"), []byte("hub: "+r.Hub))
		data = bytes.ReplaceAll(data, []byte("tag: latest"), []byte("tag: "+version))
	}
	return data
}
