package charts

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestChartsAreThoseOfTheRelease(t *testing.T) {
	folder := t.TempDir()
	if err := Write(folder, "9.8.7", "hub.example/release"); err != nil {
		t.Fatal(err)
	}
	for _, name := range published {
		chart := unpack(t, filepath.Join(folder, name))[name+"/Chart.yaml"]
		for _, line := range []string{"name: " + name, "version: 9.8.7", "appVersion: 9.8.7"} {
			if !slices.Contains(strings.Split(chart, "\n"), line) {
				t.Errorf("%s: no line %q in\n%s", name, line, chart)
			}
		}
	}
	values := unpack(t, filepath.Join(folder, "istiod"))["istiod/values.yaml"]
	for _, text := range []string{"hub: hub.example/release", "tag: 9.8.7"} {
		if !strings.Contains(values, text) {
			t.Errorf("no %q in istiod's values", text)
		}
	}
	if found := regexp.MustCompile(`(?m)^ *hub: .*testing`).FindString(values); found != "" {
		t.Errorf("istiod's values still name the testing hub: %s", found)
	}
}

// unpack returns the files of a packaged chart by their names.
func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(data)
	}
}

// What build.json says is inside has to be what go.mod builds.
func TestBuildSaysWhatIsInside(t *testing.T) {
	var told struct {
		Go       string            `json:"go"`
		Hub      string            `json:"hub"`
		Ldflags  []string          `json:"ldflags"`
		Versions map[string]string `json:"versions"`
	}
	text, err := os.ReadFile("../../build.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	commit := regexp.MustCompile(`istio\.io/istio v\S+-([0-9a-f]{12})\n`).FindStringSubmatch(string(mod))
	if commit == nil {
		t.Fatal("go.mod has no pseudo-version of istio.io/istio")
	}
	const variable = "-X istio.io/istio/pkg/version."
	for name, value := range map[string]string{
		"buildVersion": told.Versions["istio"], "buildTag": told.Versions["istioctl"], "buildHub": told.Hub, "buildGitRevision": commit[1],
	} {
		if !slices.Contains(told.Ldflags, variable+name+"="+value) {
			t.Errorf("ldflags lack %s=%s", name, value)
		}
	}
	if !strings.Contains(string(mod), "sigs.k8s.io/gateway-api "+told.Versions["gateway-api"]+" ") {
		t.Error("go.mod has another gateway-api than", told.Versions["gateway-api"])
	}
	if !strings.Contains(string(mod), "\ngo "+told.Go) {
		t.Error("go.mod wants another Go than", told.Go)
	}
}
