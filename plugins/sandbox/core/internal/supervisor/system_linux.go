package supervisor

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// processAttributes gives a part its own process group, so that a terminal's Ctrl-C reaches the supervisor only, and ends it with the
// thread that starts it (see newProcesses).
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// memory returns the proportional and the resident set of a process in bytes, 0 when it is gone.
func memory(pid int) (pss, rss int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kilobytes); err == nil {
			pss = kilobytes << 10
		}
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kilobytes); err == nil {
			rss = kilobytes << 10
		}
	}
	return pss, rss
}
