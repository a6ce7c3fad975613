package simulate

import (
	"fmt"
	"runtime"
	"testing"
)

func TestLoadBalancerAddresses(t *testing.T) {
	used := map[string]bool{}
	first, err := chooseAddress("default/web", "", used)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := chooseAddress("default/web", "", used); again != first {
		t.Errorf("the address of a name is not stable: %s, %s", first, again)
	}
	if wish, _ := chooseAddress("default/web", "203.0.113.7", used); wish != "203.0.113.7" {
		t.Errorf("a wish in the range is not honoured: %s", wish)
	}
	if wish, _ := chooseAddress("default/web", "192.0.2.7", used); wish != first {
		t.Errorf("a wish outside the range gave %s", wish)
	}
	for i := range 254 {
		address, err := chooseAddress(fmt.Sprintf("ns%d/web", i), "", used)
		if err != nil {
			t.Fatal(err)
		}
		if used[address] || !inRange(address) {
			t.Fatalf("%s was given twice or is out of range", address)
		}
		used[address] = true
	}
	if _, err := chooseAddress("one/more", "", used); err == nil {
		t.Error("a 255th address was found")
	}
}

func TestNodes(t *testing.T) {
	for i, want := range []string{"sandbox-control-plane", "sandbox-worker", "sandbox-worker2", "sandbox-worker3"} {
		node := Node(i, 4, "v1.2.3")
		if node.Name != want || node.Spec.PodCIDR != fmt.Sprintf("10.244.%d.0/24", i) || node.Status.NodeInfo.KubeletVersion != "v1.2.3" {
			t.Errorf("node %d: %s %s %s", i, node.Name, node.Spec.PodCIDR, node.Status.NodeInfo.KubeletVersion)
		}
		if node.Status.NodeInfo.OSImage+node.Status.NodeInfo.KernelVersion != "" {
			t.Errorf("node %d claims an OS image or a kernel", i)
		}
		if node.Labels["kubernetes.io/os"] != "linux" || node.Labels["kubernetes.io/arch"] != runtime.GOARCH {
			t.Errorf("node %d is labelled %v", i, node.Labels)
		}
	}
	if many, one := Node(0, 2, "v1"), Node(0, 1, "v1"); len(many.Spec.Taints) != 1 || len(one.Spec.Taints) != 0 {
		t.Error("the control plane must refuse pods only when another node takes them")
	}
}
