"""Pods: how containers begin, end, begin again, and what is written about it."""

from __future__ import annotations

from typing import Any

from .checks import Bench, check, condition, pod, ready, state, waiting

INIT = "[{name: one, image: busybox}, {name: two, image: busybox}]"
SIDECAR = "[{name: setup, image: busybox}, {name: proxy, image: envoy, restartPolicy: Always}]"


@check("concepts/workloads/pods/init-containers/")
def init_containers_run_one_after_another(t: Bench) -> None:
    t.apply(pod("p", spec=f"initContainers: {INIT}"))
    status = t.until("pod p", ready)["status"]
    one, two = (s["state"]["terminated"] for s in status["initContainerStatuses"])
    assert [one["reason"], two["reason"], one["exitCode"], two["exitCode"]] == ["Completed", "Completed", 0, 0]
    app = status["containerStatuses"][0]["state"]["running"]["startedAt"]
    assert one["startedAt"] <= one["finishedAt"] <= two["startedAt"] <= two["finishedAt"] <= app
    started = [e["involvedObject"]["fieldPath"] for e in t.get("events")["items"] if e["reason"] == "Started"]
    assert started == ["spec.initContainers{one}", "spec.initContainers{two}", "spec.containers{app}"]


@check("tasks/debug/debug-application/debug-init-containers/")
def a_failing_init_container_keeps_the_others_waiting(t: Bench) -> None:
    broken = "kubetalk.dev/simulate-container: two"
    t.apply(pod("p", simulate="crash-loop", annotations=broken, spec=f"initContainers: {INIT}"))
    t.until_run("kubectl get pod p --no-headers", lambda done: "Init:CrashLoopBackOff" in done.stdout)
    found = t.get("pod p")
    assert waiting(found, "PodInitializing")
    assert condition(found, "Initialized")["status"] == "False"
    assert found["status"]["phase"] == "Pending"
    slow = "kubetalk.dev/simulate-container: two"
    t.apply(pod("q", simulate="complete=20s", annotations=slow, spec=f"initContainers: {INIT}"))
    t.until_run("kubectl get pod q --no-headers", lambda done: "Init:1/2" in done.stdout)


@check("concepts/workloads/pods/init-containers/#detailed-behavior")
def a_failed_init_container_fails_a_pod_that_never_restarts(t: Bench) -> None:
    broken = "kubetalk.dev/simulate-container: one"
    t.apply(pod("p", simulate="fail", annotations=broken, spec=f"restartPolicy: Never, initContainers: {INIT}"))
    t.until("pod p", lambda o: o["status"]["phase"] == "Failed")
    assert "Init:Error" in t.out("kubectl get pod p --no-headers")


@check("concepts/workloads/pods/sidecar-containers/", simulated=True)
def a_sidecar_starts_before_the_app_and_counts_as_ready(t: Bench) -> None:
    t.apply(pod("p", spec=f"initContainers: {SIDECAR}"))
    found = t.until("pod p", ready)
    assert "2/2" in t.out("kubectl get pod p --no-headers")
    proxy = found["status"]["initContainerStatuses"][1]
    assert proxy["started"] is True
    assert proxy["ready"] is True
    assert proxy["state"]["running"]["startedAt"] <= state(found)["running"]["startedAt"]
    started = [e["involvedObject"]["fieldPath"] for e in t.get("events")["items"] if e["reason"] == "Started"]
    assert started == ["spec.initContainers{setup}", "spec.initContainers{proxy}", "spec.containers{app}"]


@check("concepts/workloads/pods/sidecar-containers/#jobs-with-sidecar-containers", simulated=True)
def a_sidecar_does_not_keep_a_job_from_completing(t: Bench) -> None:
    t.apply(
        "{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never,"
        f" initContainers: {SIDECAR}, containers: [{{name: app, image: busybox}}]}}}}}}}}"
    )
    t.out("kubectl wait --for=condition=Complete job/j --timeout=60s")
    (found,) = t.get("pods")["items"]
    assert found["status"]["phase"] == "Succeeded"


