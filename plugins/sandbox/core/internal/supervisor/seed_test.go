package supervisor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A seed is only a short cut: what hinders it is told and ends nothing.
func TestASeedThatCannotBeKeptIsOnlyTold(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("logs", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Supervisor{options: Options{Seed: filepath.Join("file", "seeds")}}
	s.keepSeed(context.Background())
	text, err := os.ReadFile(filepath.Join("logs", "supervisor.log"))
	if err != nil || !strings.Contains(string(text), "no seed was kept for the next start: mkdir file: not a directory") {
		t.Errorf("told: %q (%v)", text, err)
	}
}
