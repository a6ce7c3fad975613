package attend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ports maps a port of the pod to the flag that moves it (istio.io/istio/pilot/cmd/pilot-discovery/app/cmd.go; ports from its chart).
var ports = map[int32]string{
	8080:  "--httpAddr",
	15017: "--httpsAddr",
	15010: "--grpcAddr",
	15012: "--secureGRPCAddr",
	15014: "--monitoringAddr",
}

const (
	controlZPort = 9876
	// annotation tells the sandbox's kubelet that the process behind a pod serves (PROTOCOL.md, "Processes behind pods").
	annotation = "kubetalk.dev/process"
	// startLimit is far above the 2 s that istiod needs on two cores.
	startLimit = 90 * time.Second
	stopGrace  = 2 * time.Second
)

// istiod is one process and the pod it belongs to.
type istiod struct {
	pod    *corev1.Pod
	logs   string
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	local   map[int32]int // pod port to loopback port; set before the process starts
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

func (p *istiod) stop() {
	p.cancel()
	<-p.done
}

// start runs the pod's process in the background, and again if it ends while the pod lives.
func (a *attendant) start(parent context.Context, pod *corev1.Pod) *istiod {
	ctx, cancel := context.WithCancel(parent)
	p := &istiod{
		pod:    pod,
		logs:   filepath.Join(a.options.Dir, "logs", fmt.Sprintf("istiod-%s.log", pod.Name)),
		cancel: cancel,
		done:   make(chan struct{}),
	}
	go func() {
		defer close(p.done)
		defer a.poke()
		if err := a.runProcess(ctx, p); err != nil && ctx.Err() == nil {
			a.log.Printf("istiod of pod %s/%s: %v", pod.Namespace, pod.Name, err)
			// A crashing istiod must not become a busy loop; a kubelet would back off too.
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}()
	return p
}

func (a *attendant) runProcess(ctx context.Context, p *istiod) error {
	// An istiod that starts before its injector's ConfigMap exists gives injection up for good ("template not found").
	if err := a.waitForConfigMaps(ctx, p.pod); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(a.options.Dir, "istiod-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	kubeconfig, err := a.serviceAccountConfig(ctx, p.pod, folder)
	if err != nil {
		return err
	}
	local, err := freePorts(len(ports) + 1)
	if err != nil {
		return err
	}
	command := exec.Command(a.options.Binary, a.arguments(p, kubeconfig, local)...)
	command.Dir = folder
	command.Env = environment(p.pod, folder)
	command.SysProcAttr = childAttributes()
	log, err := os.OpenFile(p.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	// The child reads its parent's life from this pipe (package child).
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	if err := startLocked(command, ended); err != nil {
		return err
	}
	_, _ = stdin.Write([]byte{'\n'})
	serving := make(chan error, 1)
	go func() { serving <- a.waitUntilServing(ctx, p) }()
	for {
		select {
		case err := <-ended:
			p.setServing(false)
			return fmt.Errorf("ended: %w", errors.Join(err, errors.New("see "+p.logs)))
		case err := <-serving:
			serving = nil
			if err != nil {
				a.log.Printf("istiod of pod %s/%s does not serve: %v", p.pod.Namespace, p.pod.Name, err)
				break
			}
			p.setServing(true)
			a.poke()
		case <-ctx.Done():
			_ = command.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(stopGrace):
				_ = command.Process.Kill()
				<-ended
			}
			return ctx.Err()
		}
	}
}

func (p *istiod) setServing(serving bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving = serving
}

func (a *attendant) arguments(p *istiod, kubeconfig string, local []int) []string {
	args := []string{
		"istiod", "discovery", "--kubeconfig", kubeconfig, "--namespace", p.pod.Namespace, "--domain", "cluster.local",
		"--ctrlz_address", "127.0.0.1", "--ctrlz_port", strconv.Itoa(local[len(ports)]), "--keepaliveMaxServerConnectionAge", "30m",
	}
	mapped := map[int32]int{controlZPort: local[len(ports)]}
	i := 0
	for port, flag := range ports {
		mapped[port] = local[i]
		args = append(args, flag, net.JoinHostPort("127.0.0.1", strconv.Itoa(local[i])))
		i++
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.local = mapped
	return args
}

// environment is what the pod's own container would see: its literal variables and the ones the downward API fills in.
//
// Nothing of the host's environment gets in. KUBERNETES_SERVICE_HOST stays away, or istiod would take the cluster's address for its own.
func environment(pod *corev1.Pod, folder string) []string {
	env := []string{"HOME=" + folder, "TMPDIR=" + folder, "KUBETALK_PARENT_PIPE=stdin"}
	for _, variable := range pod.Spec.Containers[0].Env {
		switch {
		case variable.Name == "KUBECONFIG":
			// a path inside of the container; the flag says where it is here
		case variable.Value != "":
			env = append(env, variable.Name+"="+variable.Value)
		case variable.ValueFrom != nil && variable.ValueFrom.FieldRef != nil:
			env = append(env, variable.Name+"="+downward(pod, variable.ValueFrom.FieldRef.FieldPath))
		}
	}
	return env
}

func downward(pod *corev1.Pod, field string) string {
	switch field {
	case "metadata.name":
		return pod.Name
	case "metadata.namespace":
		return pod.Namespace
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName
	case "status.podIP":
		return pod.Status.PodIP
	case "spec.nodeName":
		return pod.Spec.NodeName
	}
	if key, found := strings.CutPrefix(field, "metadata.labels['"); found {
		return pod.Labels[strings.TrimSuffix(key, "']")]
	}
	return ""
}

// revision is the pod's revision in the form that object names end in: "" for the default one.
func revision(pod *corev1.Pod) string {
	if rev := pod.Labels["istio.io/rev"]; rev != "" && rev != "default" {
		return "-" + rev
	}
	return ""
}

func (a *attendant) waitForConfigMaps(ctx context.Context, pod *corev1.Pod) error {
	for _, name := range []string{"istio" + revision(pod), "istio-sidecar-injector" + revision(pod)} {
		err := poll(ctx, startLimit, func() (bool, error) {
			_, err := a.client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return false, nil
			}
			return err == nil, err
		})
		if err != nil {
			return fmt.Errorf("waiting for ConfigMap %s: %w", name, err)
		}
	}
	return nil
}

// serviceAccountConfig writes a kubeconfig with a token of the pod's own ServiceAccount, so that istiod may do what its chart grants it
// and nothing else, and returns its path.
func (a *attendant) serviceAccountConfig(ctx context.Context, pod *corev1.Pod, folder string) (string, error) {
	hours := int64((24 * time.Hour).Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hours}}
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

// waitUntilServing returns when the process answers, its webhooks carry its certificate, and the pod is told so.
func (a *attendant) waitUntilServing(ctx context.Context, p *istiod) error {
	p.mu.Lock()
	ready := fmt.Sprintf("http://127.0.0.1:%d/ready", p.local[8080])
	p.mu.Unlock()
	client := &http.Client{Timeout: time.Second}
	err := poll(ctx, startLimit, func() (bool, error) {
		response, err := client.Get(ready)
		if err != nil {
			return false, nil //nolint:nilerr // not listening yet
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", ready, err)
	}
	if err := poll(ctx, startLimit, func() (bool, error) { return a.webhooksPatched(ctx, p.pod) }); err != nil {
		return fmt.Errorf("the webhooks' caBundle: %w", err)
	}
	patch := []byte(`{"metadata":{"annotations":{"` + annotation + `":"ready"}}}`)
	_, err = a.client.CoreV1().Pods(p.pod.Namespace).Patch(ctx, p.pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// webhooksPatched says whether every injection webhook of the pod's revision carries a caBundle. Before that, the API server would not
// trust istiod, and every pod of a labelled namespace would be refused.
func (a *attendant) webhooksPatched(ctx context.Context, pod *corev1.Pod) (bool, error) {
	rev := pod.Labels["istio.io/rev"]
	list, err := a.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{LabelSelector: "istio.io/rev=" + rev})
	if err != nil {
		return false, err
	}
	for _, configuration := range list.Items {
		for _, webhook := range configuration.Webhooks {
			if len(webhook.ClientConfig.CABundle) == 0 {
				return false, nil
			}
		}
	}
	return true, nil
}

// poll calls f every 20 ms until it says true, fails, or the limit is over.
func poll(ctx context.Context, limit time.Duration, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// freePorts finds n free loopback ports. Another process may take one before istiod binds it; then istiod ends and is started anew.
func freePorts(n int) ([]int, error) {
	var found []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("%T is no TCP address", listener.Addr())
		}
		found = append(found, address.Port)
	}
	return found, nil
}
