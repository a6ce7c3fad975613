package attend

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	// youth is how old a definition has to be for the API server to create one of its kind at once; before, it lets whoever tries wait as
	// long again (k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go, serveResource).
	youth = 2 * time.Second
	// boot is the least time that istiod takes before it creates something.
	boot = 200 * time.Millisecond
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

// waitForGateways waits until istiod may create a Gateway at once: it finds out by a broken one, on trial, whether its webhook is called.
// To be held up there costs it two seconds, and a few tenths if it begins later.
func (a *attendant) waitForGateways(ctx context.Context) error {
	const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.networking.istio.io"
	text, err := a.client.Discovery().RESTClient().Get().AbsPath(path).Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var definition struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := json.Unmarshal(text, &definition); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(usable(definition.Status.Conditions))):
		return nil
	}
}

// usable is when an istiod may begin, going by the conditions of a definition.
func usable(conditions []metav1.Condition) time.Time {
	for _, condition := range conditions {
		if condition.Type == "Established" {
			return condition.LastTransitionTime.Add(youth - boot)
		}
	}
	return time.Time{}
}

// waitUntilServing marks the pod when the process answers and the webhooks lead to it. Until then a pod of a labelled namespace could be
// refused, or a broken VirtualService accepted.
func (a *attendant) waitUntilServing(ctx context.Context, p *istiod) error {
	p.mu.Lock()
	discovery, address := loopback(p.local[grpcPort]), "http://"+loopback(p.local[httpPort])+"/ready"
	p.mu.Unlock()
	// It listens for proxies when its caches are filled, and is ready a moment later (istio.io/istio/pilot/pkg/bootstrap/server.go, Start).
	// Who knocks there leaves no line in its log, and so may do it often.
	if err := poll(ctx, askPeriod, 0, func() (bool, error) { return listens(ctx, discovery), nil }); err != nil {
		return err
	}
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

// listens says whether somebody accepts connections at an address.
func listens(ctx context.Context, address string) bool {
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

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
