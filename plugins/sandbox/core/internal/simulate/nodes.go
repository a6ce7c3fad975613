package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// machines does for each node what kwok's Stages cannot: the addresses, which need a look at the other nodes, and a lease whose holder
// is the same after a restart. kwok's own leases carry a random holder, and a copied cluster would wait until the old one runs out.
type machines struct {
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	again  func(key string, after time.Duration)
}

const leaseSeconds = 40 // as a kubelet's

func (m *machines) sync(ctx context.Context, name string) error {
	node, err := m.nodes.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := m.address(ctx, node); err != nil {
		return err
	}
	if err := m.renew(ctx, node); err != nil {
		return err
	}
	m.again(name, leaseSeconds/4*time.Second)
	return nil
}

// address fills in what an author's node lacks.
func (m *machines) address(ctx context.Context, node *v1.Node) error {
	has := map[v1.NodeAddressType]bool{}
	for _, a := range node.Status.Addresses {
		has[a.Type] = true
	}
	addresses := node.Status.DeepCopy().Addresses
	if !has[v1.NodeInternalIP] {
		free, err := m.free()
		if err != nil {
			return err
		}
		addresses = append(addresses, v1.NodeAddress{Type: v1.NodeInternalIP, Address: free})
	}
	if !has[v1.NodeHostName] {
		addresses = append(addresses, v1.NodeAddress{Type: v1.NodeHostName, Address: node.Name})
	}
	if !has[v1.NodeInternalDNS] {
		addresses = append(addresses, v1.NodeAddress{Type: v1.NodeInternalDNS, Address: "localhost"})
	}
	if len(addresses) == len(node.Status.Addresses) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"addresses": addresses}})
	if err != nil {
		return err
	}
	_, err = m.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// free returns an address of the nodes' network that no node has.
func (m *machines) free() (string, error) {
	all, err := m.nodes.List(everything)
	if err != nil {
		return "", err
	}
	used := map[string]bool{}
	for _, node := range all {
		used[internalIP(node)] = true
	}
	for i := 2; i < 255; i++ {
		if text := fmt.Sprintf("172.18.0.%d", i); !used[text] {
			return text, nil
		}
	}
	return "", fmt.Errorf("no address is free for another node")
}

// renew keeps the node's lease.
func (m *machines) renew(ctx context.Context, node *v1.Node) error {
	leases := m.client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	now, seconds, holder := metav1.NewMicroTime(time.Now()), int32(leaseSeconds), node.Name
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"renewTime": now, "holderIdentity": holder}})
	if err != nil {
		return err
	}
	_, err = leases.Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	_, err = leases.Create(ctx, &coordination.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, Namespace: v1.NamespaceNodeLease, OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID},
		}},
		Spec: coordination.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}, metav1.CreateOptions{})
	return err
}
