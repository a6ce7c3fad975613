package supervisor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"kubetalk.dev/sandbox/internal/certs"
)

// client speaks to the sandbox's own servers as its administrator. The supervisor needs a dozen requests in all, so it does without
// the memory of a full Kubernetes client.
type client struct {
	http *http.Client
	base string
}

func newClient(pairs map[string]certs.Pair, port int) (*client, error) {
	pair, err := tls.X509KeyPair(pairs[certs.Admin].Certificate, pairs[certs.Admin].Key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pairs[certs.CA].Certificate) {
		return nil, errors.New("the sandbox's own authority cannot be read")
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		DialContext:       (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		ForceAttemptHTTP2: false, // every restart breaks the connection; HTTP/1 notices at once
	}
	return &client{http: &http.Client{Transport: transport, Timeout: 10 * time.Second}, base: fmt.Sprintf("https://127.0.0.1:%d", port)}, nil
}

// do sends one request; path is relative to the API server, or a whole URL. Any status but 2xx is an error.
func (c *client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	url := path
	if path[0] == '/' {
		url = c.base + path
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return text, &statusError{code: response.StatusCode, text: string(text)}
	}
	return text, nil
}

type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string {
	text := e.text
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return fmt.Sprintf("HTTP %d: %s", e.code, text)
}

func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, nil)
}

// create posts an object; one that is there already is fine.
func (c *client) create(ctx context.Context, path string, body []byte) error {
	_, err := c.do(ctx, http.MethodPost, path, body)
	if e := (*statusError)(nil); errors.As(err, &e) && e.code == http.StatusConflict {
		return nil
	}
	return err
}

// list returns the items of a collection.
func (s *Supervisor) list(ctx context.Context, path string) ([]object, error) {
	text, err := s.client.get(ctx, path)
	if err != nil {
		return nil, err
	}
	o, err := decode(text)
	return o.Items, err
}
