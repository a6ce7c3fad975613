package garbage

import (
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
)

// asked is set in the process that prints its percentage.
const asked = "GARBAGE_TEST_PRINT"

func TestMain(m *testing.M) {
	if os.Getenv(asked) != "" {
		percent := setGCPercent(Usual)
		_, _ = os.Stdout.WriteString(map[int32]string{Usual: "usual", Short: "short", 70: "70"}[percent])
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

func TestBallastPutsCollectionsOffAndTakesNoMemory(t *testing.T) {
	const size = 64 << 20
	read := func() (goal, resident uint64) {
		t.Helper()
		debug.FreeOSMemory()
		samples := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
		metrics.Read(samples)
		text, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip(err)
		}
		pages, err := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return samples[0].Value.Uint64(), pages * uint64(os.Getpagesize())
	}
	debug.SetGCPercent(Usual)
	t.Cleanup(func() { Ballast(0); debug.SetGCPercent(Usual) })
	goal, resident := read()
	Ballast(size)
	later, now := read()
	if later < goal+2*size*9/10 {
		t.Errorf("the heap is collected at %d MiB, before at %d", later>>20, goal>>20)
	}
	if now > resident+size/4 {
		t.Errorf("it takes %d MiB, before %d", now>>20, resident>>20)
	}
}
