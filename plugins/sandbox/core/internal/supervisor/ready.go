package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"kubetalk.dev/sandbox/internal/certs"
	"kubetalk.dev/sandbox/internal/early"
	"kubetalk.dev/sandbox/internal/simulate"
)

// settle waits until commands can rely on everything that runs: the API server's own caches, controllers, scheduler, and what stands in
// for the kubelets.
//
// Then the start is over. The nodes' greetings that it has caused are handed to greet, those named in known left out.
func (s *Supervisor) settle(ctx context.Context, known map[string]bool, greet func(ctx context.Context, key string) error) error {
	kubelet := fmt.Sprintf("https://127.0.0.1:%d/healthz", s.ports.kubelet)
	readiness := fmt.Sprintf("https://127.0.0.1:%d/readyz", s.ports.scheduler)
	for _, step := range []struct {
		what string
		done condition
	}{
		{"the API server's caches", s.answers("/readyz")},
		{"the scheduler", s.answers(readiness)},
		{"the simulated kubelets", s.answers(kubelet)},
		{"the controllers", s.controllersAct},
		{"the processes behind pods", s.attendantSettled},
	} {
		if err := s.await(ctx, step.what, step.done); err != nil {
			return err
		}
	}
	if err := s.greetings(ctx, known, greet); err != nil {
		return err
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
	ca := string(s.pairs[certs.CA].Certificate)
	rootCA := func(ctx context.Context) error {
		text, err := s.client.get(ctx, "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
		if err != nil {
			return err
		}
		o, err := decode(text)
		if err == nil && o.Data["ca.crt"] != ca {
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

// plantCanary puts the canary of package early into etcd.
func (s *Supervisor) plantCanary(ctx context.Context) error {
	if err := os.RemoveAll(early.Sang); err != nil {
		return err
	}
	return s.store.put(ctx, early.CanaryKey, early.Canary)
}

// controllersAct is done when the Deployment controller has reacted to the canary, which is then removed. All controllers share one
// set of caches, filled together, and none of them serves a check of its own that says so.
func (s *Supervisor) controllersAct(ctx context.Context) error {
	if _, err := os.Stat(early.Sang); err != nil {
		return errors.New("the Deployment controller has not acted yet")
	}
	if err := s.store.remove(ctx, early.CanaryKey); err != nil {
		return err
	}
	return os.Remove(early.Sang)
}

// eventsPath is where events of nodes are, in the API and below /registry in etcd.
const (
	eventsPath = "/api/v1/namespaces/default/events"
	eventsKey  = "/registry/events/default/"
)

// greetings calls each with the key in etcd of the new RegisteredNode event of every node, which the controller manager writes a moment
// after it has started. Those named in known are not new; times would not tell, as events know whole seconds.
func (s *Supervisor) greetings(ctx context.Context, known map[string]bool, each func(ctx context.Context, key string) error) error {
	nodes, err := s.list(ctx, "/api/v1/nodes")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	// Not to see all of them is no reason to fail.
	for limit := time.Now().Add(time.Second); len(seen) < len(nodes) && time.Now().Before(limit); time.Sleep(15 * time.Millisecond) {
		events, err := s.list(ctx, eventsPath+"?fieldSelector=reason=RegisteredNode,involvedObject.kind=Node")
		if err != nil {
			return err
		}
		for _, e := range events {
			if seen[e.Metadata.Name] || known[e.Metadata.Name] {
				continue
			}
			if err := each(ctx, eventsKey+e.Metadata.Name); err != nil {
				return err
			}
			seen[e.Metadata.Name] = true
		}
	}
	return nil
}

// withdraw takes back what an API server may say at the first start of a cluster: that the address of the Service "kubernetes" is not
// allocated. It has just allocated it, and its controller looks before it has heard of that (pkg/registry/core/service/ipallocator/
// controller, repairip.go). One first start in twenty would show that warning, and so would every start on a layer that was made then.
func (s *Supervisor) withdraw(ctx context.Context) error {
	events, err := s.list(ctx, eventsPath+"?fieldSelector=reason=ClusterIPNotAllocated,involvedObject.name=kubernetes")
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := s.store.remove(ctx, eventsKey+e.Metadata.Name); err != nil {
			return err
		}
	}
	return nil
}
