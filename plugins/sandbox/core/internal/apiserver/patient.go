package apiserver

import (
	"maps"
	"net/http"
	"time"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

const (
	// patience is how long a request may wait for a cache; afterwards it is told what Kubernetes says at once.
	patience = 5 * time.Second
	// cachePeriod is how often a waiting request is tried.
	cachePeriod = 5 * time.Millisecond
)

// patient lets a list or a watch wait until the cache that it is read from has been filled. Kubernetes sends the client away for a second
// (429, "storage is (re)initializing"; k8s.io/apiserver/pkg/storage/cacher), because there a cache may take minutes and many clients wait.
// Here it takes some milliseconds, after the first request for a kind that has just been defined: whoever defines one and uses it would
// lose that second again and again, an istiod that starts right after its definitions for example.
type patient struct {
	next  http.Handler
	limit time.Duration
}

// ServeHTTP implements http.Handler.
func (p patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		p.next.ServeHTTP(w, r)
		return
	}
	until := time.Now().Add(p.limit)
	for {
		before := maps.Clone(w.Header())
		try := &attempt{ResponseWriter: w, last: time.Now().After(until)}
		p.next.ServeHTTP(responsewriter.WrapForHTTP1Or2(try), r)
		if !try.refused {
			return
		}
		clear(w.Header())
		maps.Copy(w.Header(), before)
		select {
		case <-r.Context().Done():
			return
		case <-time.After(cachePeriod):
		}
	}
}

// attempt keeps to itself that there are too many requests, unless it is the last one.
type attempt struct {
	http.ResponseWriter
	last, refused bool
}

// Unwrap implements responsewriter.UserProvidedDecorator.
func (a *attempt) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *attempt) WriteHeader(status int) {
	if status == http.StatusTooManyRequests && !a.last {
		a.refused = true
	}
	if !a.refused {
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (a *attempt) Write(body []byte) (int, error) {
	if a.refused {
		return len(body), nil
	}
	return a.ResponseWriter.Write(body)
}

// Flush implements http.Flusher.
func (a *attempt) Flush() {
	if flusher, ok := a.ResponseWriter.(http.Flusher); ok && !a.refused {
		flusher.Flush()
	}
}
