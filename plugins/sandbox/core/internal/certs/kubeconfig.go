package certs

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

// Kubeconfig returns a kubeconfig for the pair user of dir, everything inline. Cluster and context are called name; so is the user, as
// readers see it.
func Kubeconfig(dir, user, name, server string) ([]byte, error) {
	var data [3]string
	for i, file := range []string{CA + ".crt", user + ".crt", user + ".key"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		data[i] = base64.StdEncoding.EncodeToString(text)
	}
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
preferences: {}
current-context: %[1]s
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
users:
- name: %[1]s
  user:
    client-certificate-data: %[4]s
    client-key-data: %[5]s
contexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[1]s
    namespace: default
`, name, server, data[0], data[1], data[2]), nil
}
