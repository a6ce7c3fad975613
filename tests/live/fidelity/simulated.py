"""What the sandbox does not have, and says so: containers, metrics, machines."""

from __future__ import annotations

import platform
import time

from .checks import Bench, check, pod, ready

SENTENCE = "this pod is simulated: no container runs in it, so there is nothing to "
# A refusal answers in under two seconds. A busy machine gets three tries: a hang fails all of them.
LIMIT, TRIES = 2.0, 3
# What Go calls the machines that Python calls so.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def refused_at_once(t: Bench, command: str, *texts: str) -> None:
    times = []
    for _ in range(TRIES):
        begun = time.monotonic()
        t.refused(command, *texts)
        times.append(time.monotonic() - begun)
        if times[-1] < LIMIT:
            return
    raise AssertionError(f"takes {', '.join(f'{seconds:.1f} s' for seconds in times)}")


def running(t: Bench) -> None:
    t.apply(pod("p"))
    t.until("pod p", ready)


@check("concepts/cluster-administration/logging/", alone=True)
def logs_are_refused(t: Bench) -> None:
    running(t)
    for command in ("logs p", "logs -f p", "logs --previous p", "logs p -c app --tail=1", "logs pod/p --timestamps"):
        refused_at_once(t, f"kubectl {command}", SENTENCE + "read logs from")


@check("tasks/debug/debug-application/get-shell-running-container/", alone=True)
def exec_is_refused(t: Bench) -> None:
    running(t)
    for command in ("exec p -- ls", "exec -i p -- sh", "exec -it p -- sh"):
        refused_at_once(t, f"kubectl {command}", "error: " + SENTENCE + "exec into\n")


@check("reference/kubectl/generated/kubectl_attach/", alone=True)
def attach_is_refused(t: Bench) -> None:
    running(t)
    refused_at_once(t, "kubectl attach p", "error: " + SENTENCE + "attach to\n")


@check("tasks/access-application-cluster/port-forward-access-application-cluster/", alone=True)
def port_forward_is_refused(t: Bench) -> None:
    running(t)
    t.out("kubectl label pod p app=web && kubectl create service clusterip web --tcp=80")
    refused_at_once(t, "kubectl port-forward pod/p :80", SENTENCE + "forward a port to")
    refused_at_once(t, "kubectl port-forward service/web :80", SENTENCE + "forward a port to")


@check("reference/kubectl/generated/kubectl_cp/", alone=True)
def cp_is_refused(t: Bench) -> None:
    running(t)
    t.file("here", "text")
    for command in ("cp p:/etc/hosts there", "cp here p:/tmp/here"):
        refused_at_once(t, f"kubectl {command}", "error: " + SENTENCE + "copy from or to\n")


@check("reference/kubectl/generated/kubectl_run/", alone=True)
def run_with_a_terminal_is_refused(t: Bench) -> None:
    for flags in ("-it", "-i --rm", "--attach"):
        refused_at_once(t, f"kubectl run p {flags} --image=busybox -- sh", SENTENCE + "attach to")
    assert t.names("pods") == []


@check("tasks/debug/debug-application/debug-running-pod/", alone=True)
def debug_is_refused(t: Bench) -> None:
    running(t)
    refused_at_once(t, "kubectl debug p -it --image=busybox", SENTENCE + "debug")
    refused_at_once(t, "kubectl debug node/sandbox-worker -it --image=busybox", SENTENCE + "debug")


@check("tasks/debug/debug-cluster/resource-metrics-pipeline/", alone=True)
def top_has_no_metrics(t: Bench) -> None:
    refused_at_once(t, "kubectl top nodes", "error: Metrics API not available")
    refused_at_once(t, "kubectl top pods", "error: Metrics API not available")


@check("concepts/architecture/nodes/#info")
def nodes_claim_no_machine(t: Bench) -> None:
    architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
    for found in (o for o in t.get("nodes")["items"] if o["metadata"]["name"].startswith("sandbox-")):
        told = found["status"]["nodeInfo"]
        assert told["containerRuntimeVersion"].startswith("kwok://")
        for fact in ("osImage", "kernelVersion", "machineID", "bootID", "systemUUID", "kubeProxyVersion"):
            assert told[fact] == "", fact
        # What a kubelet of this version would say on this machine.
        labels = found["metadata"]["labels"]
        assert told["operatingSystem"] == labels["kubernetes.io/os"] == labels["beta.kubernetes.io/os"] == "linux"
        assert told["architecture"] == labels["kubernetes.io/arch"] == labels["beta.kubernetes.io/arch"] == architecture
        assert not found["status"].get("images")
    line = t.out("kubectl get node sandbox-worker -o wide --no-headers")
    assert line.count("<unknown>") == 2
    t.refused("kubectl get --raw /api/v1/nodes/sandbox-worker/proxy/stats/summary")


@check("reference/kubernetes-api/workload-resources/pod-v1/#PodStatus")
def containers_say_that_they_are_simulated(t: Bench) -> None:
    running(t)
    (status,) = t.get("pod p")["status"]["containerStatuses"]
    assert status["containerID"].startswith("kwok://")
    assert status["imageID"] == ""
    events = t.get("events --field-selector involvedObject.name=p")["items"]
    assert {e["source"]["component"] for e in events if e["reason"] != "Scheduled"} == {"kwok"}
    assert not [e for e in events if "Successfully pulled" in e["message"]]


@check("concepts/overview/working-with-objects/annotations/")
def an_unknown_trouble_is_reported(t: Bench) -> None:
    t.apply(pod("p", simulate="explode"))
    t.event("p", "InvalidSimulation", 'unknown value "explode", use one of complete, crash-loop')
    assert t.get("pod p")["status"]["phase"] == "Pending"
