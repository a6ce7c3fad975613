package catalog

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Only while this holds may it be left out; the next kubectl may bring a catalog with better English than its sources.
func TestTheDefaultCatalogTranslatesEveryMessageIntoItself(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "k8s.io/kubectl/pkg/util/i18n").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "translations", "kubectl", "default", "LC_MESSAGES", "k8s.po"))
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.ReplaceAll(string(text), "\"\n\"", "") // a text may stand on several lines
	entries := strings.Split(whole, "\nmsgid ")[2:]         // after what stands before the first, and the header
	if len(entries) < 300 {
		t.Errorf("only %d messages", len(entries))
	}
	for _, entry := range entries {
		message, rest, found := strings.Cut(entry, "\nmsgstr ")
		translation, _, _ := strings.Cut(rest, "\n\n")
		if !found || strings.TrimSpace(translation) != strings.TrimSpace(message) {
			t.Errorf("translated, or not understood:\n%s", entry)
		}
	}
}

func TestTheFirstVariableThatIsSetNamesTheLanguage(t *testing.T) {
	for _, c := range []struct {
		all, messages, lang string
		want                bool
	}{
		{"", "", "", false}, {"", "", "C.UTF-8", false}, {"", "", "POSIX", false}, {"", "", "ja_JP.UTF-8", true},
		{"C", "", "ja_JP.UTF-8", false}, {"", "de_DE.UTF-8", "C", true}, {"", "C", "de_DE.UTF-8", false}, {"", "", "en_US.UTF-8", true},
	} {
		environment := map[string]string{"LC_ALL": c.all, "LC_MESSAGES": c.messages, "LANG": c.lang}
		if got := speaks(func(name string) string { return environment[name] }); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