@check("concepts/workloads/pods/pod-lifecycle/#container-probes")
def one_of_two_containers_ready_reads_one_of_two(t: Bench) -> None:
    two = "{apiVersion: v1, kind: Pod, metadata: {name: %s, annotations: {%s}}, spec: {containers: [%s]}}"
    containers = "{name: a, image: nginx}, {name: b, image: redis}"
    t.apply(two % ("good", "", containers))
    t.apply(two % ("half", "kubetalk.dev/simulate: not-ready", containers))
    t.until("pod good", ready)
    half = t.until("pod half", lambda o: o["status"]["phase"] == "Running")
    lines = t.out("kubectl get pods --no-headers").splitlines()
    assert [line.split()[:3] for line in lines] == [["good", "2/2", "Running"], ["half", "1/2", "Running"]]
    assert condition(half, "Ready")["reason"] == "ContainersNotReady"
    t.event("half", "Unhealthy", "Readiness probe failed")


@check("concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate")
def a_readiness_gate_waits_for_its_condition(t: Bench) -> None:
    t.apply(pod("p", spec="readinessGates: [{conditionType: example.com/gate}]"))
    found = t.until("pod p", lambda o: condition(o, "ContainersReady").get("status") == "True")
    assert condition(found, "Ready")["reason"] == "ReadinessGatesNotReady"
    assert "1" in t.out("kubectl get pod p -o wide | awk 'NR == 2 {print $NF}'")
    patch = '{"status": {"conditions": [{"type": "example.com/gate", "status": "True"}]}}'
    t.out(f"kubectl patch pod p --subresource=status -p '{patch}'")
    t.until("pod p", ready)


@check("concepts/workloads/pods/pod-lifecycle/#pod-termination")
def a_deleted_pod_is_terminating_for_a_while(t: Bench) -> None:
    t.apply(pod("p"))
    t.until("pod p", ready)
    assert any(t.watched("pod p", "{.metadata.deletionGracePeriodSeconds}", "kubectl delete pod p --wait=false"))
    t.event("p", "Killing", "Stopping container app")
    t.gone("pod p")


@check("concepts/workloads/pods/pod-lifecycle/#pod-termination-forced")
def a_forced_deletion_does_not_wait(t: Bench) -> None:
    t.apply(pod("p"))
    t.until("pod p", ready)
    said = t.run("kubectl delete pod p --grace-period=0 --force")
    assert "Immediate deletion does not wait for confirmation" in said.stderr
    t.gone("pod p")


@check("reference/kubectl/generated/kubectl_events/", simulated=True)
def the_events_of_a_start_are_in_order(t: Bench) -> None:
    t.apply(pod("p"))
    t.until("pod p", ready)
    found = t.get("events --field-selector involvedObject.name=p")["items"]
    assert [e["reason"] for e in found] == ["Scheduled", "Pulled", "Created", "Started"]
    # kubectl events sorts the scheduler's microseconds among the others' whole seconds.
    lines = t.out("kubectl events --for pod/p --no-headers").splitlines()
    assert [line.split()[2] for line in lines if "Scheduled" not in line] == ["Pulled", "Created", "Started"]
    described = t.out("kubectl describe pod p")
    places = [described.rindex(f"  {reason}  ") for reason in ("Scheduled", "Pulled", "Created", "Started")]
    assert places == sorted(places)


@check("tasks/configure-pod-container/configure-pod-configmap/")
def a_missing_configmap_is_waited_for(t: Bench) -> None:
    env = "{name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}"
    t.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec:"
        f" {{containers: [{{name: app, image: nginx, env: [{env}]}}]}}}}"
    )
    found = t.until("pod p", lambda o: waiting(o, "CreateContainerConfigError"))
    assert state(found)["waiting"]["message"] == 'configmap "settings" not found'
    t.event("p", "Failed", 'Error: configmap "settings" not found')
    t.out("kubectl create configmap settings --from-literal=b=1")
    t.until("pod p", lambda o: "couldn't find key a" in state(o).get("waiting", {}).get("message", ""))
    t.out("kubectl create configmap settings --from-literal=a=1 --dry-run=client -o yaml | kubectl apply -f -")
    t.until("pod p", ready)


@check("concepts/configuration/secret/#using-secrets-as-files-from-a-pod")
def a_missing_secret_volume_is_waited_for(t: Bench) -> None:
    volume = "volumes: [{name: keys, secret: {secretName: keys}}]"
    optional = "volumes: [{name: keys, secret: {secretName: keys, optional: true}}]"
    t.apply(pod("p", spec=volume))
    t.apply(pod("q", spec=optional))
    t.event("p", "FailedMount", 'MountVolume.SetUp failed for volume "keys" : secret "keys" not found')
    t.until("pod q", ready)
    assert waiting(t.get("pod p"), "ContainerCreating")
    t.out("kubectl create secret generic keys --from-literal=a=1")
    t.until("pod p", ready)


