package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests of this file start real sandboxes with the binary that this variable names: `KUBETALK_TEST_SANDBOX=… go test -run Live .`
const binaryVariable = "KUBETALK_TEST_SANDBOX"

type sandbox struct {
	t       *testing.T
	dir     string
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   chan map[string]any // closed at the end of stdout
	id      int
}

func startSandbox(t *testing.T, args ...string) *sandbox {
	t.Helper()
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		t.Skipf("no built binary: set %s to run this test", binaryVariable)
	}
	s := &sandbox{t: t, dir: filepath.Join(t.TempDir(), "box"), lines: make(chan map[string]any, 100)}
	s.command = exec.Command(binary, append([]string{"supervise", "--dir", s.dir}, args...)...)
	var err error
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	go func() {
		defer close(s.lines)
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			var m map[string]any
			if json.Unmarshal(scanner.Bytes(), &m) != nil {
				m = map[string]any{"event": "unreadable", "line": scanner.Text()}
			}
			s.lines <- m
		}
	}()
	return s
}

// event waits for an event, and fails at the end of stdout or at "failed".
func (s *sandbox) event(name string) map[string]any {
	s.t.Helper()
	for m := range s.lines {
		switch m["event"] {
		case name:
			return m
		case "failed", "unreadable":
			s.t.Fatalf("instead of %q: %v", name, m)
		}
	}
	s.t.Fatalf("stdout ended before %q", name)
	return nil
}

func (s *sandbox) send(op, name string) {
	s.t.Helper()
	s.id++
	line := fmt.Sprintf(`{"id":%d,"op":%q}`, s.id, op)
	if name != "" {
		line = fmt.Sprintf(`{"id":%d,"op":%q,"name":%q}`, s.id, op, name)
	}
	if _, err := fmt.Fprintln(s.stdin, line); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sandbox) request(op, name string) map[string]any {
	s.t.Helper()
	s.send(op, name)
	m := <-s.lines
	if m["ok"] != true {
		s.t.Fatalf("%s %s: %v", op, name, m)
	}
	return m
}

func (s *sandbox) kubectl(args ...string) string {
	s.t.Helper()
	c := exec.Command(filepath.Join(s.dir, "bin", "kubectl"), args...)
	c.Env = []string{"KUBECONFIG=" + filepath.Join(s.dir, "kubeconfig"), "HOME=" + filepath.Join(s.dir, "home")}
	text, err := c.CombinedOutput()
	if err != nil {
		s.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

// processes returns what runs in the sandbox's directory; every part has it as working directory.
func (s *sandbox) processes() []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd")); err == nil && strings.TrimSuffix(cwd, " (deleted)") == s.dir {
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone waits until no process is left and returns how long that took.
func (s *sandbox) gone(limit time.Duration) time.Duration {
	s.t.Helper()
	start := time.Now()
	go func() { _ = s.command.Wait() }() // a zombie has no working directory, but let none stay
	for {
		left := s.processes()
		if len(left) == 0 {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			s.t.Fatalf("after %s the processes %v of the sandbox still run", limit, left)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Whoever starts a sandbox may die at any time, and so may the supervisor itself.
func TestLiveNothingSurvives(t *testing.T) {
	var worst time.Duration
	var all []*sandbox
	for i := range 20 {
		s := startSandbox(t)
		all = append(all, s)
		how := []string{"SIGKILL of the supervisor", "end of file", "SIGTERM", "SIGKILL of the supervisor"}[i%4]
		after := time.Duration(rand.Int64N(int64(6 * time.Second)))
		if i >= 14 { // in the middle of a restore
			s.event("ready")
			s.request("checkpoint", "x")
			if i%2 == 0 {
				s.request("prepare", "")
			}
			s.send("restore", "x")
			after /= 2
		}
		time.Sleep(after)
		before := len(s.processes())
		switch how {
		case "end of file":
			s.stdin.Close()
		case "SIGTERM":
			_ = s.command.Process.Signal(syscall.SIGTERM)
		default:
			_ = s.command.Process.Kill()
		}
		took := s.gone(3 * time.Second)
		worst = max(worst, took)
		t.Logf("%-26s after %4d ms with %d processes: gone after %d ms", how, after.Milliseconds(), before, took.Milliseconds())
	}
	t.Logf("slowest: %d ms", worst.Milliseconds())
	// A process that was only just being made at the time of the kill has had its chance to appear.
	for _, s := range all {
		s.gone(0)
	}
}

func TestLiveRestoreIsExact(t *testing.T) {
	s := startSandbox(t)
	s.event("ready")
	s.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3")
	s.kubectl("rollout", "status", "deployment/web")
	state := func() string {
		return s.kubectl("get", "deployments,replicasets,pods,services,nodes,serviceaccounts,clusterroles,events", "--all-namespaces", "--sort-by=.metadata.uid",
			"-o", "custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid,T:.metadata.creationTimestamp,A:.status.podIP,P:.status.phase,G:.metadata.generation")
	}
	before := state()
	s.request("checkpoint", "x")
	for round := range 2 {
		if round == 1 {
			s.request("prepare", "")
			s.request("prepare", "")
			if n := len(s.processes()); n != 11 {
				t.Errorf("%d processes run, not one set, another one loaded, and the supervisor", n)
			}
		}
		s.kubectl("delete", "deployment", "web")
		s.kubectl("create", "namespace", "later")
		s.kubectl("create", "clusterrole", "later", "--verb=get", "--resource=pods")
		s.request("restore", "x")
		if after := state(); after != before {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
		if n := len(s.processes()); n != 6 {
			t.Errorf("%d processes run after a restore", n)
		}
	}
	s.request("prepare", "")
	s.kubectl("scale", "deployment/web", "--replicas=5")
	s.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
	s.request("stop", "")
	s.gone(time.Second)
	if err := os.RemoveAll(s.dir); err != nil {
		t.Error(err)
	}
}

func TestLiveClosed(t *testing.T) {
	s := startSandbox(t)
	s.event("ready")
	defer s.request("stop", "")
	err := filepath.WalkDir(s.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Type()&os.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others may use it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, listener := range listeners(t, s.processes()) {
		if !strings.HasPrefix(listener, "127.0.0.1:") {
			t.Errorf("the sandbox listens on %s", listener)
		}
	}
	if status := s.request("status", ""); status["bytes"].(float64) > 150e6 {
		t.Errorf("the sandbox uses %v bytes of disk", status["bytes"])
	}
	if text, err := exec.Command("curl", "-sk", s.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")+"/version").Output(); err == nil &&
		!strings.Contains(string(text), "Unauthorized") {
		t.Errorf("an anonymous request was answered: %s", text)
	}
}

// listeners returns the TCP addresses on which the processes listen, as "127.0.0.1:PORT" or in the kernel's own notation.
func listeners(t *testing.T, pids []int) []string {
	t.Helper()
	sockets := map[string]bool{}
	for _, pid := range pids {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil {
				if inode, ok := strings.CutPrefix(target, "socket:["); ok {
					sockets[strings.TrimSuffix(inode, "]")] = true
				}
			}
		}
	}
	var found []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" || !sockets[fields[9]] {
				continue
			}
			address := fields[1]
			if port, ok := strings.CutPrefix(address, "0100007F:"); ok {
				number, _ := strconv.ParseUint(port, 16, 16)
				address = fmt.Sprintf("127.0.0.1:%d", number)
			}
			found = append(found, address)
		}
	}
	if len(found) == 0 {
		t.Error("no listener was found at all")
	}
	return found
}
