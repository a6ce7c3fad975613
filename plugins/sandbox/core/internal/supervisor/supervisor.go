// Package supervisor starts, watches and stops the parts of one sandbox and answers its owner's requests. PROTOCOL.md, one folder up
// from the module, describes it from the outside.
package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"kubetalk.dev/sandbox/internal/certs"
	"kubetalk.dev/sandbox/internal/simulate"
)

// Options say what kind of sandbox is wanted and where.
type Options struct {
	Program      string            // kubetalk-sandbox, which all parts but etcd and the attendant are
	Dir          string            // made when it does not exist; must be empty
	Nodes        int               // number of nodes
	Seed         string            // directory with snapshots of the empty cluster, or ""
	From         string            // directory with a layer, or ""
	Emulate      string            // Kubernetes minor to emulate, or ""
	StartTimeout time.Duration     // limit for start and restore
	Versions     map[string]string // what is inside
	Multicall    []string          // commands to link into bin/

	Attend          string // program that keeps the processes behind pods, or ""
	ProcessSelector string // label selector of the pods that need one
}

// Supervisor is one sandbox.
type Supervisor struct {
	options   Options
	began     time.Time
	processes *processes
	pairs     map[string]certs.Pair
	ports     *ports
	client    *client
	store     *store // of the latest launch
	output    *output
	seeded    bool

	settled chan struct{} // closed when the attendant has a serving process for every pod that is said to have one
}

// failure is the end of a sandbox: a part that died, or one that never became ready.
type failure struct {
	part   string
	reason string
	log    []string
}

func (f *failure) Error() string { return f.reason }

// Run supervises one sandbox until input ends, a stop is requested, a signal arrives or a part fails. It returns the exit status. When
// it returns no process of the sandbox is left.
func Run(options Options, input io.Reader, w io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	requests := make(chan []byte)
	go func() {
		defer cancel()
		readLines(ctx, input, requests)
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		<-signals
		cancel()
	}()

	s := &Supervisor{options: options, began: time.Now(), output: newOutput(w)}
	if err := s.enter(); err != nil {
		s.output.send(message{"event": "failed", "part": "supervisor", "reason": sentence(err), "log": []string{}})
		return 1
	}
	// The work runs aside, so that nothing in it, not even a write to a parent that no longer reads, can delay the end.
	result := make(chan int, 1)
	go func() { result <- s.run(ctx, requests) }()
	code := 0
	select {
	case code = <-result:
	case <-ctx.Done():
	}
	s.processes.close()
	return code
}

// readLines passes the lines of input on until it ends. Over-long lines arrive cut, and are answered as unreadable.
func readLines(ctx context.Context, input io.Reader, lines chan<- []byte) {
	reader := bufio.NewReaderSize(input, maxLine)
	for {
		line, more, err := reader.ReadLine()
		if err != nil {
			return
		}
		line = slices.Clone(line)
		for more && err == nil {
			_, more, err = reader.ReadLine()
		}
		select {
		case lines <- line:
		case <-ctx.Done():
			return
		}
	}
}

// enter makes the sandbox's directory and goes there.
func (s *Supervisor) enter() error {
	syscall.Umask(0o077)
	for _, path := range []*string{&s.options.Program, &s.options.Dir, &s.options.Seed, &s.options.From, &s.options.Attend} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(s.options.Dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.options.Dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: give a new directory for each sandbox", s.options.Dir)
	}
	s.processes = newProcesses(program, s.options.Dir)
	return os.Chdir(s.options.Dir)
}

// run starts the cluster and then handles requests, one after another.
func (s *Supervisor) run(ctx context.Context, lines <-chan []byte) int {
	if err := s.start(ctx); err != nil {
		return s.fail(ctx, err)
	}
	watch := time.NewTicker(100 * time.Millisecond)
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0
		case <-watch.C:
			if p := s.processes.firstEnded(); p != nil {
				return s.fail(ctx, s.ended(p, "while the sandbox was in use"))
			}
		case line := <-lines:
			start := time.Now()
			r, err := parseRequest(line)
			if err != nil {
				s.output.answer(r.ID, start, nil, err)
				continue
			}
			result, err := s.handle(ctx, r)
			if r.Op == "stop" {
				s.output.answer(r.ID, start, result, err)
				return 0
			}
			s.output.answer(r.ID, start, result, err)
			if f := (*failure)(nil); errors.As(err, &f) {
				return s.fail(ctx, err)
			}
		}
	}
}

