package sandbox

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The versions stand in go.mod, in the linker flags and in the list that pages print. They must agree.
func TestBuildJSONAgreesWithGoMod(t *testing.T) {
	var build struct {
		Go       string            `json:"go"`
		LDFlags  []string          `json:"ldflags"`
		Versions map[string]string `json:"versions"`
	}
	if err := json.Unmarshal(buildJSON, &build); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for name, module := range map[string]string{
		"kubernetes": "k8s.io/kubernetes", "etcd": "go.etcd.io/etcd/server/v3", "kwok": "sigs.k8s.io/kwok", "helm": "helm.sh/helm/v4",
	} {
		if want := module + " " + build.Versions[name] + "\n"; !strings.Contains(string(mod), want) {
			t.Errorf("build.json says %s %s, go.mod does not require %q", name, build.Versions[name], strings.TrimSpace(want))
		}
	}
	if build.Versions["kubectl"] != build.Versions["kubernetes"] {
		t.Errorf("kubectl %s is built from kubernetes %s", build.Versions["kubectl"], build.Versions["kubernetes"])
	}
	flags := strings.Join(build.LDFlags, "\n")
	for _, want := range []string{
		"k8s.io/component-base/version.gitVersion=" + build.Versions["kubernetes"],
		"k8s.io/client-go/pkg/version.gitVersion=" + build.Versions["kubernetes"],
		"helm.sh/helm/v4/internal/version.version=" + build.Versions["helm"],
	} {
		if !strings.Contains(flags, want+"\n") && !strings.HasSuffix(flags, want) {
			t.Errorf("ldflags lack %s", want)
		}
	}
	if !regexp.MustCompile(`(?m)^go ` + regexp.QuoteMeta(build.Go) + `(\.\d+)?$`).Match(mod) {
		t.Errorf("build.json says go %s, go.mod another", build.Go)
	}
	staging := "v0" + strings.TrimPrefix(build.Versions["kubernetes"], "v1")
	for line := range strings.Lines(string(mod)) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " => "); ok && to != from+" "+staging {
			t.Errorf("replace of %s goes to %q, not to %s", from, to, staging)
		}
	}
}
