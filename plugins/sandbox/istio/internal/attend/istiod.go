package attend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// stopGrace is for giving the leader's leases back, so that the next istiod need not wait until they run out.
	stopGrace = 2 * time.Second
	// restartDelay keeps an istiod that always ends from becoming a busy loop; a kubelet would back off too.
	restartDelay = time.Second
	// tokenLife is as long as the sandbox's certificates are valid.
	tokenLife = 365 * 24 * time.Hour
)

// istiod is one process and the pod it belongs to.
type istiod struct {
	pod    *corev1.Pod
	logs   string
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	local   map[int32]int // port of the pod to port on loopback; nil before the process starts
	pid     int
	serving bool
}

func (p *istiod) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving
}

func (p *istiod) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// set changes what others read of the process.
func (p *istiod) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// start runs the pod's process in the background. again says that it is not the pod's first one: the log then goes on.
func (a *attendant) start(parent context.Context, pod *corev1.Pod, again bool) *istiod {
	ctx, cancel := context.WithCancel(parent)
	p := &istiod{
		pod:    pod,
		logs:   filepath.Join(a.options.Dir, "logs", pod.Name+".log"),
		cancel: cancel,
		done:   make(chan struct{}),
	}
	if !again {
		// After a restore this pod's earlier life did not happen.
		_ = os.Remove(p.logs)
	}
	a.alive.Add(1)
	go func() {
		defer a.alive.Done()
		defer a.poke()
		defer close(p.done)
		err := a.runProcess(ctx, p)
		p.set(func() { p.serving, p.pid, p.local = false, 0, nil })
		if ctx.Err() != nil {
			return
		}
		a.log.Printf("istiod of pod %s/%s: %v", pod.Namespace, pod.Name, err)
		a.poke()
		if err := a.mark(ctx, pod, false); err != nil {
			a.log.Print(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartDelay):
		}
	}()
	return p
}

// runProcess starts the process and returns when it has ended.
func (a *attendant) runProcess(ctx context.Context, p *istiod) error {
	if err := a.waitForInjector(ctx, p.pod); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Join(a.options.Dir, folderName), p.pod.Name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := a.mount(ctx, p.pod, folder); err != nil {
		return err
	}
	kubeconfig, err := a.serviceAccountConfig(ctx, p.pod, folder)
	if err != nil {
		return err
	}
	local, err := freePorts(append([]int32{controlZPort}, listening()...))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(a.options.Binary, arguments(p.pod, kubeconfig, local)...)
	command.Dir = folder
	command.Env = environment(p.pod, folder)
	command.SysProcAttr = childAttributes()
	var turn sync.Mutex
	stdout, stderr := &containerLog{file: log, stream: "stdout", turn: &turn}, &containerLog{file: log, stream: "stderr", turn: &turn}
	defer stdout.flush()
	defer stderr.flush()
	command.Stdout, command.Stderr = stdout, stderr
	// The child reads its parent's life from this pipe (package child).
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	if err := startLocked(command, ended); err != nil {
		return err
	}
	// It is being loaded meanwhile, and waits for the first byte.
	if err := a.waitForGateways(ctx); err != nil {
		_ = command.Process.Kill()
		<-ended
		return err
	}
	_, _ = stdin.Write([]byte{'\n'})
	p.set(func() { p.local, p.pid = local, command.Process.Pid })
	a.poke()

	ctx, forget := context.WithCancel(ctx)
	defer forget()
	go func() {
		err := a.waitUntilServing(ctx, p)
		if err != nil && ctx.Err() == nil {
			a.log.Printf("istiod of pod %s/%s does not serve: %v", p.pod.Namespace, p.pod.Name, err)
		}
		// The start is over, whose memory it now gives back (package child).
		_, _ = stdin.Write([]byte{'\n'})
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("ended: %w", errors.Join(err, errors.New("see "+p.logs)))
	case <-ctx.Done():
	}
	_ = command.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopGrace):
		_ = command.Process.Kill()
		<-ended
	}
	return ctx.Err()
}

// serviceAccountConfig writes a kubeconfig with a token of the pod's own ServiceAccount, so that istiod may do what its chart grants it
// and nothing else, and returns its path.
func (a *attendant) serviceAccountConfig(ctx context.Context, pod *corev1.Pod, folder string) (string, error) {
	seconds := int64(tokenLife.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := a.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("a token for ServiceAccount %s: %w", pod.Spec.ServiceAccountName, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["sandbox"] = &clientcmdapi.Cluster{Server: a.config.Host, CertificateAuthorityData: a.config.CAData}
	config.AuthInfos["istiod"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["sandbox"] = &clientcmdapi.Context{Cluster: "sandbox", AuthInfo: "istiod"}
	config.CurrentContext = "sandbox"
	path := filepath.Join(folder, "kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}

// freePorts finds a free loopback port for each port of the pod. Another process may take one before istiod binds it; then istiod ends
// and is started anew.
func freePorts(wanted []int32) (map[int32]int, error) {
	found := map[int32]int{}
	for _, port := range wanted {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("%T is no TCP address", listener.Addr())
		}
		found[port] = address.Port
	}
	return found, nil
}

// containerLog writes lines as a container runtime does ("TIME STREAM F TEXT"), so that the reader of logs that kubelets use can read them.
type containerLog struct {
	file   *os.File
	stream string
	turn   *sync.Mutex // shared by the two streams of a file
	rest   []byte
}

// Write implements io.Writer.
func (l *containerLog) Write(text []byte) (int, error) {
	l.rest = append(l.rest, text...)
	for {
		line, rest, found := strings.Cut(string(l.rest), "\n")
		if !found {
			return len(text), nil
		}
		l.rest = []byte(rest)
		l.line(line)
	}
}

func (l *containerLog) line(text string) {
	l.turn.Lock()
	defer l.turn.Unlock()
	// A full disk must not stop istiod.
	_, _ = fmt.Fprintf(l.file, "%s %s F %s\n", time.Now().UTC().Format(time.RFC3339Nano), l.stream, text)
}

// flush writes a last line that has no end.
func (l *containerLog) flush() {
	if len(l.rest) > 0 {
		l.line(string(l.rest))
		l.rest = nil
	}
}