// handle carries out one request.
func (s *Supervisor) handle(ctx context.Context, r request) (message, error) {
	switch r.Op {
	case "checkpoint":
		return s.checkpoint(ctx, r.Name)
	case "restore":
		return s.restore(ctx, r.Name)
	case "forget":
		return nil, s.forget(r.Name)
	case "prepare":
		return nil, s.prepareRestore()
	case "keep":
		return s.keep(ctx, r.Path)
	case "status":
		return s.status()
	case "stop":
		s.processes.close()
		return nil, nil
	}
	return nil, fmt.Errorf("unknown op %q", r.Op)
}

// fail reports why the sandbox ends. Parts are still there, so that a part that died because of another can be told apart.
func (s *Supervisor) fail(ctx context.Context, err error) int {
	if ctx.Err() != nil || errors.Is(err, errClosed) {
		return 0
	}
	f := &failure{part: "supervisor", reason: sentence(err)}
	errors.As(err, &f)
	if f.log == nil {
		f.log = []string{}
	}
	s.output.send(message{"event": "failed", "part": f.part, "reason": f.reason, "log": f.log})
	return 1
}

// note writes a line to the supervisor's own log: what went wrong and ends nothing.
func note(format string, values ...any) {
	log, err := os.OpenFile(filepath.Join("logs", "supervisor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return // nobody is left to be told
	}
	defer log.Close()
	_, _ = fmt.Fprintf(log, "%s "+format+"\n", append([]any{time.Now().UTC().Format(time.RFC3339)}, values...)...)
}

// ended describes a part that is gone.
func (s *Supervisor) ended(p *process, when string) error {
	f := &failure{part: p.name, reason: fmt.Sprintf("%s ended with %s %s", p.name, p.cmd.ProcessState, when)}
	if text, err := os.ReadFile(filepath.Join("logs", p.name+".log")); err == nil {
		f.log = reasons(string(text))
	}
	return f
}

// status reports processes, memory and disk.
func (s *Supervisor) status() (message, error) {
	parts := []message{}
	running, loaded := s.processes.pids()
	running["supervisor"] = os.Getpid()
	list := func(state string, pids map[string]int) {
		for _, name := range append([]string{"supervisor"}, partNames...) {
			if pid := pids[name]; pid != 0 {
				pss, rss := memory(pid)
				parts = append(parts, message{"name": name, "pid": pid, "state": state, "pss": pss, "rss": rss})
			}
		}
	}
	list("running", running)
	list("loaded", loaded)
	behind, err := simulate.ReadProcesses(processMap)
	if err != nil {
		return nil, err
	}
	for _, p := range behind {
		if p.PID != 0 {
			pss, rss := memory(p.PID)
			parts = append(parts, message{"name": p.Pod, "pid": p.PID, "state": "running", "pss": pss, "rss": rss})
		}
	}
	bytes, err := diskUsage(s.options.Dir)
	if err != nil {
		return nil, err
	}
	names, err := checkpointNames()
	return message{"parts": parts, "bytes": bytes, "checkpoints": names}, err
}

// diskUsage sums the blocks allocated below dir, in bytes. Files that vanish meanwhile do not count.
func diskUsage(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			sum += stat.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// object is the part of an API object that the supervisor looks at.
type object struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Data map[string]string `json:"data"`
	Spec struct {
		Taints []struct {
			Key string `json:"key"`
		} `json:"taints"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
	} `json:"status"`
	Items []object `json:"items"`
}

func decode(text []byte) (object, error) {
	var o object
	err := json.Unmarshal(text, &o)
	return o, err
}
