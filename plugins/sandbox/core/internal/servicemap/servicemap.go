// Package servicemap resolves Services that are served by a process next to the cluster, so that the API server can call their
// webhooks and aggregated APIs. The mapping is a file that may change at any time.
package servicemap

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/util/webhook"
)

// Resolver is a webhook.ServiceResolver that looks into a file first.
type Resolver struct {
	file string
	next webhook.ServiceResolver

	mu       sync.Mutex
	modified time.Time
	size     int64
	hosts    map[string]string
}

// New returns a Resolver for lines "NAMESPACE/NAME:PORT=HOST:PORT" in file; all other Services go to next. The file need not exist.
func New(file string, next webhook.ServiceResolver) *Resolver {
	return &Resolver{file: file, next: next}
}

// ResolveEndpoint implements webhook.ServiceResolver.
func (r *Resolver) ResolveEndpoint(namespace, name string, port int32) (*url.URL, error) {
	if host, ok := r.current()[fmt.Sprintf("%s/%s:%d", namespace, name, port)]; ok {
		return &url.URL{Scheme: "https", Host: host}, nil
	}
	return r.next.ResolveEndpoint(namespace, name, port)
}

// Leads tells whether some Service is served at an address; it is an egress.Route.
func (r *Resolver) Leads(_ context.Context, address string) (string, bool) {
	for _, host := range r.current() {
		if host == address {
			return address, true
		}
	}
	return "", false
}

// Unserved is the ServiceResolver of a cluster whose Services nobody serves: there is never an address, so that nothing is sent to a
// cluster IP or asked of a name server outside. It is a function that returns an error when a Service does not exist.
type Unserved func(ctx context.Context, namespace, name string) error

// ResolveEndpoint implements webhook.ServiceResolver.
func (u Unserved) ResolveEndpoint(namespace, name string, _ int32) (*url.URL, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if apierrors.IsNotFound(u(ctx, namespace, name)) {
		return nil, apierrors.NewNotFound(v1.Resource("service"), name) // the words of the real resolver
	}
	return nil, fmt.Errorf("service %s/%s is simulated: no process serves it", namespace, name)
}

// current returns the mapping, read again when the file has changed. The writer replaces the file (rename), so it is never half read.
func (r *Resolver) current() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(r.file)
	if err != nil {
		r.hosts, r.modified = nil, time.Time{}
		return nil
	}
	if r.hosts != nil && info.ModTime().Equal(r.modified) && info.Size() == r.size {
		return r.hosts
	}
	text, err := os.ReadFile(r.file)
	if err != nil {
		return r.hosts
	}
	r.hosts, r.modified, r.size = Parse(string(text)), info.ModTime(), info.Size()
	return r.hosts
}

// Parse reads the lines of a mapping. Lines that are empty, comments or not of the form are left out.
func Parse(text string) map[string]string {
	hosts := map[string]string{}
	for line := range strings.Lines(text) {
		service, host, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(service, "#") || !strings.Contains(service, "/") || !strings.Contains(service, ":") {
			continue
		}
		if _, _, err := net.SplitHostPort(host); err == nil {
			hosts[service] = host
		}
	}
	return hosts
}
