//go:build unix && !linux

package supervisor

import "syscall"

func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func memory(int) (pss, rss int64) { return 0, 0 }
