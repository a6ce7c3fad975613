package attend

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// flags maps a port of the pod to the flag that moves it (istio.io/istio/pilot/cmd/pilot-discovery/app/cmd.go; ports from its chart).
var flags = map[int32]string{
	httpPort: "--httpAddr",
	15017:    "--httpsAddr",
	grpcPort: "--grpcAddr",
	15012:    "--secureGRPCAddr",
	15014:    "--monitoringAddr",
}

const (
	httpPort     = 8080
	grpcPort     = 15010
	controlZPort = 9876
)

// listening returns the ports of the pod that have a flag, in order.
func listening() []int32 { return slices.Sorted(maps.Keys(flags)) }

// arguments are those of the pod's container, and after them, where the last one wins, what is different outside of a container.
func arguments(pod *corev1.Pod, kubeconfig string, local map[int32]int) []string {
	args := slices.Concat([]string{"istiod"}, pod.Spec.Containers[0].Args, []string{
		"--kubeconfig", kubeconfig, "--ctrlz_address", "127.0.0.1", "--ctrlz_port", strconv.Itoa(local[controlZPort]),
	})
	for _, port := range listening() {
		args = append(args, flags[port], loopback(local[port]))
	}
	return args
}

// environment is what the pod's own container would see: its literal variables and the ones the downward API fills in.
//
// Nothing of the host's environment gets in. KUBERNETES_SERVICE_HOST stays away, or istiod would take the cluster's address for its own.
func environment(pod *corev1.Pod, folder string) []string {
	env := []string{"HOME=" + folder, "TMPDIR=" + folder, "KUBETALK_PARENT_PIPE=stdin"}
	for _, variable := range pod.Spec.Containers[0].Env {
		switch {
		case variable.Name == "KUBECONFIG":
			// a path inside of the container; the flag says where it is here
		case variable.ValueFrom == nil:
			env = append(env, variable.Name+"="+variable.Value)
		case variable.ValueFrom.FieldRef != nil:
			env = append(env, variable.Name+"="+downward(pod, variable.ValueFrom.FieldRef.FieldPath))
		}
	}
	return env
}

func downward(pod *corev1.Pod, field string) string {
	switch field {
	case "metadata.name":
		return pod.Name
	case "metadata.namespace":
		return pod.Namespace
	case "metadata.uid":
		return string(pod.UID)
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName
	case "status.podIP":
		return pod.Status.PodIP
	case "status.hostIP":
		return pod.Status.HostIP
	case "spec.nodeName":
		return pod.Spec.NodeName
	}
	for prefix, values := range map[string]map[string]string{"metadata.labels['": pod.Labels, "metadata.annotations['": pod.Annotations} {
		if key, found := strings.CutPrefix(field, prefix); found {
			return values[strings.TrimSuffix(key, "']")]
		}
	}
	return ""
}

// mount writes the Secrets and ConfigMaps that the container mounts below folder: istiod looks for them relative to its working
// directory, which is / in its image. Optional ones may be missing; for the others the simulated kubelet has waited.
func (a *attendant) mount(ctx context.Context, pod *corev1.Pod, folder string) error {
	for _, mounted := range pod.Spec.Containers[0].VolumeMounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mounted.Name {
				continue
			}
			files, err := a.content(ctx, pod.Namespace, volume)
			if apierrors.IsNotFound(err) {
				continue
			}
			if err != nil {
				return fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			for name, data := range files {
				path := filepath.Join(folder, filepath.Join("/", mounted.MountPath), filepath.Join("/", name))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					return err
				}
				if err := os.WriteFile(path, data, 0o600); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// content returns the files of a volume that is a Secret or a ConfigMap.
func (a *attendant) content(ctx context.Context, namespace string, volume corev1.Volume) (map[string][]byte, error) {
	files := map[string][]byte{}
	switch {
	case volume.Secret != nil:
		secret, err := a.client.CoreV1().Secrets(namespace).Get(ctx, volume.Secret.SecretName, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		maps.Copy(files, secret.Data)
	case volume.ConfigMap != nil:
		configMap, err := a.client.CoreV1().ConfigMaps(namespace).Get(ctx, volume.ConfigMap.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for name, text := range configMap.Data {
			files[name] = []byte(text)
		}
	}
	return files, nil
}
