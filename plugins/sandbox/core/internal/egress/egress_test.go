package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/server/egressselector"
)

// dialer is the one that an API server makes from the configuration.
func dialer(t *testing.T, routes ...Route) func(ctx context.Context, network, address string) (net.Conn, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	for range 2 { // the second finds the socket of the first, which was killed
		if err := Serve("egress.sock", routes...); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("egress.yaml", Configuration("egress.sock"), 0o600); err != nil {
		t.Fatal(err)
	}
	configuration, err := egressselector.ReadEgressSelectorConfiguration("egress.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if problems := egressselector.ValidateEgressSelectorConfiguration(configuration); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := configuration.EgressSelections[0].Connection.ProxyProtocol; got != apiserver.ProtocolHTTPConnect {
		t.Fatal(got)
	}
	selector, err := egressselector.NewEgressSelector(configuration)
	if err != nil {
		t.Fatal(err)
	}
	for kind, wanted := range map[egressselector.EgressType]bool{egressselector.Cluster: true, egressselector.Etcd: false, egressselector.ControlPlane: false} {
		dial, err := selector.Lookup(kind.AsNetworkContext())
		if err != nil || dial != nil != wanted {
			t.Errorf("%s has a dialer: %v (%v)", kind, dial != nil, err)
		}
	}
	dial, err := selector.Lookup(egressselector.Cluster.AsNetworkContext())
	if err != nil {
		t.Fatal(err)
	}
	return dial
}

func TestOnlyProcessesOfTheSandboxAreReached(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer server.Close()
	here := server.Listener.Addr().String()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	dial := dialer(t, To("localhost:10250", here), To("10.244.0.5:80", gone.Addr().String()))
	client := http.Client{Transport: &http.Transport{DialContext: dial}}
	response, err := client.Post("http://localhost:10250/", "text/plain", strings.NewReader("echo"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || string(text) != "echo" {
		t.Errorf("got %q (%v)", text, err)
	}
	for address, want := range map[string]string{
		"10.244.1.2:80":     ": 502 nothing in the sandbox listens on 10.244.1.2:80",
		"example.com:10250": ": 502 nothing in the sandbox listens on example.com:10250",
		"[fd00::1]:80":      ": 502 nothing in the sandbox listens on [fd00::1]:80",
		here:                ": 502 nothing in the sandbox listens on " + here, // of the machine, and no part
		"10.244.0.5:80":     ": 502 what serves 10.244.0.5:80 does not answer",
	} {
		if _, err := dial(t.Context(), "tcp", address); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestEitherEndMayStopFirst(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- connection
		}
	}()
	dial := dialer(t, To("a:1", listener.Addr().String()))
	open := func() (client, server net.Conn) {
		client, err := dial(t.Context(), "tcp", "a:1")
		if err != nil {
			t.Fatal(err)
		}
		return client, <-accepted
	}

	client, server := open()
	_, _ = io.WriteString(client, "question")
	if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(server); string(text) != "question" || err != nil {
		t.Errorf("the server reads %q (%v)", text, err)
	}
	_, _ = io.WriteString(server, "answer")
	server.Close()
	if text, err := io.ReadAll(client); string(text) != "answer" || err != nil {
		t.Errorf("the client reads %q (%v)", text, err)
	}

	client, server = open()
	client.Close()
	if _, err := io.ReadAll(server); err != nil {
		t.Errorf("the server is not told of the end: %v", err)
	}
}

func TestAPodsAddressLeadsToItsProcess(t *testing.T) {
	t.Chdir(t.TempDir())
	list := `[{"namespace":"n","pod":"gone","ports":{"80":"127.0.0.1:1"}},{"namespace":"n","pod":"p","ports":{"80":"127.0.0.1:2"}}]`
	if err := os.WriteFile("processes.json", []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	addressOf := func(_ context.Context, namespace, pod string) (string, error) {
		if namespace+"/"+pod == "n/p" {
			return "10.244.0.5", nil
		}
		return "", errors.New("not found")
	}
	for address, want := range map[string]string{"10.244.0.5:80": "127.0.0.1:2", "10.244.0.5:81": "", "10.244.0.6:80": "", "10.244.0.5": ""} {
		if to, ok := Processes("processes.json", addressOf)(t.Context(), address); to != want || ok != (want != "") {
			t.Errorf("%s leads to %q, %v", address, to, ok)
		}
	}
	if to, ok := Processes("none", addressOf)(t.Context(), "10.244.0.5:80"); ok {
		t.Errorf("without an attendant it leads to %s", to)
	}
}
