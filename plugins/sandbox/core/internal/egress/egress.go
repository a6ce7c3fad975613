// Package egress decides where the connections lead that an API server makes into its cluster: to the simulated kubelets, to what the
// service map names, to the processes behind pods, and nowhere else.
//
// Pods, Services and nodes of a sandbox have addresses that nobody has. On the machine's own network somebody may: a packet for
// 10.244.1.2 would reach a pod of another cluster. An API server asks its egress selector for every such connection, and here one is
// made only to a process of the sandbox. Names are never looked up.
package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"kubetalk.dev/sandbox/internal/simulate"
)

// Route returns the address on loopback at which HOST:PORT is served, and false when it knows nothing of it.
type Route func(ctx context.Context, address string) (string, bool)

// Refused begins what who asks for any other address is told.
const Refused = "nothing in the sandbox listens on "

// Limits for a connection to be asked for and to be made; both ends are processes of this machine.
const (
	asking = 5 * time.Second
	making = 5 * time.Second
)

// Configuration is the egress selector's, for an API server in whose working directory Serve listens on socket.
func Configuration(socket string) []byte {
	return fmt.Appendf(nil, `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %q}}}
`, socket)
}

// Serve answers CONNECT requests on a Unix socket, which it makes anew, until the process ends. The first route that knows an address
// decides.
func Serve(socket string, routes ...Route) error {
	// A server that was killed leaves its socket behind.
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				time.Sleep(10 * time.Millisecond) // too many open files, say
				continue
			}
			go answer(connection, routes)
		}
	}()
	return nil
}

// answer serves one connection.
func answer(client net.Conn, routes []Route) {
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(asking))
	request, err := http.ReadRequest(bufio.NewReader(client))
	if err != nil || request.Method != http.MethodConnect {
		_, _ = io.WriteString(client, "HTTP/1.1 405 only CONNECT is served here\r\n\r\n")
		return
	}
	server, err := connect(request.Host, routes)
	if err != nil {
		// The reason is what an API server passes on.
		_, _ = fmt.Fprintf(client, "HTTP/1.1 502 %s\r\n\r\n", err)
		return
	}
	defer server.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	_ = client.SetDeadline(time.Time{})
	// The client says nothing before it has read the answer, so that no byte of it is left in the reader.
	join(client, server)
}

// connect returns a connection to what serves an address.
func connect(address string, routes []Route) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), making)
	defer cancel()
	for _, route := range routes {
		to, ok := route(ctx, address)
		if !ok {
			continue
		}
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
		if err != nil {
			return nil, fmt.Errorf("what serves %s does not answer", address)
		}
		return connection, nil
	}
	return nil, errors.New(Refused + address)
}

// join passes on what each of two connections sends until both have ended.
func join(one, other net.Conn) {
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, err := io.Copy(to, from)
		half, ok := to.(interface{ CloseWrite() error })
		if err != nil || !ok || half.CloseWrite() != nil {
			// What is broken in one direction is of no use in the other.
			_, _ = one.Close(), other.Close()
		}
	}
	both.Go(func() { pass(one, other) })
	both.Go(func() { pass(other, one) })
	both.Wait()
}

// To is the route for one address.
func To(address, to string) Route {
	return func(_ context.Context, asked string) (string, bool) { return to, asked == address }
}

// Processes is the route to the processes behind pods, which an attendant lists in file. addressOf returns the address of a pod.
func Processes(file string, addressOf func(ctx context.Context, namespace, pod string) (string, error)) Route {
	return func(ctx context.Context, address string) (string, bool) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return "", false
		}
		list, err := simulate.ReadProcesses(file)
		if err != nil {
			return "", false
		}
		for _, process := range list {
			to, ok := process.Ports[port]
			if !ok {
				continue
			}
			if found, err := addressOf(ctx, process.Namespace, process.Pod); err == nil && found == host {
				return to, true
			}
		}
		return "", false
	}
}
