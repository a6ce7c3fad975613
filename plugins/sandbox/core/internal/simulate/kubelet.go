package simulate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Refusal is what a user reads who asks for something that needs a container: "there is nothing to <verb>".
func Refusal(verb string) string {
	return "this pod is simulated: no container runs in it, so there is nothing to " + verb
}

// refusals maps the first part of a path of the kubelet's API to what the user wanted.
var refusals = map[string]string{
	"containerLogs": "read logs from",
	"exec":          "exec into",
	"run":           "exec into",
	"attach":        "attach to",
	"portForward":   "forward a port to",
	"cp":            "copy from",
}

// serveKubelet answers for the kubelets of all nodes until ctx ends. ready tells whether the simulation works.
func serveKubelet(ctx context.Context, c Config, ready func() bool) error {
	ca, err := os.ReadFile(c.CertificateAuthority)
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(ca) {
		return fmt.Errorf("%s holds no certificate", c.CertificateAuthority)
	}
	// The supervisor holds the port, see its reservePorts.
	listen := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var option error
		if err := raw.Control(func(fd uintptr) { option = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); err != nil {
			return err
		}
		return option
	}}
	listener, err := listen.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: routes(c.Processes, ready), ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12},
		// Exec and port-forward upgrade an HTTP/1 connection.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ServeTLS(listener, c.Certificate, c.Key); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// routes is the kubelets' API. file is an attendant's list, or "".
func routes(file string, ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok"))
	})
	processes := &processServer{file: file}
	mux.HandleFunc("/portForward/{namespace}/{pod}", processes.portForward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", processes.portForward)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", processes.logs)
	mux.HandleFunc("/", refuse)
	return mux
}

// refuse answers with one sentence. The API server passes the text of a log request on, and the status object of the others.
func refuse(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	verb, known := refusals[first]
	if !known {
		http.Error(w, "this node is simulated: it has no "+first, http.StatusNotFound)
		return
	}
	if first == "containerLogs" {
		http.Error(w, Refusal(verb), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: http.StatusBadRequest,
		Reason: metav1.StatusReasonBadRequest, Message: Refusal(verb),
	})
}
