package attend

import (
	"os/exec"
	"runtime"
	"syscall"
)

// childAttributes makes the kernel kill the process when the thread that started it ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// startLocked starts and waits for a command on a thread of its own: the death signal is tied to the starting thread, and Go ends
// threads when it likes (golang.org/issue/27505).
func startLocked(command *exec.Cmd, ended chan<- error) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			ended <- command.Wait()
		}
	}()
	return <-started
}
