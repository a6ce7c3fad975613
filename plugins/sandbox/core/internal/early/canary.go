package early

import (
	"net/http"
	"os"
)

// The canary is a Deployment that starts no pod and leaves no event. A controller that tries to write its status has filled its caches.
//
// Whoever writes through the API server is subject to the rules of the cluster, and those of an author may refuse anything: a policy on
// every Deployment, a webhook whose Service nobody serves. So none of it passes there. The supervisor puts the canary into etcd and takes
// it out again, and the controller's request ends here.
const (
	CanaryKey = "/registry/deployments/kube-system/kubetalk-canary"
	Canary    = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"kubetalk-canary","namespace":"kube-system","generation":1,` +
		`"uid":"6b756265-7461-4c6b-8000-63616e617279","creationTimestamp":"2001-01-01T00:00:00Z"},"spec":{"replicas":0,"paused":true,` +
		`"selector":{"matchLabels":{"app":"kubetalk-canary"}},"template":{"metadata":{"labels":{"app":"kubetalk-canary"}},` +
		`"spec":{"containers":[{"name":"none","image":"none"}]}}}}`

	canaryStatus = "/apis/apps/v1/namespaces/kube-system/deployments/kubetalk-canary/status"
)

// Sang is the file, in the working directory of the controller manager, that is there once a controller has acted.
const Sang = "controllers-act"

// sing tells that a controller has written the canary's status, and answers as if the canary were gone: the controller then forgets it.
func sing(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close() // a RoundTripper has to
	}
	if err := os.WriteFile(Sang, nil, 0o600); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "404 Not Found", StatusCode: http.StatusNotFound, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}, nil
}
