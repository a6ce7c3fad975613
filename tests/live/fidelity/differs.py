"""Where the sandbox is known to differ from a cluster with machines: what our own page says of it, and no more."""

from __future__ import annotations

import json
from typing import Any

from .checks import OWN, Bench, check, heredoc, mine, pod, ready, state
from .storage import bound, claim, storage_class

DIFFERS = f"{OWN}#differs"


@check(DIFFERS)
def probes_hooks_commands_and_limits_do_not_act(t: Bench) -> None:
    fails = "exec: {command: ['false']}"
    limit = "resources: {limits: {memory: 1Mi}}"
    t.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: app, image: nginx,"
        f" command: ['false'], livenessProbe: {{{fails}, periodSeconds: 1, failureThreshold: 1}},"
        f" readinessProbe: {{{fails}}}, lifecycle: {{postStart: {{{fails}}}}}, {limit}}}]}}}}"
    )
    found = t.until("pod p", ready)
    assert found["status"]["containerStatuses"][0]["restartCount"] == 0
    assert "running" in state(found)
    assert [e for e in t.get("events")["items"] if e["type"] == "Warning"] == []


@check(DIFFERS)
def a_stopped_container_ends_with_143_whatever_its_grace(t: Bench) -> None:
    t.apply(pod("p", spec="terminationGracePeriodSeconds: 3600"))
    t.until("pod p", ready)
    # Somebody else's finalizer keeps the object, so that its last state can be read.
    t.out("""kubectl patch pod p -p '{"metadata": {"finalizers": ["example.com/keep"]}}'""")
    t.out("kubectl delete pod p --wait=false")
    found = t.until("pod p", lambda o: "terminated" in state(o))
    assert state(found)["terminated"]["exitCode"] == 143
    t.out("""kubectl patch pod p -p '{"metadata": {"finalizers": null}}'""")
    t.gone("pod p")


@check(DIFFERS)
def a_resize_does_not_ask_what_is_left_of_the_node(t: Bench) -> None:
    t.node("resized-a", cpu="4")
    for name, cpu in (("large", "3"), ("growing", "100m")):
        container = f"{{name: app, image: nginx, resources: {{requests: {{cpu: {cpu}}}}}}}"
        t.apply(
            f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}},"
            f" spec: {{{mine(t.namespace)}, containers: [{container}]}}}}"
        )
        t.until(f"pod {name}", ready)
    resize = "kubectl patch pod growing --subresource resize -p"
    patch = '\'{"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "%s"}}}]}}\''
    t.refused(f"{resize} {patch % '5'}", "node didn't have enough allocatable resources")
    t.out(f"{resize} {patch % '3'}")
    t.until("pod growing", lambda o: o["status"]["containerStatuses"][0]["allocatedResources"]["cpu"] == "3")


@check(DIFFERS)
def a_growing_volume_sends_the_controller_s_event_only(t: Bench) -> None:
    t.apply(storage_class("fidelity-quiet", "allowVolumeExpansion: true"))
    t.apply(claim("data", spec="storageClassName: fidelity-quiet"))
    t.until("pvc data", bound)
    t.out("""kubectl patch pvc data -p '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}'""")
    t.until("pvc data", lambda o: o["status"]["capacity"]["storage"] == "2Gi")
    reasons = {e["reason"] for e in t.get("events --field-selector involvedObject.name=data")["items"]}
    assert reasons & {"ExternalExpanding", "Resizing", "VolumeResizeSuccessful"} == {"ExternalExpanding"}


@check(DIFFERS)
def kube_system_is_empty_and_the_api_lists_no_endpoints(t: Bench) -> None:
    elsewhere = "--namespace=kube-system"
    assert t.names(f"pods,deployments,daemonsets,services {elsewhere}") == []
    assert t.names(f"serviceaccounts {elsewhere}") == ["default"]
    slices = t.get("endpointslices --namespace=default -l kubernetes.io/service-name=kubernetes")["items"]
    assert [e for item in slices for e in item["endpoints"] or []] == []


@check(DIFFERS)
def a_definition_is_established_with_its_names(t: Bench) -> None:
    kind = "apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition"
    names = "scope: Namespaced, names: {plural: boats, singular: boat, kind: Boat}"
    version = "{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}"
    spec = f"{{group: differs.example.com, {names}, versions: [{version}]}}"
    text = f"{{{kind}, metadata: {{name: boats.differs.example.com}}, spec: {spec}}}"
    made = json.loads(t.out(heredoc(text, "create -o json")))["metadata"]
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    since = f"timeoutSeconds=1&fieldSelector=metadata.name={made['name']}&resourceVersion={made['resourceVersion']}"
    events = [json.loads(line) for line in t.out(f"kubectl get --raw '{path}?watch=true&{since}'").splitlines()]
    assert [event["type"] for event in events] == ["MODIFIED"]
    told = {condition["type"]: condition["status"] for condition in events[0]["object"]["status"]["conditions"]}
    assert told == {"NamesAccepted": "True", "Established": "True"}
    t.out(f"kubectl delete crd {made['name']}")


@check(DIFFERS)
def a_proxy_to_a_pod_or_service_finds_nobody(t: Bench) -> None:
    t.apply(pod("p", labels="app: web"))
    address = t.until("pod p", ready)["status"]["podIP"]
    t.out("kubectl expose pod p --port=80")
    path = f"/api/v1/namespaces/{t.namespace}"
    # A connection that is tried would end with the request's time, and with other words.
    for what, at in (("pods/p", address), ("pods/p:81", f"{address}:81"), ("services/p", f"{address}:80")):
        sentence = f"error: nothing in the sandbox listens on {at}"
        proxy = f"kubectl get --request-timeout=5s --raw {path}/{what}/proxy/"
        # The endpoints of a Service are there a moment after it.
        t.until_run(proxy, lambda done: done.stderr.startswith(sentence))  # noqa: B023  called before the next round


@check(DIFFERS)
def anonymous_requests_are_refused(t: Bench) -> None:
    server = t.out("kubectl config view --minify -o jsonpath={..server}")
    for path in ("/healthz", "/version", "/api/v1/namespaces"):
        assert t.out(f"curl -sk -o /dev/null -w '%{{http_code}}' {server}{path}") == "401", path


@check(DIFFERS)
def an_ordinary_pod_runs_until_something_stops_it(t: Bench) -> None:
    t.apply(pod("p", spec="restartPolicy: Never"))
    t.out("kubectl create job j --image=busybox -- sleep 3600")

    def over(found: dict[str, Any]) -> bool:
        return bool(found["status"].get("succeeded") == 1)

    t.until("job j", over)
    assert t.get("pod p")["status"]["phase"] == "Running"
