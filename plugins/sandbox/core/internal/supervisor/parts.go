package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/server/v3/storage/wal"

	"kubetalk.dev/sandbox/internal/certs"
	"kubetalk.dev/sandbox/internal/early"
	"kubetalk.dev/sandbox/internal/egress"
	"kubetalk.dev/sandbox/internal/simulate"
)

// The parts of a sandbox, in the order in which they are started.
const (
	// Etcd is also the name by which kubetalk-supervisor is etcd.
	Etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
	attendant         = "attendant" // only when there is one
)

var partNames = []string{Etcd, apiServer, controllerManager, scheduler, kwok, attendant}

// What an attendant writes; PROTOCOL.md, "Processes behind pods".
const (
	serviceMap = "service-map"
	processMap = "processes.json"
)

// etcd listens on Unix sockets in the sandbox's directory, which only its owner may enter. The names are relative to the working
// directory of etcd and of the API server.
const (
	etcdClientURL = "unix://etcd.sock"
	etcdPeerURL   = "unix://etcd-peer.sock"
	// What etcd says about itself must have the form host:port. Nobody asks: it has no other members.
	etcdAdvertised = "http://localhost:1"
	etcdToken      = "kubetalk"
)

// The API server asks itself at this socket for every connection into the cluster; package egress.
const (
	egressSocket = "egress.sock"
	egressFile   = "egress.yaml"
)

// earlyKubeconfig is the controller manager's; package early says why it is not the one that others use in its name.
const earlyKubeconfig = certs.ControllerManager + ".early.kubeconfig"

const (
	serviceRange = "10.96.0.0/16"
	podRange     = "10.244.0.0/16"
)

// ShrinkWAL makes the log segments that etcd preallocates 4 MiB instead of 64: a sandbox has two of them on disk.
func ShrinkWAL() { wal.SegmentSizeBytes = 4 << 20 }

// arguments returns the command line and the environment of a part.
func (s *Supervisor) arguments(name string) (args, env []string) {
	pki := func(file string) string { return filepath.Join("pki", file) }
	switch name {
	case Etcd:
		return []string{
			"--name=default", "--data-dir=etcd",
			"--listen-client-urls=" + etcdClientURL, "--advertise-client-urls=" + etcdAdvertised,
			"--listen-peer-urls=" + etcdPeerURL, "--initial-advertise-peer-urls=" + etcdAdvertised,
			"--initial-cluster=default=" + etcdAdvertised, "--initial-cluster-token=" + etcdToken,
			"--unsafe-no-fsync", "--max-wals=1", "--max-snapshots=1", "--log-level=error",
			"--enable-grpc-gateway=false",
			// The only member elects itself, but not before it has waited for others: up to a second by default.
			"--heartbeat-interval=20", "--election-timeout=100",
		}, nil
	case apiServer:
		args = []string{
			"--etcd-servers=" + etcdClientURL, "--bind-address=127.0.0.1", "--advertise-address=192.0.2.10",
			fmt.Sprintf("--secure-port=%d", s.ports.api), "--permit-port-sharing=true",
			"--tls-cert-file=" + pki(certs.APIServer+".pem"), "--tls-private-key-file=" + pki(certs.APIServer+".pem"),
			"--client-ca-file=" + pki(certs.CA+".crt"), "--anonymous-auth=false",
			"--service-account-key-file=" + pki(certs.ServiceAccounts+".key"),
			"--service-account-signing-key-file=" + pki(certs.ServiceAccounts+".key"),
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-cluster-ip-range=" + serviceRange,
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
			"--enable-priority-and-fairness=false", "--endpoint-reconciler-type=none", "--profiling=false",
			"--requestheader-client-ca-file=" + pki(certs.FrontProxyCA+".crt"),
			"--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + pki(certs.FrontProxyClient+".pem"),
			"--proxy-client-key-file=" + pki(certs.FrontProxyClient+".pem"),
			"--kubelet-client-certificate=" + pki(certs.KubeletClient+".pem"),
			"--kubelet-client-key=" + pki(certs.KubeletClient+".pem"),
			"--kubelet-certificate-authority=" + pki(certs.CA+".crt"),
			// Nodes show an address of a private network; the one process behind all of them is found by this name.
			"--kubelet-preferred-address-types=InternalDNS",
			"--egress-selector-config-file=" + egressFile,
		}
		if s.options.Emulate != "" {
			args = append(args, "--emulated-version="+s.options.Emulate)
		}
		env = []string{
			"KUBETALK_SERVICE_MAP=" + filepath.Join(s.options.Dir, serviceMap),
			"KUBETALK_SERVICE_USER=" + pki(certs.ControllerManager+".kubeconfig"),
			"KUBETALK_EGRESS=" + egressSocket, fmt.Sprintf("KUBETALK_KUBELETS=%d", s.ports.kubelet),
			"KUBETALK_PROCESSES=" + processMap,
		}
		return args, env
	case controllerManager:
		args = []string{
			"--kubeconfig=" + pki(earlyKubeconfig), "--leader-elect=false", "--secure-port=0",
			"--use-service-account-credentials=false", "--service-account-private-key-file=" + pki(certs.ServiceAccounts+".key"),
			"--root-ca-file=" + pki(certs.CA+".crt"), "--allocate-node-cidrs", "--cluster-cidr=" + podRange,
			"--service-cluster-ip-range=" + serviceRange,
			"--cluster-signing-cert-file=" + pki(certs.CA+".crt"), "--cluster-signing-key-file=" + pki(certs.CA+".key"),
			// A laptop that slept is no reason to evict pods.
			"--node-monitor-grace-period=240h",
			// How soon a new node loses its not-ready taint and is greeted by an event.
			"--node-monitor-period=200ms", "--kube-api-qps=5000", "--kube-api-burst=10000",
		}
	case scheduler:
		args = []string{
			"--kubeconfig=" + pki(certs.Scheduler+".kubeconfig"), "--leader-elect=false", "--bind-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", s.ports.scheduler), "--permit-port-sharing=true",
			"--tls-cert-file=" + pki(certs.APIServer+".pem"), "--tls-private-key-file=" + pki(certs.APIServer+".pem"),
			"--authentication-kubeconfig=" + pki(certs.Scheduler+".kubeconfig"),
			"--authorization-kubeconfig=" + pki(certs.Scheduler+".kubeconfig"),
			// Profiling takes note of every wait for a lock or a channel: in the scheduler by default.
			"--kube-api-qps=5000", "--kube-api-burst=10000", "--profiling=false",
		}
	case attendant:
		return []string{"--dir", s.options.Dir}, nil
	case kwok:
		list := ""
		if s.options.Attend != "" {
			list = processMap
		}
		return []string{
				"--kubeconfig=" + pki(certs.Kwok+".kubeconfig"), "--config=stages.yaml", "--manage-all-nodes=true",
				"--node-lease-duration-seconds=0",
			}, simulate.Environment(simulate.Config{
				Kubeconfig: pki(certs.Kwok + ".kubeconfig"), Port: s.ports.kubelet,
				CertificateAuthority: pki(certs.CA + ".crt"),
				Certificate:          pki(certs.Kubelet + ".pem"), Key: pki(certs.Kubelet + ".pem"),
				ProcessSelector: s.options.ProcessSelector, Processes: list,
			})
	}
	if s.options.Emulate != "" {
		args = append(args, "--emulated-version="+s.options.Emulate)
	}
	return args, nil
}

