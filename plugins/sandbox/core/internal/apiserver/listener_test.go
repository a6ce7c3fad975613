package apiserver

import (
	"net"
	"strings"
	"testing"

	genericoptions "k8s.io/apiserver/pkg/server/options"
)

func TestASocketIsOpenedOnlyWhenItIsWanted(t *testing.T) {
	o := &genericoptions.SecureServingOptions{BindAddress: net.IPv4(127, 0, 0, 1), BindPort: freePort(t), PermitPortSharing: true}
	later := unopened{o.BindAddress, o.BindPort}
	if _, err := net.Dial("tcp", later.Addr().String()); err == nil {
		t.Error("somebody answers before the socket was opened")
	}
	one, err := listen(o)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if one.Addr().String() != later.Addr().String() {
		t.Errorf("%s instead of %s", one.Addr(), later.Addr())
	}
	two, err := listen(o)
	if err != nil {
		t.Fatalf("the port cannot be shared: %v", err)
	}
	two.Close()
	o.PermitPortSharing = false
	if _, err := listen(o); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a port that is taken: %v", err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
