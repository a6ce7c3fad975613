package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"kubetalk.dev/sandbox/internal/child"
	"kubetalk.dev/sandbox/internal/rest"
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
	loaded map[string]*process // wait for the next start
}

func newProcesses(program, dir string) *processes {
	ps := &processes{program: program, dir: dir, start: make(chan func()), parts: map[string]*process{}, loaded: map[string]*process{}}
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

// command says how to start a part.
type command struct {
	name    string
	program string // "" for this binary
	args    []string
	env     []string
	said    func(line []byte) // gets each line of standard output, which goes to the log when this is nil
}

// spawn starts a part, which then waits for begin; one that was loaded before does so already.
func (ps *processes) spawn(how command) (*process, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.loaded[how.name]; p != nil && !ps.closed {
		delete(ps.loaded, how.name)
		if !p.ended() {
			ps.parts[how.name] = p
			return p, nil
		}
	}
	p, err := ps.exec(how)
	if err == nil {
		ps.parts[how.name] = p
	}
	return p, err
}

// load starts a part for a later spawn, if there is none yet.
func (ps *processes) load(how command) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.loaded[how.name]; p != nil && !p.ended() {
		return nil
	}
	p, err := ps.exec(how)
	if err == nil {
		ps.loaded[how.name] = p
	}
	return err
}

// exec starts a process; ps.mu is held.
func (ps *processes) exec(how command) (*process, error) {
	name := how.name
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
	program := how.program
	if program == "" {
		program = ps.program
	}
	cmd := exec.Command(program, how.args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = ps.dir, read, log, log
	// Nothing of the host's environment: a proxy or a kubeconfig variable of the user must not reach the cluster.
	cmd.Env = append([]string{"HOME=" + ps.dir, "TMPDIR=" + ps.dir, "TZ=UTC", "LANG=C.UTF-8", child.Variable + "=stdin"}, how.env...)
	if how.said != nil {
		cmd.Stdout = &lines{each: how.said}
	}
	cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	ps.start <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		write.Close()
		return nil, fmt.Errorf("%s cannot be started: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, pipe: write, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		write.Close()
		close(p.done)
	}()
	return p, nil
}

// lines hands on what is written to it line by line; os/exec calls Write from one goroutine.
type lines struct {
	each func(line []byte)
	rest []byte
}

// Write implements io.Writer. A line that does not end is cut off, so that no part can fill our memory.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte{'\n'})
		if !found {
			break
		}
		l.each(line)
		l.rest = rest
	}
	if len(l.rest) > maxLine {
		l.rest = nil
	}
	return len(p), nil
}

// kill ends all parts with SIGKILL and waits for them, at most two seconds. Their data is thrown away, restored or a copy, so there is
// nothing that a graceful end (1.1 s, all of it the API server) would save. What is loaded stays.
func (ps *processes) kill() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	end(ps.parts)
}

// close kills all parts, loaded ones too, and lets none be started any more.
func (ps *processes) close() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closed = true
	end(ps.parts, ps.loaded)
}

// end kills all processes of some sets and takes out those that are gone within two seconds.
func end(sets ...map[string]*process) {
	for _, set := range sets {
		for _, p := range set {
			_ = p.cmd.Process.Signal(syscall.SIGKILL)
		}
	}
	limit := time.After(2 * time.Second)
	for _, set := range sets {
		for name, p := range set {
			select {
			case <-p.done:
				delete(set, name)
			case <-limit:
				return
			}
		}
	}
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
	go rest.Usually() // nobody has to wait for ours
}

// pids returns name and process id of the parts that run, and of those that are loaded.
func (ps *processes) pids() (running, loaded map[string]int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	alive := func(set map[string]*process) map[string]int {
		pids := map[string]int{}
		for name, p := range set {
			if !p.ended() {
				pids[name] = p.cmd.Process.Pid
			}
		}
		return pids
	}
	return alive(ps.parts), alive(ps.loaded)
}
