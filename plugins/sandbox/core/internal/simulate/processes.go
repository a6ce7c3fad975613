package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
	criapi "k8s.io/cri-api/pkg/apis"
	criruntime "k8s.io/cri-api/pkg/apis/runtime/v1"
	crilogs "k8s.io/cri-client/pkg/logs"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	conversion "k8s.io/kubernetes/pkg/apis/core/v1"
)

// ProcessAnnotation on a pod says, with the value ProcessReady, that the process behind the pod serves.
const (
	ProcessAnnotation = "kubetalk.dev/process"
	ProcessReady      = "ready"
)

// noProcess is what the reader of a page sees of a pod that needs a process in a sandbox where nobody keeps any.
const noProcess = "no istiod process: the document needs `sandbox: {istio: available}` (by hand: --istio)"

// Process is what an attendant tells about a process behind a pod; PROTOCOL.md, "Processes behind pods".
type Process struct {
	Namespace string            `json:"namespace"`
	Pod       string            `json:"pod"`
	PID       int               `json:"pid"`
	Ports     map[string]string `json:"ports"` // port of the pod to an address on loopback
	Logs      map[string]string `json:"logs"`  // container to a file in the format of a container runtime
}

// ReadProcesses reads an attendant's list; without the file there are none.
func ReadProcesses(file string) ([]Process, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Process
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

// behind returns the process behind a pod, or nil.
func behind(file, namespace, pod string) *Process {
	list, err := ReadProcesses(file)
	if err != nil {
		return nil
	}
	for i := range list {
		if list[i].Namespace == namespace && list[i].Pod == pod {
			return &list[i]
		}
	}
	return nil
}

// processServer answers the requests of a kubelet's API that a process behind a pod can satisfy, and leaves all others to refuse.
type processServer struct {
	file string // an attendant's list
}

// Limits of a kubelet (its streaming server's defaults).
const (
	idleTimeout    = 4 * time.Hour
	streamCreation = 30 * time.Second
)

func (s *processServer) portForward(w http.ResponseWriter, r *http.Request) {
	p := behind(s.file, r.PathValue("namespace"), r.PathValue("pod"))
	if p == nil {
		refuse(w, r)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{p}, p.Pod, "", options, idleTimeout, streamCreation, portforward.SupportedProtocols)
}

// forwarder connects streams to the ports of one process.
type forwarder struct{ process *Process }

// PortForward implements portforward.PortForwarder.
func (f forwarder) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	address, ok := f.process.Ports[strconv.Itoa(int(port))]
	if !ok {
		return fmt.Errorf("this pod is simulated, and the process behind it does not listen on port %d", port)
	}
	connection, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("the process behind the pod does not answer on port %d", port)
	}
	defer connection.Close()
	sent, received := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := io.Copy(connection, stream)
		if half, ok := connection.(*net.TCPConn); ok {
			_ = half.CloseWrite() // the answer may still be on its way
		}
		sent <- err
	}()
	go func() {
		_, err := io.Copy(stream, connection)
		received <- err
	}()
	select {
	case err = <-received:
	case <-ctx.Done():
		err = nil
	}
	_ = connection.Close()
	_ = stream.Close()
	<-sent
	return err
}

func (s *processServer) logs(w http.ResponseWriter, r *http.Request) {
	container := r.PathValue("container")
	p := behind(s.file, r.PathValue("namespace"), r.PathValue("pod"))
	if p == nil || p.Logs[container] == "" {
		refuse(w, r)
		return
	}
	query, options := r.URL.Query(), v1.PodLogOptions{}
	if err := conversion.Convert_url_Values_To_v1_PodLogOptions(&query, &options, nil); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if options.Previous {
		http.Error(w, fmt.Sprintf("previous terminated container %q in pod %q not found", container, p.Pod), http.StatusBadRequest)
		return
	}
	if _, err := os.Stat(p.Logs[container]); err != nil {
		http.Error(w, fmt.Sprintf("container %q in pod %q is waiting to start: ContainerCreating", container, p.Pod), http.StatusBadRequest)
		return
	}
	out := flushwriter.Wrap(w)
	runtime := containers{running: func() bool { return behind(s.file, p.Namespace, p.Pod) != nil }}
	err := crilogs.ReadLogs(r.Context(), p.Logs[container], container, logOptions(&options, time.Now()), runtime, out, out)
	if err != nil && r.Context().Err() == nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func logOptions(o *v1.PodLogOptions, now time.Time) *crilogs.LogOptions {
	options := &crilogs.LogOptions{TailLines: o.TailLines, LimitBytes: o.LimitBytes, Follow: o.Follow, Timestamp: o.Timestamps}
	switch {
	case o.SinceSeconds != nil:
		options.Since = now.Add(-time.Duration(*o.SinceSeconds) * time.Second)
	case o.SinceTime != nil:
		options.Since = o.SinceTime.Time
	}
	return options
}

// containers is as much of a container runtime as a reader of logs asks for: whether to go on following.
type containers struct {
	criapi.RuntimeService
	running func() bool
}

// ContainerStatus implements criapi.RuntimeService.
func (c containers) ContainerStatus(context.Context, string, bool) (*criruntime.ContainerStatusResponse, error) {
	state := criruntime.ContainerState_CONTAINER_EXITED
	if c.running() {
		state = criruntime.ContainerState_CONTAINER_RUNNING
	}
	return &criruntime.ContainerStatusResponse{Status: &criruntime.ContainerStatus{State: state}}, nil
}
