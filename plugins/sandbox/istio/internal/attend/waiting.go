package attend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"istio.io/istio/pkg/config/schema/collections"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

const (
	// annotation tells the simulated kubelet that the process behind a pod serves (PROTOCOL.md, "Processes behind pods").
	annotation = "kubetalk.dev/process"
	ready      = "ready"
	// injectorLimit is for the moment between the chart's objects; a chart may also leave the injector out.
	injectorLimit = 5 * time.Second
	// webhooksLimit is for istiod to set up what it serves; whatever keeps it from that, the pod is then as ready as a real one.
	webhooksLimit = 10 * time.Second
	// probePeriod is long for a machine and short for a person: istiod logs every probe that comes too early.
	probePeriod = 250 * time.Millisecond
	// kindsLimit is for the API server to build what serves a kind; an istiod of its own would go on asking, only more slowly.
	kindsLimit = 3 * time.Second
	// askPeriod is how often the API server is asked.
	askPeriod = 25 * time.Millisecond
)

// revision is the pod's revision in the form that object names end in: "" for the default one.
func revision(pod *corev1.Pod) string {
	if rev := pod.Labels["istio.io/rev"]; rev != "" && rev != "default" {
		return "-" + rev
	}
	return ""
}

// waitForInjector waits until the injector's template exists. An istiod that starts before gives injection up for good ("template not
// found", pilot/pkg/bootstrap/sidecarinjector.go); one without an injector is wanted that way.
func (a *attendant) waitForInjector(ctx context.Context, pod *corev1.Pod) error {
	return poll(ctx, askPeriod, injectorLimit, func() (bool, error) {
		_, err := a.client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, "istio-sidecar-injector"+revision(pod), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// kinds are the resources that istiod watches once they are defined, in the versions it watches.
func kinds() []schema.GroupVersionResource {
	var found []schema.GroupVersionResource
	for _, kind := range collections.Pilot.All() {
		if resource := kind.GroupVersionResource(); strings.HasSuffix(resource.Group, ".istio.io") {
			found = append(found, resource)
		}
	}
	return found
}

// waitForKinds waits until the API server serves these resources. It builds what serves a kind at the first request, and says "too many
// requests, again in a second" meanwhile: an istiod that asks right after the definitions were applied loses that second. Whatever is
// not defined is not waited for.
func waitForKinds(ctx context.Context, client rest.Interface, resources []schema.GroupVersionResource) error {
	errs := make(chan error, len(resources))
	for _, resource := range resources {
		go func() {
			errs <- poll(ctx, askPeriod, kindsLimit, func() (bool, error) {
				return !apierrors.IsTooManyRequests(ask(ctx, client, resource)), nil
			})
		}()
	}
	var all error
	for range resources {
		all = errors.Join(all, <-errs)
	}
	return all
}

// ask asks the API server for one object of a kind, out of its cache.
func ask(ctx context.Context, client rest.Interface, resource schema.GroupVersionResource) error {
	return client.Get().AbsPath("/apis", resource.Group, resource.Version, resource.Resource).
		Param("resourceVersion", "0").Param("limit", "1").MaxRetries(0).Do(ctx).Error()
}

// waitUntilServing marks the pod when the process answers and the webhooks lead to it. Until then a pod of a labelled namespace could be
// refused, or a broken VirtualService accepted.
func (a *attendant) waitUntilServing(ctx context.Context, p *istiod) error {
	p.mu.Lock()
	address := fmt.Sprintf("http://127.0.0.1:%d/ready", p.local[8080])
	p.mu.Unlock()
	client := &http.Client{Timeout: time.Second}
	if err := poll(ctx, probePeriod, 0, func() (bool, error) {
		response, err := client.Get(address)
		if err != nil {
			return false, nil //nolint:nilerr // not listening yet
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK, nil
	}); err != nil {
		return err
	}
	if err := poll(ctx, askPeriod, webhooksLimit, func() (bool, error) { return a.webhooksLeadTo(ctx, p.pod) }); err != nil {
		return err
	}
	p.set(func() { p.serving = true })
	a.poke()
	return a.mark(ctx, p.pod, true)
}

// webhooksLeadTo says whether istiod has put its certificate into every webhook of the pod's revision and has closed those that
// validate: they come with the failure policy Ignore.
func (a *attendant) webhooksLeadTo(ctx context.Context, pod *corev1.Pod) (bool, error) {
	ours := metav1.ListOptions{LabelSelector: "istio.io/rev=" + pod.Labels["istio.io/rev"]}
	injecting, err := a.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, ours)
	if err != nil {
		return false, err
	}
	validating, err := a.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, ours)
	if err != nil {
		return false, err
	}
	for _, configuration := range injecting.Items {
		for _, webhook := range configuration.Webhooks {
			if len(webhook.ClientConfig.CABundle) == 0 {
				return false, nil
			}
		}
	}
	for _, configuration := range validating.Items {
		for _, webhook := range configuration.Webhooks {
			if len(webhook.ClientConfig.CABundle) == 0 || webhook.FailurePolicy == nil || *webhook.FailurePolicy != admissionv1.Fail {
				return false, nil
			}
		}
	}
	return true, nil
}

// mark tells the simulated kubelet whether the pod's process serves.
func (a *attendant) mark(ctx context.Context, pod *corev1.Pod, serves bool) error {
	var value any
	if serves {
		value = ready
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{annotation: value}}})
	if err != nil {
		return err
	}
	_, err = a.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// poll calls f again and again until it says true or fails. A limit that is over (0: there is none) is no error.
func poll(ctx context.Context, every, limit time.Duration, f func() (bool, error)) error {
	over := make(<-chan time.Time)
	if limit > 0 {
		over = time.After(limit)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return nil
		case <-tick.C:
		}
	}
}
