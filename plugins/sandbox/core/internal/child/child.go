// Package child ties a process to the supervisor that started it.
//
// The supervisor holds the write end of a pipe that is the child's stdin. One byte means "begin"; the end of the file means that the
// supervisor is gone, by whatever signal, and ends the child at once. A child may be killed at any time: its data is thrown away too.
// Every further byte means "the start is over".
package child

import (
	"io"
	"os"
)

// Variable is the environment variable that the supervisor sets for its children.
const Variable = "KUBETALK_PARENT_PIPE"

// Attend waits for the supervisor's byte, then watches its pipe and calls rest when the start is over. It does nothing in a process that
// no supervisor started.
//
// The program is loaded and its packages are initialised (0.1 s) before this wait, so that a child acts in the moment it is let go. Until
// the start is over garbage is collected less often (package garbage).
func Attend(rest func()) {
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
			rest()
		}
	}()
}
