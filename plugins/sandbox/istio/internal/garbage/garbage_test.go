package garbage

import (
	"go/build"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// asked is set in the process that prints its percentage.
const asked = "GARBAGE_TEST_PRINT"

func TestMain(m *testing.M) {
	if os.Getenv(asked) != "" {
		percent := setGCPercent(usual)
		_, _ = os.Stdout.WriteString(map[int32]string{usual: "usual", short: "short", 70: "70"}[percent])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAProcessBeginsWithFewCollectionsUnlessItsEnvironmentSaysHowMany(t *testing.T) {
	for gogc, want := range map[string]string{"": "short", "70": "70"} {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command(self)
		command.Env = []string{asked + "=1"}
		if gogc != "" {
			command.Env = append(command.Env, "GOGC="+gogc)
		}
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(out)); got != want {
			t.Errorf("GOGC=%q: begins with %q, want %q", gogc, got, want)
		}
	}
}

func TestNothingHasToBeInitialisedBefore(t *testing.T) {
	here, err := build.ImportDir(".", 0)
	if want := []string{"runtime", "unsafe"}; err != nil || !slices.Equal(here.Imports, want) {
		t.Errorf("it imports %q, want %q (%v)", here.Imports, want, err)
	}
}
