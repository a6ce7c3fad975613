package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kubetalk.dev/sandbox/internal/early"
	"kubetalk.dev/sandbox/internal/simulate"
)

// attempts to start when a port turns out to be taken. The ports are reserved, so a second one is needed only where the system does
// not honour that.
const attempts = 4

var errPortTaken = errors.New("a port is taken")

// start brings the cluster up from nothing, or from the seed, and reports it.
func (s *Supervisor) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.StartTimeout)
	defer cancel()
	if err := s.prepare(); err != nil {
		return err
	}
	var err error
	for range attempts {
		if err = s.startOnce(ctx); !errors.Is(err, errPortTaken) {
			break
		}
		s.processes.kill()
		s.ports.release()
		if err := os.RemoveAll("etcd"); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	s.progress("ready")
	versions := message{}
	for name, version := range s.options.Versions {
		versions[name] = version
	}
	if s.options.Emulate != "" {
		versions["emulated"] = s.options.Emulate
	}
	dir := s.options.Dir
	s.output.send(message{
		"event": "ready", "seconds": seconds(time.Since(s.began)), "kubeconfig": filepath.Join(dir, "kubeconfig"),
		"bin": filepath.Join(dir, "bin"), "home": filepath.Join(dir, "home"), "server": s.client.base, "seeded": s.seeded,
		"versions": versions,
	})
	return nil
}

func (s *Supervisor) progress(step string) {
	s.output.send(message{"event": "progress", "step": step, "seconds": seconds(time.Since(s.began))})
}

// startOnce brings the cluster up on fresh ports.
func (s *Supervisor) startOnce(ctx context.Context) error {
	var err error
	if s.ports, err = reservePorts(); err != nil {
		return err
	}
	if s.client, err = newClient("pki", s.ports.api); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	if s.options.From != "" {
		return s.startFrom(ctx, s.options.From)
	}
	renew := func() error {
		if !s.seeded {
			return nil
		}
		return s.refresh(ctx)
	}
	if err := s.launch(ctx, s.plantSeed, renew, s.progress); err != nil {
		return err
	}
	if err := s.populate(ctx); err != nil {
		return err
	}
	if !s.seeded {
		if err := s.createNodes(ctx); err != nil {
			return err
		}
	}
	if err := s.await(ctx, "the nodes", s.nodesReady); err != nil {
		return err
	}
	s.progress("nodes")
	if err := s.settle(ctx); err != nil {
		return err
	}
	// The first command must not find three events that the second one does.
	keep := func(context.Context, string) error { return nil }
	if err := s.greetings(ctx, since(s.began), keep); err != nil || s.seeded {
		return err
	}
	return s.harvestSeed(ctx)
}