@check("concepts/workloads/pods/pod-lifecycle/#container-restarts", first=True)
def a_crashing_container_is_restarted_with_back_off(t: Bench) -> None:
    t.apply(pod("p", simulate="crash-loop"))

    def in_back_off(restarts: int) -> Any:
        return lambda o: (
            waiting(o, "CrashLoopBackOff") and o["status"]["containerStatuses"][0]["restartCount"] >= restarts
        )

    for restarts in (1, 2):
        found = t.until("pod p", in_back_off(restarts))
        status = found["status"]["containerStatuses"][0]
        seconds = 10 * 2 ** (status["restartCount"] - 1)
        assert f"back-off {seconds}s restarting failed container=app pod=p_" in status["state"]["waiting"]["message"]
        assert status["lastState"]["terminated"]["exitCode"] == 1
        assert status["lastState"]["terminated"]["reason"] == "Error"
        assert found["status"]["phase"] == "Running"
    t.until_run("kubectl get pod p --no-headers", lambda done: done.stdout.split()[1:3] == ["0/1", "CrashLoopBackOff"])
    t.event("p", "BackOff", "Back-off restarting failed container app in pod p_")


@check("tasks/configure-pod-container/assign-memory-resource/#exceed-a-container-s-memory-limit")
def a_container_out_of_memory_says_so(t: Bench) -> None:
    t.apply(pod("p", simulate="oom-killed"))

    def killed(found: dict[str, Any]) -> bool:
        status = found["status"].get("containerStatuses", [{}])[0]
        last = status.get("lastState", {}).get("terminated") or status.get("state", {}).get("terminated") or {}
        return last.get("reason") == "OOMKilled" and last.get("exitCode") == 137

    t.until("pod p", killed)
    t.until("pod p", lambda o: o["status"]["containerStatuses"][0]["restartCount"] >= 1)


@check("concepts/containers/images/#imagepullbackoff")
def an_image_that_cannot_be_pulled_is_tried_again(t: Bench) -> None:
    t.apply(pod("p", simulate="image-pull-backoff"))
    found = t.until("pod p", lambda o: waiting(o, "ImagePullBackOff"))
    assert found["status"]["phase"] == "Pending"
    reasons = [e["reason"] for e in t.get("events --field-selector involvedObject.name=p")["items"]]
    assert reasons[:5] == ["Scheduled", "Pulling", "Failed", "Failed", "BackOff"]
    t.event("p", "Failed", "Error: ErrImagePull")
    assert "ImagePullBackOff" in t.out("kubectl get pod p --no-headers")


@check("concepts/workloads/pods/pod-lifecycle/#container-state-waiting")
def a_slow_start_is_container_creating(t: Bench) -> None:
    t.apply(pod("p", simulate="slow-start=15s"))
    found = t.until("pod p", lambda o: waiting(o, "ContainerCreating"))
    assert found["status"]["phase"] == "Pending"
    assert "ContainerCreating" in t.out("kubectl get pod p --no-headers")
    t.until("pod p", ready)


@check("concepts/workloads/pods/pod-lifecycle/#restart-policy")
def the_restart_policy_decides_about_the_phase(t: Bench) -> None:
    t.apply(pod("never", simulate="fail", spec="restartPolicy: Never"))
    t.apply(pod("done", simulate="complete", spec="restartPolicy: OnFailure"))
    t.apply(pod("again", simulate="complete"))
    t.until("pod never", lambda o: o["status"]["phase"] == "Failed" and state(o)["terminated"]["exitCode"] == 1)
    t.until("pod done", lambda o: o["status"]["phase"] == "Succeeded")
    assert "Error" in t.out("kubectl get pod never --no-headers")
    assert "Completed" in t.out("kubectl get pod done --no-headers")
    t.until("pod again", lambda o: o["status"]["containerStatuses"][0]["restartCount"] >= 1)
    assert t.get("pod again")["status"]["phase"] == "Running"


@check("concepts/workloads/pods/init-containers/")
def a_pod_past_its_deadline_fails(t: Bench) -> None:
    t.apply(pod("p", spec="activeDeadlineSeconds: 2"))
    found = t.until("pod p", lambda o: o["status"]["phase"] == "Failed")
    assert found["status"]["reason"] == "DeadlineExceeded"
    assert "Pod was active on the node longer than the specified deadline" in found["status"]["message"]


