package main

import (
	"os"
	"runtime/debug"
	"testing"

	sandbox "kubetalk.dev/sandbox"
)

func TestWhatASessionFindsIsACommand(t *testing.T) {
	r, err := sandbox.ReadRelease()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Multicall {
		if commands[name] == nil {
			t.Errorf("multicall %s is no command", name)
		}
	}
}

func TestGarbageIsCollectedLessOftenFromTheStart(t *testing.T) {
	if os.Getenv("GOGC") != "" {
		t.Skip("the environment says how often")
	}
	old := debug.SetGCPercent(100)
	debug.SetGCPercent(old)
	if old != 400 {
		t.Errorf("garbage is collected at %d %% of growth", old)
	}
}
