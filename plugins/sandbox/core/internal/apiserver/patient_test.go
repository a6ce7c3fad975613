package apiserver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// unready is a server whose cache is filled at the given request; it tells how often it was asked.
type unready struct{ ready, asked int }

func (u *unready) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.asked++
	if u.asked < u.ready {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"message":"storage is (re)initializing"}`)
		w.(http.Flusher).Flush()
		return
	}
	w.Header().Set("Served", "yes")
	_, _ = io.WriteString(w, "a list")
	w.(http.Flusher).Flush()
}

func through(t *testing.T, next http.Handler, limit time.Duration, method string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Audit-Id", "before")
		patient{next, limit}.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestAListWaitsForItsCache(t *testing.T) {
	next := &unready{ready: 3}
	response, body := through(t, next, time.Hour, http.MethodGet)
	if response.StatusCode != http.StatusOK || body != "a list" || next.asked != 3 {
		t.Errorf("%s, %q after %d attempts", response.Status, body, next.asked)
	}
	if h := response.Header; h.Get("Retry-After") != "" || h.Get("Content-Type") == "application/json" || h.Get("Served") != "yes" || h.Get("Audit-Id") != "before" {
		t.Errorf("headers of a refused attempt are left, or others are gone: %v", h)
	}
}

func TestOnlyReadingWaits(t *testing.T) {
	next := &unready{ready: 3}
	response, _ := through(t, next, time.Hour, http.MethodPost)
	if response.StatusCode != http.StatusTooManyRequests || next.asked != 1 {
		t.Errorf("%s after %d attempts", response.Status, next.asked)
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	next := &unready{ready: 1000}
	response, body := through(t, next, 3*cachePeriod, http.MethodGet)
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "1" || body == "" || next.asked < 2 {
		t.Errorf("%s, %v, %q after %d attempts", response.Status, response.Header, body, next.asked)
	}
}

func TestAClientThatGoesIsNotTriedForAnyMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusTooManyRequests)
		cancel()
	})
	patient{next, 3 * cachePeriod}.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	if asked != 1 {
		t.Errorf("%d attempts", asked)
	}
}