@check("concepts/workloads/pods/pod-qos/")
def quality_of_service_follows_from_resources(t: Bench) -> None:
    pods = {
        "guaranteed": "{requests: {cpu: 10m, memory: 10Mi}, limits: {cpu: 10m, memory: 10Mi}}",
        "burstable": "{requests: {cpu: 10m}}",
        "besteffort": "{}",
    }
    for name, resources in pods.items():
        t.apply(
            f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}},"
            f" spec: {{containers: [{{name: app, image: nginx, resources: {resources}}}]}}}}"
        )
    found = {o["metadata"]["name"]: o["status"]["qosClass"] for o in t.get("pods")["items"]}
    assert found == {"guaranteed": "Guaranteed", "burstable": "Burstable", "besteffort": "BestEffort"}


@check("concepts/workloads/pods/#pod-update-and-replacement")
def most_of_a_pod_cannot_be_changed(t: Bench) -> None:
    t.apply(pod("p"))
    patch = """'{"spec": {"hostNetwork": true}}'"""
    t.refused(f"kubectl patch pod p -p {patch}", "pod updates may not change fields other than")
    t.out("kubectl label pod p tier=front && kubectl set image pod/p app=nginx:1.29")
    assert t.get("pod p")["spec"]["containers"][0]["image"] == "nginx:1.29"


@check("concepts/workloads/pods/#pod-update-and-replacement", simulated=True)
def a_new_image_restarts_the_container(t: Bench) -> None:
    t.apply(pod("p"))
    t.until("pod p", ready)
    t.out("kubectl set image pod/p app=nginx:1.29")
    found = t.until("pod p", lambda o: o["status"]["containerStatuses"][0]["image"] == "nginx:1.29")
    assert found["status"]["containerStatuses"][0]["restartCount"] == 1
    t.event("p", "Killing", "Container app definition changed, will be restarted")


@check("tasks/configure-pod-container/resize-container-resources/")
def resources_are_resized_in_place(t: Bench) -> None:
    t.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: app, image: nginx,"
        " resources: {requests: {cpu: 100m}, limits: {cpu: 200m}}}]}}"
    )
    t.until("pod p", ready)
    patch = '{"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "150m"}}}]}}'
    t.out(f"kubectl patch pod p --subresource resize -p '{patch}'")

    def resized(found: dict[str, Any]) -> bool:
        status = found["status"]["containerStatuses"][0]
        return status["resources"]["requests"]["cpu"] == "150m" and status["allocatedResources"]["cpu"] == "150m"

    found = t.until("pod p", resized)
    assert found["status"]["containerStatuses"][0]["restartCount"] == 0


@check("concepts/scheduling-eviction/pod-scheduling-readiness/")
def a_scheduling_gate_holds_a_pod_back(t: Bench) -> None:
    t.apply(pod("p", spec="schedulingGates: [{name: example.com/hold}]"))
    found = t.until("pod p", lambda o: condition(o, "PodScheduled").get("reason") == "SchedulingGated")
    assert "nodeName" not in found["spec"]
    assert "SchedulingGated" in t.out("kubectl get pod p --no-headers")
    t.out("""kubectl patch pod p --type=json -p '[{"op": "remove", "path": "/spec/schedulingGates"}]'""")
    t.until("pod p", ready)


@check("concepts/workloads/pods/#pod-networking")
def pods_have_addresses_of_their_node_s_range(t: Bench) -> None:
    t.apply(pod("own"))
    t.apply(pod("hosts", spec="hostNetwork: true"))
    own, hosts = t.until("pod own", ready), t.until("pod hosts", ready)
    node = t.get(f"node {own['spec']['nodeName']}")
    assert own["status"]["podIP"].rsplit(".", 1)[0] == node["spec"]["podCIDR"].rsplit(".", 1)[0]
    assert hosts["status"]["podIP"] == hosts["status"]["hostIP"]


@check("reference/kubectl/generated/kubectl_wait/")
def wait_tells_by_its_exit_status(t: Bench) -> None:
    t.apply(pod("p", simulate="slow-start=15s"))
    t.refused("kubectl wait --for=condition=Ready pod/p --timeout=1s", "timed out waiting for the condition")
    assert "condition met" in t.out("kubectl wait --for=condition=Ready pod/p --timeout=60s")
    assert "condition met" in t.out("kubectl wait --for=jsonpath='{.status.phase}'=Running pod/p --timeout=60s")
    t.out("kubectl delete pod p --wait=false && kubectl wait --for=delete pod/p --timeout=60s")
    t.refused("kubectl wait --for=condition=Ready pod/p --timeout=1s", "NotFound")