// prepare fills the directory with everything but data.
func (s *Supervisor) prepare() error {
	dir := s.options.Dir
	for _, sub := range []string{"bin", "home", "logs", "checkpoints", "pki"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	var err error
	if s.pairs, err = certs.Generate(filepath.Join(dir, "pki")); err != nil {
		return err
	}
	for _, name := range s.options.Multicall {
		if err := os.Symlink(s.options.Program, filepath.Join(dir, "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

// configure writes the files that depend on the ports.
func (s *Supervisor) configure() error {
	dir := s.options.Dir
	server := fmt.Sprintf("https://127.0.0.1:%d", s.ports.api)
	for file, user := range map[string]string{
		"kubeconfig": certs.Admin,
		"pki/" + certs.ControllerManager + ".kubeconfig": certs.ControllerManager,
		"pki/" + certs.Scheduler + ".kubeconfig":         certs.Scheduler,
		"pki/" + certs.Kwok + ".kubeconfig":              certs.Kwok,
		// The session may change its own kubeconfig.
		"pki/" + attendant + ".kubeconfig": certs.Admin,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), certs.Kubeconfig(s.pairs, user, "sandbox", server), 0o600); err != nil {
			return err
		}
	}
	text := certs.Kubeconfig(s.pairs, certs.ControllerManager, "sandbox", server)
	text = bytes.Replace(text, []byte("  user:\n"), []byte("  user:\n    auth-provider: {name: "+early.Provider+"}\n"), 1)
	if err := os.WriteFile(filepath.Join(dir, "pki", earlyKubeconfig), text, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, egressFile), egress.Configuration(egressSocket), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "stages.yaml"), simulate.Stages(s.ports.kubelet, s.options.Versions), 0o600)
}

// reasons picks the lines of a log that say why a part ended: the last ones that are errors, at most three.
func reasons(text string) []string {
	var wanted []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "The manifest file is empty, ignoring.") {
			continue // every start of every part says so
		}
		low := strings.ToLower(line)
		klog := len(line) > 5 && (line[0] == 'E' || line[0] == 'F') && line[1] >= '0' && line[1] <= '9'
		if klog || strings.HasPrefix(low, "error") || strings.HasPrefix(low, "panic") || strings.Contains(low, `"level":"error"`) ||
			strings.Contains(low, `"level":"fatal"`) || strings.Contains(low, "address already in use") {
			if len(line) > 300 {
				line = line[:300] + "…"
			}
			wanted = append(wanted, line)
		}
	}
	if len(wanted) > 3 {
		wanted = wanted[len(wanted)-3:]
	}
	return wanted
}
