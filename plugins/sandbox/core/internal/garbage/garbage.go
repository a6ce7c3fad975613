// Package garbage puts off a process' first garbage collections. While the packages of a program of this size are initialised, their
// heap grows from nothing to 15 MiB, and Go collects it six times: a fifth of the time that a short command takes.
//
// It imports only what Go initialises before everything else, and so comes before the packages that fill the heap: those whose imports are
// initialised come first, and among them the alphabet decides (go.dev/ref/spec, "Program initialization"). runtime/debug would be ready
// too late.
package garbage

import (
	"runtime"
	_ "unsafe" // for go:linkname
)

const (
	// Usual is Go's own growth of the heap before it is collected, in percent.
	Usual = 100
	short = 400 // in a command that soon ends, and until the start of a part is over
)

var _ = begin()

// begin leaves alone what the environment asks for (GOGC), unless that is Go's own percentage. It also ends the sampling of allocations:
// nobody asks for a profile of the heap, and a sample is a walk up the stack.
func begin() int32 {
	runtime.MemProfileRate = 0
	old := setGCPercent(short)
	if old != Usual {
		setGCPercent(old)
	}
	return old
}

//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(in int32) (out int32)
