package supervisor

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// ports of one sandbox, all on the loopback address. They stay the same across a restore.
type ports struct {
	api, scheduler, kubelet int

	reserved []int // file descriptors that hold them
}

// reservePorts lets the kernel choose free ports and keeps them: the sockets are bound with SO_REUSEPORT but do not listen, so that only
// a process of the same user that asks for SO_REUSEPORT as well, like our parts, can listen there, now and after a restart.
func reservePorts() (*ports, error) {
	p := &ports{}
	for _, port := range []*int{&p.api, &p.scheduler, &p.kubelet} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			p.release()
			return nil, fmt.Errorf("no socket: %w", err)
		}
		unix.CloseOnExec(fd)
		p.reserved = append(p.reserved, fd)
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			p.release()
			return nil, fmt.Errorf("no shared port: %w", err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			p.release()
			return nil, fmt.Errorf("no free port on 127.0.0.1: %w", err)
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			p.release()
			return nil, err
		}
		*port = name.(*unix.SockaddrInet4).Port
	}
	return p, nil
}

func (p *ports) release() {
	for _, fd := range p.reserved {
		_ = syscall.Close(fd)
	}
	p.reserved = nil
}
