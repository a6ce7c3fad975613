// Package rest is what a part does with its memory from the moment on in which the start is over. Until then package garbage puts
// collections off, in every program that imports this one.
package rest

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"kubetalk.dev/sandbox/internal/garbage"
)

// busy is the growth of the heap before it is collected, in percent, in a part that collects in calm moments.
const busy = 200

// Usually gives back to the system what only the start needed, and from then on garbage is collected as Go does it by itself.
func Usually() { collect(garbage.Usual) }

var once sync.Once

// InCalm is Usually for a part that works in bursts, and for whose answers somebody waits: its heap may grow further (busy) while much is
// done, and is collected thoroughly when that is over.
func InCalm() {
	collect(busy)
	once.Do(func() { go inCalm(context.Background()) })
}

// collect collects now, thoroughly, and from then on at that growth.
func collect(percent int) {
	debug.SetGCPercent(percent)
	debug.FreeOSMemory()
}

const (
	look   = 100 * time.Millisecond
	little = 512 << 10 // allocated between two looks; an idle API server allocates a tenth of it
	worth  = 32 << 20  // a collection of an API server takes some 50 ms of CPU
)

// inCalm collects garbage whenever the process does little and its heap has grown by what is worth it, until ctx ends.
func inCalm(ctx context.Context) {
	allocated, kept := heap()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now, size := heap()
		if now-allocated < little && size > kept+worth {
			debug.FreeOSMemory()
			now, kept = heap()
		}
		allocated = now
	}
}

// heap returns how many bytes were ever allocated, and how many the heap has from the system at the moment.
func heap() (allocated, size uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	for _, sample := range samples[1:] {
		size += sample.Value.Uint64()
	}
	return samples[0].Value.Uint64(), size
}
