package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestGenerate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	pairs, err := Generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600 (%v)", entry.Name(), info.Mode(), err)
		}
	}
	for _, name := range []string{APIServer, Kubelet, KubeletClient, FrontProxyClient} {
		path := filepath.Join(dir, name+".pem")
		if _, err := tls.LoadX509KeyPair(path, path); err != nil {
			t.Error(err)
		}
	}
	// The cluster publishes these two, so that no key may be in them.
	for _, name := range []string{CA, FrontProxyCA} {
		text, err := os.ReadFile(filepath.Join(dir, name+".crt"))
		if err != nil || !bytes.Equal(text, pairs[name].Certificate) {
			t.Errorf("%s.crt is not the authority's certificate alone (%v)", name, err)
		}
	}
	verify := func(name, authority string, usage x509.ExtKeyUsage) error {
		t.Helper()
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pairs[authority].Certificate)
		pair, err := tls.X509KeyPair(pairs[name].Certificate, pairs[name].Key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	if err := verify(Admin, CA, x509.ExtKeyUsageClientAuth); err != nil {
		t.Error(err)
	}
	if err := verify(APIServer, CA, x509.ExtKeyUsageServerAuth); err != nil {
		t.Error(err)
	}
	if verify(APIServer, CA, x509.ExtKeyUsageClientAuth) == nil {
		t.Error("the API server's serving certificate can be used as a client's")
	}
	// Whoever holds a certificate of the front proxy's authority may claim to be anybody.
	if verify(Admin, FrontProxyCA, x509.ExtKeyUsageClientAuth) == nil {
		t.Error("the administrator's certificate passes as the front proxy's")
	}
	for name, want := range map[string]bool{CA: true, FrontProxyCA: false, Admin: false} {
		if OfSandbox(pairs[name].Certificate) != want {
			t.Errorf("%s passes as a sandbox's authority: %v", name, !want)
		}
	}
	for _, text := range []string{"", "rubbish", "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"} {
		if OfSandbox([]byte(text)) {
			t.Errorf("%q passes as a sandbox's authority", text)
		}
	}
}
