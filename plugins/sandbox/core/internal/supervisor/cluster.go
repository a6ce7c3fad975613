package supervisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"kubetalk.dev/sandbox/internal/early"
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
	if s.client, err = newClient(s.pairs, s.ports.api); err != nil {
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
	// The first command must not find three events that the second one does.
	keep := func(context.Context, string) error { return nil }
	if err := s.settle(ctx, nil, keep); err != nil {
		return err
	}
	if !s.seeded {
		if err := s.withdraw(ctx); err != nil {
			return err
		}
		s.keepSeed(ctx)
	}
	return nil
}

// launch starts all parts on the data in etcd/ and returns when the API server is healthy and the others were let go. load makes that
// data while the first parts are being loaded; edit changes it before the API server sees it.
func (s *Supervisor) launch(ctx context.Context, load, edit func() error, progress func(step string)) error {
	s.store.close() // of an etcd that is gone
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
		func() error { return spawn(Etcd, apiServer) },
		load,
		func() error { return begin(Etcd) },
		func() error { return s.await(ctx, "etcd", etcdAnswers) },
		func() (err error) { s.store, err = openStore(); return err },
		edit,
		func() error { return s.plantCanary(ctx) },
		func() error { return begin(apiServer) },
		func() error { progress("etcd"); return spawn(append(attended, controllerManager, scheduler, kwok)...) },
		func() error { return s.await(ctx, "the API server", s.answers("/api/v1/namespaces/default")) },
		func() error { progress("apiserver"); return begin(append(attended, scheduler, kwok)...) },
		// The controller manager looks once a second whether the API server is healthy. It must not have to look twice.
		func() error { return s.await(ctx, "the API server", s.answers(early.Health)) },
		func() error { return begin(controllerManager) },
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
	how := command{name: name, program: s.options.Program, args: append([]string{name}, args...), env: env}
	switch name {
	case Etcd:
		how.program = "" // the supervisor's own
	case attendant:
		how.program, how.args = s.options.Attend, append([]string{"attend"}, args...)
		how.said = s.attendantSaid()
	}
	return how
}
