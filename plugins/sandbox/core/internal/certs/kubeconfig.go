package certs

import (
	"encoding/base64"
	"fmt"
)

// Kubeconfig returns a kubeconfig for one of the pairs, everything inline. Cluster and context are called name; so is the user, as readers
// see it.
func Kubeconfig(pairs map[string]Pair, user, name, server string) []byte {
	inline := base64.StdEncoding.EncodeToString
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
`, name, server, inline(pairs[CA].Certificate), inline(pairs[user].Certificate), inline(pairs[user].Key))
}
