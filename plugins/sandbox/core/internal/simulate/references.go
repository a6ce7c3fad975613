package simulate

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// missing says why a volume of the pod cannot be mounted, in the kubelet's words, or "".
func (p *pods) missing(ctx context.Context, pod *v1.Pod) string {
	for _, volume := range pod.Spec.Volumes {
		problem := ""
		switch {
		case volume.ConfigMap != nil && !isTrue(volume.ConfigMap.Optional):
			problem = p.lookUp(ctx, pod.Namespace, "configmap", volume.ConfigMap.Name, keys(volume.ConfigMap.Items))
		case volume.Secret != nil && !isTrue(volume.Secret.Optional):
			problem = p.lookUp(ctx, pod.Namespace, "secret", volume.Secret.SecretName, keys(volume.Secret.Items))
		case volume.Projected != nil:
			for _, source := range volume.Projected.Sources {
				if problem != "" {
					break
				}
				if c := source.ConfigMap; c != nil && !isTrue(c.Optional) {
					problem = p.lookUp(ctx, pod.Namespace, "configmap", c.Name, keys(c.Items))
				} else if c := source.Secret; c != nil && !isTrue(c.Optional) {
					problem = p.lookUp(ctx, pod.Namespace, "secret", c.Name, keys(c.Items))
				}
			}
		}
		if problem != "" {
			return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", volume.Name, problem)
		}
	}
	return ""
}

// broken says why a container's environment cannot be made, in the kubelet's words, or "".
func (p *pods) broken(ctx context.Context, pod *v1.Pod, c *v1.Container) string {
	for _, from := range c.EnvFrom {
		if r := from.ConfigMapRef; r != nil && !isTrue(r.Optional) {
			if problem := p.lookUp(ctx, pod.Namespace, "configmap", r.Name, nil); problem != "" {
				return problem
			}
		}
		if r := from.SecretRef; r != nil && !isTrue(r.Optional) {
			if problem := p.lookUp(ctx, pod.Namespace, "secret", r.Name, nil); problem != "" {
				return problem
			}
		}
	}
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			continue
		}
		kind, name, key, optional := "", "", "", false
		if r := env.ValueFrom.ConfigMapKeyRef; r != nil {
			kind, name, key, optional = "configmap", r.Name, r.Key, isTrue(r.Optional)
		} else if r := env.ValueFrom.SecretKeyRef; r != nil {
			kind, name, key, optional = "secret", r.Name, r.Key, isTrue(r.Optional)
		}
		if kind == "" || optional {
			continue
		}
		found, problem := p.read(ctx, pod.Namespace, kind, name)
		if problem != "" {
			return problem
		}
		if found != nil && !found[key] {
			label := map[string]string{"configmap": "ConfigMap", "secret": "Secret"}[kind]
			return fmt.Sprintf("couldn't find key %s in %s %s/%s", key, label, pod.Namespace, name)
		}
	}
	return ""
}

// lookUp says what is missing of an object that a volume shows.
func (p *pods) lookUp(ctx context.Context, namespace, kind, name string, wanted []string) string {
	found, problem := p.read(ctx, namespace, kind, name)
	if problem != "" || found == nil {
		return problem
	}
	for _, key := range wanted {
		if !found[key] {
			return fmt.Sprintf("references non-existent %s key: %s", map[string]string{"configmap": "config", "secret": "secret"}[kind], key)
		}
	}
	return ""
}

// read returns the keys of a ConfigMap or Secret, or says that it does not exist. Both are empty when the API server gave no answer.
func (p *pods) read(ctx context.Context, namespace, kind, name string) (map[string]bool, string) {
	found := map[string]bool{}
	var err error
	if kind == "secret" {
		var o *v1.Secret
		if o, err = p.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
			for key := range o.Data {
				found[key] = true
			}
		}
	} else {
		var o *v1.ConfigMap
		if o, err = p.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
			for key := range o.Data {
				found[key] = true
			}
			for key := range o.BinaryData {
				found[key] = true
			}
		}
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Sprintf("%s %q not found", kind, name)
	case err != nil:
		return nil, ""
	}
	return found, ""
}

func keys(items []v1.KeyToPath) []string {
	var all []string
	for _, item := range items {
		all = append(all, item.Key)
	}
	return all
}

func isTrue(b *bool) bool { return b != nil && *b }
