package certs

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestGenerate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	if err := Generate(dir); err != nil {
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
	verify := func(name, authority string, usage x509.ExtKeyUsage) error {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, authority+".crt"))
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(text)
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
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
		text, err := os.ReadFile(filepath.Join(dir, name+".crt"))
		if err != nil || OfSandbox(text) != want {
			t.Errorf("%s passes as a sandbox's authority: %v (%v)", name, !want, err)
		}
	}
	for _, text := range []string{"", "rubbish", "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"} {
		if OfSandbox([]byte(text)) {
			t.Errorf("%q passes as a sandbox's authority", text)
		}
	}
}
