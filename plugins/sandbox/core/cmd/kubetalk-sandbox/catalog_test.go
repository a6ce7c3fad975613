package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/cmd"

	"kubetalk.dev/sandbox/internal/catalog"
)

// told is set in the process that prints what kubectl says of its commands.
const told = "CATALOG_TEST_PRINT"

func TestMain(m *testing.M) {
	if os.Getenv(told) != "" {
		fmt.Println(catalog.LeftOut())
		tell(cmd.NewDefaultKubectlCommand())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func tell(command *cobra.Command) {
	fmt.Println(command.CommandPath(), command.Short, command.Long, command.Example, command.Flags().FlagUsages())
	for _, sub := range command.Commands() {
		tell(sub)
	}
}

// texts starts this program under a locale and returns what kubectl says, and whether it was spared its catalog.
func texts(t *testing.T, locale string) (text string, leftOut bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = []string{told + "=1", "HOME=" + t.TempDir(), "LC_ALL=" + locale}
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	first, text, _ := strings.Cut(string(out), "\n")
	return text, first == "true"
}

func TestKubectlSaysTheSameWithoutItsCatalog(t *testing.T) {
	// No kubectl knows this language, so it reads the catalog that it reads without one.
	want, leftOut := texts(t, "tlh.UTF-8")
	if leftOut || !strings.Contains(want, "Drain node in preparation for maintenance") {
		t.Fatalf("kubectl did not read its catalog, or has no commands: %v, %d bytes", leftOut, len(want))
	}
	for _, locale := range []string{"", "C", "POSIX", "C.UTF-8"} {
		got, leftOut := texts(t, locale)
		if !leftOut {
			t.Errorf("LC_ALL=%s: the catalog is still read: the package is initialised too late", locale)
		}
		if got != want {
			t.Errorf("LC_ALL=%s: kubectl says something else without its catalog", locale)
		}
	}
}

func TestKubectlSpeaksTheLanguageOfItsEnvironment(t *testing.T) {
	got, leftOut := texts(t, "ja_JP.UTF-8")
	if leftOut || !strings.Contains(got, "1つまたは複数のリソースを表示する") {
		t.Errorf("kubectl speaks no Japanese (%v)", leftOut)
	}
}
