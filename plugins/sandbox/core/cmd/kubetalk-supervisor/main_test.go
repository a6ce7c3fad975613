package main

import (
	"os"
	"runtime/debug"
	"testing"
)

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
