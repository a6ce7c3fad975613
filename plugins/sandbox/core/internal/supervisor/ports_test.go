package supervisor

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A reserved port can be used by a part, again and again, and by nobody who does not ask to share it.
func TestReservedPorts(t *testing.T) {
	p, err := reservePorts()
	if err != nil {
		t.Fatal(err)
	}
	defer p.release()
	if p.api == p.scheduler || p.api == p.kubelet || p.scheduler == p.kubelet {
		t.Fatalf("ports are not distinct: %+v", p)
	}
	address := fmt.Sprintf("127.0.0.1:%d", p.api)
	if l, err := net.Listen("tcp", address); err == nil {
		l.Close()
		t.Error("a stranger can listen on a reserved port")
	}
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("a reserved port accepts connections before a part listens")
	}
	sharing := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var option error
		err := raw.Control(func(fd uintptr) { option = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		if err != nil {
			return err
		}
		return option
	}}
	for range 3 {
		l, err := sharing.Listen(context.Background(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l.Close()
	}
}
