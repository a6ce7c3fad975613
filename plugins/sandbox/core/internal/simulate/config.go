// Package simulate stands in for the machines of a sandbox: kubelets, a volume provisioner and a load balancer.
//
// kwok does what its Stages can express: nodes that are Ready and volumes. The rest is done here. A pod's life needs loops over any
// number of containers, events that go with them and clocks that grow (CrashLoopBackOff); an address must be free before it is given
// away; and a kubelet's API must say that no container runs.
package simulate

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Config is what the simulation needs to know. Paths are relative to the process's working directory.
type Config struct {
	Kubeconfig           string
	Port                 int    // of the kubelets' API, on the loopback address
	CertificateAuthority string // clients of that API need a certificate of this authority
	Certificate, Key     string // of that API
	ProcessSelector      string // label selector of the pods that need a process behind them
	Processes            string // file in which an attendant lists those processes, "" when there is no attendant
}

const variable = "KUBETALK_SIMULATE"

// Environment passes c to a kwok process.
func Environment(c Config) []string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return []string{variable + "=" + string(text)}
}

// FromEnvironment returns what Environment passed, and whether it did.
func FromEnvironment() (Config, bool) {
	var c Config
	text, ok := os.LookupEnv(variable)
	return c, ok && json.Unmarshal([]byte(text), &c) == nil
}

//go:embed stages.yaml
var stages string

// Stages is the configuration of kwok. port is that of the kubelets' API, versions those of what is inside.
func Stages(port int, versions map[string]string) []byte {
	return []byte(strings.NewReplacer(
		"@KUBELET_PORT@", strconv.Itoa(port), "@ARCHITECTURE@", runtime.GOARCH, "@KUBERNETES@", versions["kubernetes"], "@KWOK@", strings.TrimPrefix(versions["kwok"], "v"),
	).Replace(stages))
}

// Provisioner is the name of the simulated volume provisioner.
const Provisioner = "kubetalk.dev/simulated"

// StorageClass returns the default class as JSON. It binds at first use, like the one of kind.
func StorageClass() []byte {
	binding, reclaim := storage.VolumeBindingWaitForFirstConsumer, v1.PersistentVolumeReclaimDelete
	text, err := json.Marshal(storage.StorageClass{
		TypeMeta: metav1.TypeMeta{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass"},
		ObjectMeta: metav1.ObjectMeta{Name: "standard", Annotations: map[string]string{
			"storageclass.kubernetes.io/is-default-class": "true",
		}},
		Provisioner: Provisioner, VolumeBindingMode: &binding, ReclaimPolicy: &reclaim,
	})
	if err != nil {
		panic(err)
	}
	return text
}

// NodeName is the name of node i.
func NodeName(i int) string {
	switch i {
	case 0:
		return "sandbox-control-plane"
	case 1:
		return "sandbox-worker"
	}
	return fmt.Sprintf("sandbox-worker%d", i)
}

// Node returns node i of count as it is created. Its pod network is fixed here; the controllers would hand the networks out in the order in which
// they happen to see the nodes.
func Node(i, count int, version string) *v1.Node {
	name := NodeName(i)
	network := fmt.Sprintf("10.244.%d.0/24", i)
	node := &v1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				v1.LabelHostname: name, v1.LabelOSStable: "linux", v1.LabelArchStable: runtime.GOARCH,
				"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": runtime.GOARCH,
			},
		},
		Spec: v1.NodeSpec{PodCIDR: network, PodCIDRs: []string{network}},
		Status: v1.NodeStatus{
			Addresses: []v1.NodeAddress{
				{Type: v1.NodeInternalIP, Address: fmt.Sprintf("172.18.0.%d", 2+i)},
				{Type: v1.NodeHostName, Address: name},
				// Where the API server finds the kubelet's API.
				{Type: v1.NodeInternalDNS, Address: "localhost"},
			},
			NodeInfo: v1.NodeSystemInfo{KubeletVersion: version},
			Capacity: capacity(), Allocatable: capacity(),
		},
	}
	if i == 0 {
		node.Labels["node-role.kubernetes.io/control-plane"] = ""
		node.Labels["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
		if count > 1 { // the only node takes all pods
			node.Spec.Taints = []v1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: v1.TaintEffectNoSchedule}}
		}
	}
	return node
}

// capacity of a simulated node: round numbers of no real machine.
func capacity() v1.ResourceList {
	return v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("8Gi"),
		v1.ResourceEphemeralStorage: resource.MustParse("50Gi"), v1.ResourcePods: resource.MustParse("110"),
	}
}
