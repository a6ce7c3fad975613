// Package certs makes the certificate authorities, certificates and keys of one sandbox. They live as long as the sandbox does.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Names of the pairs that Generate makes.
const (
	CA                = "ca"
	FrontProxyCA      = "front-proxy-ca"
	APIServer         = "apiserver"
	Kubelet           = "kubelet"
	KubeletClient     = "apiserver-kubelet-client"
	FrontProxyClient  = "front-proxy-client"
	Admin             = "admin"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
	Kwok              = "kwok"
	ServiceAccounts   = "service-accounts"
)

// Pair is a certificate and its key, both PEM.
type Pair struct{ Certificate, Key []byte }

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

type request struct {
	pair, name string
	groups     []string
	names      []string
	addresses  []net.IP
	usage      x509.ExtKeyUsage
}

// masters is the group that the authorizer always allows. The controllers keep their usual user names and get it in addition: they
// then need not wait for the RBAC roles that the API server creates in its first second.
const masters = "system:masters"

// organization stands in the subject of a sandbox's authority, and in no other.
const organization = "kubetalk.dev sandbox"

// OfSandbox tells whether a certificate (PEM) is the authority of a sandbox. It is what no name in a kubeconfig is: nobody's by chance.
func OfSandbox(text []byte) bool {
	block, _ := pem.Decode(text)
	if block == nil {
		return false
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	return err == nil && slices.Contains(certificate.Subject.Organization, organization)
}

// Generate makes all pairs, by their names, and writes what a part of a sandbox reads from a file into dir, which it makes with mode 0700:
// NAME.crt, NAME.key, or both in NAME.pem, all with mode 0600. The users' are in their kubeconfigs only.
func Generate(dir string) (map[string]Pair, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	pairs := map[string]Pair{}
	ca, err := issue(pairs, request{pair: CA, name: "kubernetes", groups: []string{organization}}, nil)
	if err != nil {
		return nil, err
	}
	frontProxyCA, err := issue(pairs, request{pair: FrontProxyCA, name: "front-proxy-ca"}, nil)
	if err != nil {
		return nil, err
	}
	loopback := net.IPv4(127, 0, 0, 1)
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	service := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	for _, r := range []request{
		{pair: APIServer, name: "kube-apiserver", names: service, addresses: []net.IP{loopback, net.IPv4(10, 96, 0, 1)}, usage: server},
		{pair: Kubelet, name: "kwok", names: []string{"localhost"}, addresses: []net.IP{loopback}, usage: server},
		{pair: KubeletClient, name: "kube-apiserver-kubelet-client", usage: client},
		{pair: Admin, name: "kubernetes-admin", groups: []string{masters}, usage: client},
		{pair: ControllerManager, name: "system:kube-controller-manager", groups: []string{masters}, usage: client},
		{pair: Scheduler, name: "system:kube-scheduler", groups: []string{masters}, usage: client},
		{pair: Kwok, name: "kwok", groups: []string{masters}, usage: client},
		{pair: ServiceAccounts, name: "service-accounts", usage: client},
	} {
		if _, err := issue(pairs, r, ca); err != nil {
			return nil, err
		}
	}
	if _, err := issue(pairs, request{pair: FrontProxyClient, name: "front-proxy-client", usage: client}, frontProxyCA); err != nil {
		return nil, err
	}
	files := map[string][]byte{
		CA + ".crt": pairs[CA].Certificate, CA + ".key": pairs[CA].Key, FrontProxyCA + ".crt": pairs[FrontProxyCA].Certificate,
		ServiceAccounts + ".key": pairs[ServiceAccounts].Key,
	}
	for _, name := range []string{APIServer, Kubelet, KubeletClient, FrontProxyClient} {
		files[name+".pem"] = slices.Concat(pairs[name].Certificate, pairs[name].Key)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// issue adds a pair signed by ca, or an authority of its own when ca is nil.
func issue(pairs map[string]Pair, r request, ca *authority) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: r.name, Organization: r.groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		DNSNames: r.names, IPAddresses: r.addresses,
	}
	parent, signer := template, crypto.Signer(key)
	if ca == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	} else {
		parent, signer = ca.certificate, ca.key
		template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
		template.ExtKeyUsage = []x509.ExtKeyUsage{r.usage}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", r.pair, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", r.pair, err)
	}
	pairs[r.pair] = Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key}, err
}
