package attend

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// behindPod is what the sandbox's kubelet reads about the process behind a pod (PROTOCOL.md, "Processes behind pods").
type behindPod struct {
	Namespace string            `json:"namespace"`
	Pod       string            `json:"pod"`
	PID       int               `json:"pid"`
	Ports     map[string]string `json:"ports"`
	Logs      map[string]string `json:"logs"`
}

// publish writes the two files that the rest of the sandbox reads: where Services lead, and what is behind pods.
func (a *attendant) publish(services []*corev1.Service) error {
	leads := map[string]string{} // service:port to address
	behind := []behindPod{}
	for _, process := range a.inOrder() {
		process.mu.Lock()
		local, pid := process.local, process.pid
		process.mu.Unlock()
		if local == nil {
			continue
		}
		pod := process.pod
		entry := behindPod{
			Namespace: pod.Namespace, Pod: pod.Name, PID: pid,
			Ports: map[string]string{}, Logs: map[string]string{pod.Spec.Containers[0].Name: process.logs},
		}
		for port, here := range local {
			entry.Ports[fmt.Sprint(port)] = fmt.Sprintf("127.0.0.1:%d", here)
		}
		behind = append(behind, entry)
		maps.Copy(leads, serviceAddresses(pod, services, local))
	}
	var lines strings.Builder
	for _, service := range slices.Sorted(maps.Keys(leads)) {
		fmt.Fprintf(&lines, "%s=%s\n", service, leads[service])
	}
	if err := replace(filepath.Join(a.options.Dir, "service-map"), []byte(lines.String())); err != nil {
		return err
	}
	data, err := json.Marshal(behind)
	if err != nil {
		return err
	}
	return replace(filepath.Join(a.options.Dir, "processes.json"), data)
}

// inOrder lists the processes, those that serve last and among them the newest pod: during a rollout a Service leads to the new one as
// soon as that serves. One that does not serve yet is better than nothing, as what asks is refused at once and asks again.
func (a *attendant) inOrder() []*istiod {
	var processes []*istiod
	for _, process := range a.running {
		processes = append(processes, process)
	}
	sort.Slice(processes, func(i, j int) bool {
		if a, b := processes[i].serves(), processes[j].serves(); a != b {
			return b
		}
		one, other := processes[i].pod, processes[j].pod
		if !one.CreationTimestamp.Equal(&other.CreationTimestamp) {
			return one.CreationTimestamp.Before(&other.CreationTimestamp)
		}
		return one.Name < other.Name
	})
	return processes
}

// serviceAddresses says, for every Service that selects the pod, where each of its ports is served: NAMESPACE/NAME:PORT to address.
func serviceAddresses(pod *corev1.Pod, services []*corev1.Service, local map[int32]int) map[string]string {
	found := map[string]string{}
	for _, service := range services {
		if service.Namespace != pod.Namespace || len(service.Spec.Selector) == 0 {
			continue
		}
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			continue
		}
		for _, port := range service.Spec.Ports {
			target := port.Port
			if port.TargetPort.Type == intstr.String {
				target = named(pod, port.TargetPort.StrVal)
			} else if port.TargetPort.IntVal != 0 {
				target = port.TargetPort.IntVal
			}
			if here, ok := local[target]; ok {
				found[fmt.Sprintf("%s/%s:%d", service.Namespace, service.Name, port.Port)] = fmt.Sprintf("127.0.0.1:%d", here)
			}
		}
	}
	return found
}

// named returns the port of the pod's containers that has that name, or 0.
func named(pod *corev1.Pod, name string) int32 {
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name {
				return port.ContainerPort
			}
		}
	}
	return 0
}

// replace writes a file in one step, so that a reader never sees half of it.
func replace(path string, data []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
