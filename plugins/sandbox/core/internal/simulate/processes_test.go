package simulate

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// kubeletWith serves the kubelet's API for one pod, "p" in "default", with these ports and logs behind it.
func kubeletWith(t *testing.T, ports, logs map[string]string) *httptest.Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "processes.json")
	text, err := json.Marshal([]Process{{Namespace: "default", Pod: "p", PID: 1, Ports: ports, Logs: logs}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(routes(file, func() bool { return true }))
	t.Cleanup(server.Close)
	return server
}

// forward does what `kubectl port-forward` does, and returns the local address, or what it complains about.
func forward(t *testing.T, server *httptest.Server, pod, port string) (address string, complaints *strings.Builder, err error) {
	t.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(server.URL + "/portForward/default/" + pod)
	if err != nil {
		t.Fatal(err)
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop) })
	complaints = &strings.Builder{}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, target)
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:" + port}, stop, ready, io.Discard, complaints)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return "", complaints, err
	}
	local, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", local[0].Local), complaints, nil
}

func TestPortsOfAProcessAreForwarded(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, io.MultiReader(strings.NewReader("got "), r.Body))
	}))
	defer behind.Close()
	server := kubeletWith(t, map[string]string{"15014": behind.Listener.Addr().String()}, nil)
	address, _, err := forward(t, server, "p", "15014")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		response, err := http.Post("http://"+address, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || string(text) != "got hello" {
			t.Fatalf("%q, %v", text, err)
		}
	}
}

func TestOtherPortsAndPodsAreRefused(t *testing.T) {
	server := kubeletWith(t, map[string]string{"15014": "127.0.0.1:1"}, nil)
	if _, _, err := forward(t, server, "other", "80"); err == nil || !strings.Contains(err.Error(), "this pod is simulated") {
		t.Errorf("a pod without process: %v", err)
	}
	address, _, err := forward(t, server, "p", "80")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := connection.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("a port that nobody listens on: %d, %v", n, err)
	}
	if err := (forwarder{&Process{}}).PortForward(context.Background(), "", "", 80, nopStream{}); err == nil || !strings.Contains(err.Error(), "port 80") {
		t.Error(err)
	}
}

type nopStream struct{ io.ReadWriter }

func (nopStream) Close() error { return nil }

func TestLogsOfAProcessAreItsOwn(t *testing.T) {
	const nineDigits = "2006-01-02T15:04:05.000000000Z07:00" // as the log's reader prints a time, whatever its last digits are
	file := filepath.Join(t.TempDir(), "log")
	now := time.Now().UTC()
	var text strings.Builder
	for i := range 3 {
		stamp := now.Add(time.Duration(i-3) * time.Hour).Format(time.RFC3339Nano)
		fmt.Fprintf(&text, "%s stdout F line %d\n", stamp, i)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	server := kubeletWith(t, nil, map[string]string{"discovery": file, "early": file + ".none"})
	for query, want := range map[string]string{
		"":                             "line 0\nline 1\nline 2\n",
		"?tailLines=1":                 "line 2\n",
		"?sinceSeconds=9000":           "line 1\nline 2\n",
		"?limitBytes=4":                "line",
		"?tailLines=1&timestamps=true": now.Add(-time.Hour).Format(nineDigits) + " line 2\n",
		"?tailLines=0":                 "",
		"?previous=true":               "previous terminated container \"discovery\" in pod \"p\" not found\n",
		"?tailLines=many":              "",
		"?sinceTime=" + url.QueryEscape(now.Add(-90*time.Minute).Format(time.RFC3339)): "line 2\n",
	} {
		status, got := get(t, server.URL+"/containerLogs/default/p/discovery"+query)
		if query == "?tailLines=many" {
			if status != http.StatusBadRequest {
				t.Errorf("%s: %d %q", query, status, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	for path, want := range map[string]string{
		"p/early": "waiting to start", "p/other": "this pod is simulated", "q/discovery": "this pod is simulated",
	} {
		if status, got := get(t, server.URL+"/containerLogs/default/"+path); status != http.StatusBadRequest || !strings.Contains(got, want) {
			t.Errorf("%s: %d %q", path, status, got)
		}
	}
}

func get(t *testing.T, address string) (status int, text string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestLogsAreFollowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	line := func(text string) {
		t.Helper()
		log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		fmt.Fprintf(log, "%s stdout F %s\n", time.Now().UTC().Format(time.RFC3339Nano), text)
	}
	line("before")
	server := kubeletWith(t, nil, map[string]string{"c": file})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/containerLogs/default/p/c?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	scanner := bufio.NewScanner(response.Body)
	for _, want := range []string{"before", "after"} {
		if !scanner.Scan() || scanner.Text() != want {
			t.Fatalf("got %q, %v; want %q", scanner.Text(), scanner.Err(), want)
		}
		line("after")
	}
}

func TestNobodyKeepsProcesses(t *testing.T) {
	if list, err := ReadProcesses(filepath.Join(t.TempDir(), "none")); list != nil || err != nil {
		t.Error(list, err)
	}
	server := httptest.NewServer(routes("", func() bool { return true }))
	defer server.Close()
	if status, text := get(t, server.URL+"/containerLogs/default/p/c"); status != http.StatusBadRequest || !strings.Contains(text, "this pod is simulated") {
		t.Error(status, text)
	}
}

func TestPodsThatNeedAProcess(t *testing.T) {
	selector, err := labels.Parse("app=istiod")
	if err != nil {
		t.Fatal(err)
	}
	pod := newPod("", v1.RestartPolicyAlways, "discovery")
	for _, test := range []struct {
		label, mark string
		attended    bool
		want        process
	}{
		{"web", "", true, unneeded}, {"web", "", false, unneeded}, {"istiod", "", true, awaited},
		{"istiod", "no", true, awaited}, {"istiod", "ready", true, serving}, {"istiod", "ready", false, unattended},
	} {
		pod.Labels, pod.Annotations = map[string]string{"app": test.label}, map[string]string{ProcessAnnotation: test.mark}
		players := &pods{needProcess: selector, attended: test.attended}
		if got := players.process(pod); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
	for state, want := range map[process]string{
		unneeded: "Running discovery=ready Ready", serving: "Running discovery=ready Ready", awaited: "Running discovery=running",
		unattended: "Pending discovery=CreateContainerError",
	} {
		seen := playWith(t, newPod("", v1.RestartPolicyAlways, "discovery"), time.Minute, state)
		if last := seen[len(seen)-1]; !strings.HasSuffix(last, want) {
			t.Errorf("%v: %q", state, seen)
		}
		if failed := slices.Contains(seen, "0 event Failed spec.containers{discovery}"); failed != (state == unattended) {
			t.Errorf("%v: %q", state, seen)
		}
	}
}
