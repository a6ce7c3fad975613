package apiserver

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	genericoptions "k8s.io/apiserver/pkg/server/options"
)

// unopened stands for the server's socket in a configuration that is made before it may be opened: a server that is loaded for the next
// restore must not take connections from the one that still runs.
type unopened struct {
	ip   net.IP
	port int
}

var errUnopened = errors.New("the socket is not open yet")

// Accept implements net.Listener.
func (unopened) Accept() (net.Conn, error) { return nil, errUnopened }

// Close implements net.Listener.
func (unopened) Close() error { return nil }

// Addr implements net.Listener.
func (u unopened) Addr() net.Addr { return &net.TCPAddr{IP: u.ip, Port: u.port} }

// listen opens the socket as SecureServingOptions.ApplyTo would.
func listen(o *genericoptions.SecureServingOptions) (net.Listener, error) {
	var config net.ListenConfig
	if o.PermitPortSharing {
		config.Control = func(_, _ string, connection syscall.RawConn) error {
			var failed error
			err := connection.Control(func(fd uintptr) {
				failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
			return errors.Join(err, failed)
		}
	}
	listener, _, err := genericoptions.CreateListener("tcp", net.JoinHostPort(o.BindAddress.String(), strconv.Itoa(o.BindPort)), config)
	if err != nil {
		return nil, fmt.Errorf("failed to create listener: %w", err)
	}
	return listener, nil
}
