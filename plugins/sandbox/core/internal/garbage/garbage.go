// Package garbage puts off a process' first garbage collections. While the packages of a program of this size are initialised, their
// heap grows from nothing to 15 MiB, and Go collects it six times: a fifth of the time that a short command takes.
//
// It imports nothing, so that Go initialises it before the packages that fill the heap: those whose imports are initialised come first,
// and among them the alphabet decides (go.dev/ref/spec, "Program initialization"). runtime/debug would be ready too late.
package garbage

import _ "unsafe" // for go:linkname

const (
	// Usual is Go's own growth of the heap before it is collected, in percent. A process that stays sets it when it begins its work.
	Usual = 100
	// Short is the growth in a command that soon ends, and while a process is loaded.
	Short = 400
)

var _ = begin()

// begin leaves alone what the environment asks for (GOGC), unless that is Go's own percentage.
func begin() int32 {
	old := setGCPercent(Short)
	if old != Usual {
		setGCPercent(old)
	}
	return old
}

var ballast []byte

// Ballast lets the heap grow by twice as many bytes before it is collected. It counts as memory in use but is never touched, and so the
// system has none to give for it.
func Ballast(bytes int) { ballast = make([]byte, bytes) }

//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(in int32) (out int32)
