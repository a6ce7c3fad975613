package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// balancers gives the Services of type LoadBalancer their addresses. All are synced by one goroutine.
type balancers struct {
	client   kubernetes.Interface
	services corelisters.ServiceLister
	given    map[string]string // namespace/name -> address that the lister may not show yet
}

// loadBalancerRange is reserved for documentation (RFC 5737, TEST-NET-3): no reader's network has these addresses.
var loadBalancerRange = netip.MustParsePrefix("203.0.113.0/24")

func (b *balancers) sync(ctx context.Context, key string) error {
	namespace, name, _ := strings.Cut(key, "/")
	service, err := b.services.Services(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		delete(b.given, key)
		return nil
	}
	if err != nil {
		return err
	}
	current := service.Status.LoadBalancer.Ingress
	wanted := service.Spec.Type == v1.ServiceTypeLoadBalancer && service.DeletionTimestamp == nil && service.Spec.LoadBalancerClass == nil
	switch {
	case wanted && len(current) == 0:
		used, err := b.used(key)
		if err != nil {
			return err
		}
		address, err := chooseAddress(key, service.Spec.LoadBalancerIP, used)
		if err != nil {
			return err
		}
		b.given[key] = address
		return b.write(ctx, service, []map[string]string{{"ip": address, "ipMode": string(v1.LoadBalancerIPModeVIP)}})
	case !wanted && service.Spec.Type != v1.ServiceTypeLoadBalancer && len(current) == 1 && inRange(current[0].IP):
		delete(b.given, key)
		return b.write(ctx, service, nil)
	}
	return nil
}

// used returns the addresses of all Services but one.
func (b *balancers) used(except string) (map[string]bool, error) {
	all, err := b.services.List(everything)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, service := range all {
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			used[ingress.IP] = true
		}
	}
	for key, address := range b.given {
		if key != except {
			used[address] = true
		}
	}
	return used, nil
}

func (b *balancers) write(ctx context.Context, service *v1.Service, ingress []map[string]string) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": ingress}}})
	if err != nil {
		return err
	}
	_, err = b.client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func inRange(text string) bool {
	address, err := netip.ParseAddr(text)
	return err == nil && loadBalancerRange.Contains(address)
}

// chooseAddress derives an address from the Service's name, so that a page shows the same one in each run. Where two names meet, the
// later one gets the next free address.
func chooseAddress(key, wish string, used map[string]bool) (string, error) {
	if wish != "" && inRange(wish) && !used[wish] {
		return wish, nil
	}
	const hosts = 254
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key))
	base := loadBalancerRange.Addr().As4()
	for i := range uint32(hosts) {
		base[3] = byte(1 + (hash.Sum32()+i)%hosts)
		if text := netip.AddrFrom4(base).String(); !used[text] {
			return text, nil
		}
	}
	return "", fmt.Errorf("no address is free in %s for service %s", loadBalancerRange, key)
}