// launch starts all parts on the data in etcd/ and returns when the API server is healthy and the others were let go. load makes that
// data while the first parts are being loaded; edit changes it before the API server sees it.
func (s *Supervisor) launch(ctx context.Context, load, edit func() error, progress func(step string)) error {
	parts := map[string]*process{}
	spawn := func(names ...string) error {
		for _, name := range names {
			p, err := s.processes.spawn(s.command(name))
			if err != nil {
				return err
			}
			parts[name] = p
		}
		return nil
	}
	begin := func(names ...string) error {
		for _, name := range names {
			if err := parts[name].begin(); err != nil {
				return s.ended(parts[name], "before it could begin")
			}
		}
		return nil
	}
	var attended []string
	if s.options.Attend != "" {
		attended = []string{attendant}
	}
	for _, step := range []func() error{
		func() error { return spawn(etcd, apiServer) },
		load,
		func() error { return begin(etcd) },
		func() error { return s.await(ctx, "etcd", etcdAnswers) },
		edit,
		func() error { return begin(apiServer) },
		func() error { progress("etcd"); return spawn(append(attended, controllerManager, scheduler, kwok)...) },
		func() error { return s.await(ctx, "the API server", s.answers("/api/v1/namespaces/default")) },
		func() error { progress("apiserver"); return begin(scheduler, kwok) },
		// The controller manager looks once a second whether the API server is healthy. It must not have to look twice.
		func() error { return s.await(ctx, "the API server", s.answers(early.Health)) },
		func() error { return begin(append(attended, controllerManager)...) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// command says how a part is started.
func (s *Supervisor) command(name string) command {
	args, env := s.arguments(name)
	how := command{name: name, args: append([]string{name}, args...), env: env}
	if name == attendant {
		how.program, how.args = s.options.Attend, append([]string{"attend"}, args...)
		how.said = s.attendantSaid()
	}
	return how
}

// settle waits until commands can rely on everything that runs: the API server's own caches, controllers, scheduler, and what stands in
// for the kubelets.
func (s *Supervisor) settle(ctx context.Context) error {
	kubelet := fmt.Sprintf("https://127.0.0.1:%d/healthz", s.ports.kubelet)
	readiness := fmt.Sprintf("https://127.0.0.1:%d/readyz", s.ports.scheduler)
	for _, step := range []struct {
		what string
		done condition
	}{
		{"the API server's caches", s.answers("/readyz")},
		{"the scheduler", s.answers(readiness)},
		{"the simulated kubelets", s.answers(kubelet)},
		{"the controllers", s.controllersAct()},
		{"the processes behind pods", s.attendantSettled},
	} {
		if err := s.await(ctx, step.what, step.done); err != nil {
			return err
		}
	}
	s.processes.rest()
	return nil
}

// condition tells whether something has happened yet; an error says what is still missing.
type condition func(ctx context.Context) error

// await polls done until it succeeds. It fails when a part dies or the time is over.
func (s *Supervisor) await(ctx context.Context, what string, done condition) error {
	for {
		err := done(ctx)
		if err == nil {
			return nil
		}
		if p := s.processes.firstEnded(); p != nil {
			err := s.ended(p, "while it was starting")
			if f := (*failure)(nil); errors.As(err, &f) && slices.ContainsFunc(f.log, func(line string) bool {
				return strings.Contains(line, "address already in use")
			}) {
				return fmt.Errorf("%w: %w", errPortTaken, err)
			}
			return err
		}
		select {
		case <-time.After(15 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready within %s: %w", what, s.options.StartTimeout, err)
		}
	}
}

// attendantSaid reads one attendant's output. Each one starts unsettled.
func (s *Supervisor) attendantSaid() func(line []byte) {
	settled := make(chan struct{})
	s.settled = settled
	once := sync.OnceFunc(func() { close(settled) })
	return func(line []byte) {
		var m struct {
			Event string `json:"event"`
		}
		if json.Unmarshal(line, &m) == nil && m.Event == "settled" {
			once()
		}
	}
}

// attendantSettled is done when there is no attendant, or when it has said that it is.
func (s *Supervisor) attendantSettled(context.Context) error {
	if s.options.Attend == "" {
		return nil
	}
	select {
	case <-s.settled:
		return nil
	default:
		return errors.New("its attendant has not settled")
	}
}

func etcdAnswers(ctx context.Context) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", "etcd.sock")
	if err != nil {
		return err
	}
	return connection.Close()
}

// answers is done when a GET of path succeeds.
func (s *Supervisor) answers(path string) condition {
	return func(ctx context.Context) error {
		_, err := s.client.get(ctx, path)
		return err
	}
}

// populate waits for what every namespace has on a real cluster.
func (s *Supervisor) populate(ctx context.Context) error {
	ca, err := os.ReadFile("pki/ca.crt")
	if err != nil {
		return err
	}
	rootCA := func(ctx context.Context) error {
		text, err := s.client.get(ctx, "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
		if err != nil {
			return err
		}
		o, err := decode(text)
		if err == nil && o.Data["ca.crt"] != string(ca) {
			err = errors.New("kube-root-ca.crt is of another sandbox")
		}
		return err
	}
	if err := s.await(ctx, "the default service account", s.answers("/api/v1/namespaces/default/serviceaccounts/default")); err != nil {
		return err
	}
	if err := s.await(ctx, "kube-root-ca.crt", rootCA); err != nil {
		return err
	}
	if !s.seeded {
		if err := s.client.create(ctx, "/apis/storage.k8s.io/v1/storageclasses", simulate.StorageClass()); err != nil {
			return err
		}
	}
	s.progress("controllers")
	return nil
}

func (s *Supervisor) createNodes(ctx context.Context) error {
	for i := range s.options.Nodes {
		node, err := json.Marshal(simulate.Node(i, s.options.Nodes, s.options.Versions["kubernetes"]))
		if err != nil {
			return err
		}
		if err := s.client.create(ctx, "/api/v1/nodes", node); err != nil {
			return fmt.Errorf("a node cannot be made: %w", err)
		}
	}
	return nil
}

// nodesReady is done when every node is Ready and free of the taints of its first moments.
func (s *Supervisor) nodesReady(ctx context.Context) error {
	nodes, err := s.list(ctx, "/api/v1/nodes")
	if err != nil {
		return err
	}
	if len(nodes) < s.options.Nodes {
		return fmt.Errorf("%d of %d nodes are there", len(nodes), s.options.Nodes)
	}
	for _, node := range nodes {
		ready := false
		for _, c := range node.Status.Conditions {
			ready = ready || c.Type == "Ready" && c.Status == "True"
		}
		if !ready {
			return fmt.Errorf("node %s is not ready", node.Metadata.Name)
		}
		for _, taint := range node.Spec.Taints {
			if strings.HasPrefix(taint.Key, "node.kubernetes.io/") {
				return fmt.Errorf("node %s still has the taint %s", node.Metadata.Name, taint.Key)
			}
		}
	}
	return nil
}

// canary is a Deployment that starts no pod and leaves no event. A controller that has seen it has filled its caches.
const (
	canaryPath = "/apis/apps/v1/namespaces/kube-system/deployments"
	canary     = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"kubetalk-canary"},"spec":{"replicas":0,"paused":true,` +
		`"selector":{"matchLabels":{"app":"kubetalk-canary"}},"template":{"metadata":{"labels":{"app":"kubetalk-canary"}},` +
		`"spec":{"containers":[{"name":"none","image":"none"}]}}}}`
)

// controllersAct is done when the Deployment controller has reacted to the canary, which is then removed. All controllers share one
// set of caches, filled together, and none of them serves a check of its own that says so.
func (s *Supervisor) controllersAct() condition {
	created := false
	return func(ctx context.Context) error {
		if !created {
			if err := s.client.create(ctx, canaryPath, []byte(canary)); err != nil {
				return err
			}
			created = true
		}
		text, err := s.client.get(ctx, canaryPath+"/kubetalk-canary")
		if err != nil {
			return err
		}
		o, err := decode(text)
		if err != nil {
			return err
		}
		if o.Status.ObservedGeneration < o.Metadata.Generation {
			return errors.New("the Deployment controller has not acted yet")
		}
		_, err = s.client.do(ctx, "DELETE", canaryPath+"/kubetalk-canary", nil)
		return err
	}
}

// since tells whether an event was written at a time or later; events know whole seconds.
func since(start time.Time) func(object) bool {
	return func(e object) bool { return !e.Metadata.CreationTimestamp.Before(start.Truncate(time.Second)) }
}

// greetings calls each for the new RegisteredNode event of every node, which the controller manager writes a moment after it has started.
func (s *Supervisor) greetings(ctx context.Context, isNew func(object) bool, each func(ctx context.Context, path string) error) error {
	const path = "/api/v1/namespaces/default/events"
	nodes, err := s.list(ctx, "/api/v1/nodes")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	// Not to see all of them is no reason to fail.
	for limit := time.Now().Add(time.Second); len(seen) < len(nodes) && time.Now().Before(limit); time.Sleep(15 * time.Millisecond) {
		events, err := s.list(ctx, path+"?fieldSelector=reason=RegisteredNode,involvedObject.kind=Node")
		if err != nil {
			return err
		}
		for _, e := range events {
			if seen[e.Metadata.Name] || !isNew(e) {
				continue
			}
			if err := each(ctx, path+"/"+e.Metadata.Name); err != nil {
				return err
			}
			seen[e.Metadata.Name] = true
		}
	}
	return nil
}

// remove deletes the object at path. After a restore it takes away the controller manager's new greetings: for the restored cluster its
// start did not happen.
func (s *Supervisor) remove(ctx context.Context, path string) error {
	_, err := s.client.do(ctx, "DELETE", path, nil)
	return err
}
