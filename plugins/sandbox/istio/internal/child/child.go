// Package child ties a process to the supervisor that started it.
//
// The supervisor holds the write end of a pipe that is the child's stdin. One byte means "begin"; the end of the file means that the
// supervisor is gone, by whatever signal, and ends the child at once. A child may be killed at any time: its data is thrown away too.
// Every further byte means "the start is over": memory that was only needed for it goes back to the system.
package child

import (
	"io"
	"os"
	"runtime/debug"
)

// Variable is the environment variable that the supervisor sets for its children.
const Variable = "KUBETALK_PARENT_PIPE"

// Attend waits for the supervisor's byte and then watches its pipe. It does nothing in a process that no supervisor started.
//
// The program is loaded and its packages are initialised (0.1 s) before this wait, so that a child acts in the moment it is let go. Until
// the start is over garbage is collected less often (package garbage).
func Attend() {
	if os.Getenv(Variable) != "stdin" {
		return
	}
	if err := os.Unsetenv(Variable); err != nil {
		os.Exit(137)
	}
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		os.Exit(137)
	}
	go func() {
		signal := make([]byte, 1)
		for {
			if _, err := io.ReadFull(os.Stdin, signal); err != nil {
				os.Exit(137)
			}
			debug.SetGCPercent(restPercent)
			debug.FreeOSMemory()
		}
	}()
}

// restPercent is the growth of the heap before garbage is collected, once the start is over: little is left to do then. Go's own value is
// 100.
const restPercent = 40
