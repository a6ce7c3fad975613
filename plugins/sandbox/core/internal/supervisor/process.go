package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"kubetalk.dev/sandbox/internal/child"
)

// process is one part of the sandbox. It is loaded and waits until begin is called; it dies when the supervisor does.
type process struct {
	name string
	cmd  *exec.Cmd
	pipe *os.File      // the only write end of the child's stdin
	done chan struct{} // closed when the process has ended and was reaped
}

// begin lets the process run.
func (p *process) begin() error {
	_, err := p.pipe.Write([]byte{1})
	return err
}

// rest tells the process that the start is over.
func (p *process) rest() { _, _ = p.pipe.Write([]byte{2}) }

// ended tells whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// processes starts and kills the parts. Once closed it starts none.
type processes struct {
	program string // path of this binary
	dir     string // working directory of all parts: sockets are named relative to it, as their paths may be at most 107 bytes long

	start chan func() // work for the thread that starts processes

	mu     sync.Mutex
	closed bool
	parts  map[string]*process
}

func newProcesses(program, dir string) *processes {
	ps := &processes{program: program, dir: dir, start: make(chan func()), parts: map[string]*process{}}
	go func() {
		// On Linux a child asks for SIGKILL when the *thread* that started it ends. This one is locked and never returns, so
		// it ends with the supervisor.
		runtime.LockOSThread()
		for f := range ps.start {
			f()
		}
	}()
	return ps
}

var errClosed = errors.New("the sandbox is being stopped")

// spawn starts a part, which then waits for begin.
func (ps *processes) spawn(name string, args, env []string) (*process, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		return nil, errClosed
	}
	log, err := os.OpenFile(filepath.Join(ps.dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.Command(ps.program, append([]string{name}, args...)...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = ps.dir, read, log, log
	// Nothing of the host's environment: a proxy or a kubeconfig variable of the user must not reach the cluster.
	cmd.Env = append([]string{"HOME=" + ps.dir, "TMPDIR=" + ps.dir, "TZ=UTC", "LANG=C.UTF-8", child.Variable + "=stdin"}, env...)
	cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	ps.start <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		write.Close()
		return nil, fmt.Errorf("%s cannot be started: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, pipe: write, done: make(chan struct{})}
	ps.parts[name] = p
	go func() {
		_ = cmd.Wait()
		write.Close()
		close(p.done)
	}()
	return p, nil
}

// kill ends all parts with SIGKILL and waits for them, at most two seconds. Their data is thrown away, restored or a copy, so there is
// nothing that a graceful end (1.1 s, all of it the API server) would save.
func (ps *processes) kill() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.parts {
		_ = p.cmd.Process.Signal(syscall.SIGKILL)
	}
	limit := time.After(2 * time.Second)
	for name, p := range ps.parts {
		select {
		case <-p.done:
			delete(ps.parts, name)
		case <-limit:
			return
		}
	}
}

// close kills all parts and lets none be started any more.
func (ps *processes) close() {
	ps.mu.Lock()
	ps.closed = true
	ps.mu.Unlock()
	ps.kill()
}

// firstEnded returns a part that has ended, or nil.
func (ps *processes) firstEnded() *process {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, name := range partNames {
		if p := ps.parts[name]; p != nil && p.ended() {
			return p
		}
	}
	return nil
}

// rest tells all parts that the start is over.
func (ps *processes) rest() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.parts {
		p.rest()
	}
	debug.FreeOSMemory()
}

// running returns name and process id of the parts that run.
func (ps *processes) running() map[string]int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	pids := map[string]int{}
	for name, p := range ps.parts {
		if !p.ended() {
			pids[name] = p.cmd.Process.Pid
		}
	}
	return pids
}
