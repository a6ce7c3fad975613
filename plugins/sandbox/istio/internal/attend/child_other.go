//go:build !linux

package attend

import (
	"os/exec"
	"syscall"
)

func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func startLocked(command *exec.Cmd, ended chan<- error) error {
	if err := command.Start(); err != nil {
		return err
	}
	go func() { ended <- command.Wait() }()
	return nil
}
