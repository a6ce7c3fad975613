package attend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// definingGateways is an attendant of a cluster that answers so when it is asked for the definition of gateways.
func definingGateways(t *testing.T, status int, body string) *attendant {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.networking.istio.io" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &attendant{client: client}
}

func established(at time.Time) string {
	return fmt.Sprintf(`{"status":{"conditions":[{"type":"NamesAccepted","status":"True","lastTransitionTime":%[1]q},
		{"type":"Established","status":"True","lastTransitionTime":%[1]q}]}}`, at.UTC().Format(time.RFC3339))
}

func TestIstiodBeginsAtOnceWhenGatewaysAreNotNew(t *testing.T) {
	for name, a := range map[string]*attendant{
		"not defined": definingGateways(t, http.StatusNotFound, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`),
		"old":         definingGateways(t, http.StatusOK, established(time.Now().Add(-time.Hour))),
		"not usable":  definingGateways(t, http.StatusOK, `{"status":{}}`),
	} {
		if err := a.waitForGateways(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIstiodWaitsWhileGatewaysAreNew(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	later := time.Now().Add(time.Hour)
	if err := definingGateways(t, http.StatusOK, established(later)).waitForGateways(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it did not wait: %v", err)
	}
	at := metav1.NewTime(time.Unix(1000, 0))
	if got := usable([]metav1.Condition{{Type: "Established", LastTransitionTime: at}}); !got.Equal(at.Add(1800 * time.Millisecond)) {
		t.Errorf("it waits until %v", got)
	}
}

func TestAnAnswerThatCannotBeReadIsAnError(t *testing.T) {
	for _, a := range []*attendant{definingGateways(t, http.StatusInternalServerError, "{}"), definingGateways(t, http.StatusOK, "no JSON")} {
		if err := a.waitForGateways(t.Context()); err == nil {
			t.Error("no error")
		}
	}
}
