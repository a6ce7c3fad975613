package servicemap

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

type nowhere struct{}

func (nowhere) ResolveEndpoint(string, string, int32) (*url.URL, error) {
	return nil, errors.New("next")
}

func TestResolverFollowsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "map")
	r := New(file, nowhere{})
	expect := func(want string) {
		t.Helper()
		got := "next"
		if u, err := r.ResolveEndpoint("istio-system", "istiod", 443); err == nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, address := range []string{"127.0.0.1:1", "127.0.0.1:2"} {
			if to, ok := r.Leads(context.Background(), address); ok != (want == "https://"+address) || ok && to != address {
				t.Errorf("%s leads to %q, %v", address, to, ok)
			}
		}
	}
	write := func(text string, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	expect("next")
	write("# comment\nistio-system/istiod:443=127.0.0.1:1\n", now)
	expect("https://127.0.0.1:1")
	write("istio-system/istiod:443=127.0.0.1:2\n", now.Add(time.Second))
	expect("https://127.0.0.1:2")
	write("other/istiod:443=127.0.0.1:3\nrubbish\nistio-system/istiod:443=no-port\n", now.Add(2*time.Second))
	expect("next")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	expect("next")
}

func TestAServiceThatNobodyServesHasNoAddress(t *testing.T) {
	next := Unserved(func(_ context.Context, _, name string) error {
		if name == "there" {
			return nil
		}
		return apierrors.NewNotFound(v1.Resource("services"), name)
	})
	r := New(filepath.Join(t.TempDir(), "none"), next)
	for name, want := range map[string]string{
		"there":  "service shop/there is simulated: no process serves it",
		"nobody": `service "nobody" not found`,
	} {
		if _, err := r.ResolveEndpoint("shop", name, 443); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
