package rest

import (
	"context"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

var sink []byte

func collections() int64 {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return stats.NumGC
}

func TestGarbageIsCollectedInCalm(t *testing.T) {
	old := debug.SetGCPercent(-1) // by nobody else
	t.Cleanup(func() { debug.SetGCPercent(old) })
	debug.FreeOSMemory()
	_, before := heap()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); inCalm(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })

	had := collections()
	pace := time.NewTicker(look / 20)
	defer pace.Stop()
	for end := time.Now().Add(5 * look); time.Now().Before(end); <-pace.C {
		sink = make([]byte, little)
	}
	if now := collections(); now != had {
		t.Fatalf("%d collections while much was allocated", now-had)
	}
	sink = nil
	for limit := time.Now().Add(time.Minute); ; <-pace.C {
		if _, size := heap(); collections() > had && size < before+worth {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the heap was not collected when nothing was allocated any more")
		}
	}
}

func TestLittleGarbageIsLeftAlone(t *testing.T) {
	old := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(old) })
	had := collections()
	ctx, cancel := context.WithTimeout(context.Background(), 5*look)
	defer cancel()
	inCalm(ctx)
	if now := collections(); now != had {
		t.Errorf("%d collections of next to nothing", now-had)
	}
}

func TestUntilTheStartIsOverGarbageIsCollectedLessOften(t *testing.T) {
	if os.Getenv("GOGC") != "" {
		t.Skip("the environment says how often")
	}
	old := debug.SetGCPercent(100)
	debug.SetGCPercent(old)
	if old != 400 {
		t.Errorf("garbage is collected at %d %% of growth", old)
	}
}
