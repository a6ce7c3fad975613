// Package early lets the controller manager begin as soon as it can work, and tells when it does. It waits for an API server whose
// /healthz is good, and looks once a second. Two hooks of an API server's start hold that back which no controller has to wait for.
package early

import (
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
)

// Provider is the name by which a kubeconfig asks for this (`auth-provider`).
const Provider = "kubetalk-early"

// Health is the path that is good when everything a controller needs is there: all but the default roles, which controllers of a
// sandbox do not need, and the two priority classes of system pods, which they do not read.
var Health = "/healthz?" + query

var query = url.Values{"exclude": {
	"poststarthook/rbac/bootstrap-roles", "poststarthook/scheduling/bootstrap-system-priority-classes",
}}.Encode()

// Register makes the provider known in this process.
func Register() error {
	return rest.RegisterAuthProviderPlugin(Provider, func(string, map[string]string, rest.AuthProviderConfigPersister) (rest.AuthProvider, error) {
		return provider{}, nil
	})
}

type provider struct{}

// Login implements rest.AuthProvider: who the user is, a certificate tells.
func (provider) Login() error { return nil }

// WrapTransport implements rest.AuthProvider.
func (provider) WrapTransport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper, for every request of the controller manager.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Path {
	case "/healthz":
		r = r.Clone(r.Context())
		r.URL.RawQuery = query
	case canaryStatus:
		return sing(r)
	}
	return t.next.RoundTrip(r)
}
