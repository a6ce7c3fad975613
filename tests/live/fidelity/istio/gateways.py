"""Gateways: injected ones, and those that istiod makes for the Gateway API. No request is routed."""

from __future__ import annotations

from typing import Any

from tests.live.fidelity.checks import Bench, condition, pod

from .mesh import FROM_EMPTY, PROXY_IMAGE, admitted, dry, names, promise, proxy

API = "tasks/traffic-management/ingress/gateway-api/"
INJECTED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: front}
spec:
  selector: {matchLabels: {istio: front}}
  template:
    metadata:
      annotations: {inject.istio.io/templates: gateway}
      labels: {istio: front, sidecar.istio.io/inject: "true"}
    spec: {containers: [{name: istio-proxy, image: auto}]}
"""


def gateway(name: str, *, metadata: str = "", spec: str = "") -> str:
    return (
        f"{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: {name}{metadata}}},"
        f" spec: {{gatewayClassName: istio, listeners: [{{name: http, port: 80, protocol: HTTP}}]{spec}}}}}"
    )


def http_route(name: str, parent: str, backend: str) -> str:
    return (
        f"{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: {name}}}, spec: {{parentRefs:"
        f" [{{name: {parent}}}], rules: [{{backendRefs: [{{name: {backend}, port: 80}}]}}]}}}}"
    )


def programmed(found: dict[str, Any]) -> bool:
    return bool(condition(found, "Programmed").get("status") == "True") if "status" in found else False


@promise("setup/additional-setup/gateway/#deploying-a-gateway")
def a_gateway_is_an_injected_deployment(t: Bench) -> None:
    t.apply(INJECTED)
    t.out("kubectl rollout status deployment/front --timeout=60s")
    (found,) = t.get("pods")["items"]
    assert names(found["spec"]["containers"]) == ["istio-proxy"]
    assert proxy(found)["image"] == PROXY_IMAGE
    assert proxy(found)["args"][:2] == ["proxy", "router"]
    assert "initContainers" not in found["spec"]
    assert t.out("kubectl get pods --no-headers").split()[1] == "1/1"


@promise("setup/additional-setup/gateway/#deploying-a-gateway")
def a_gateway_in_a_disabled_namespace_keeps_the_image_auto(t: Bench) -> None:
    t.out(f"kubectl label namespace {t.namespace} istio-injection=disabled")
    wanted = (
        "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {sidecar.istio.io/inject: 'true'}, annotations:"
        " {inject.istio.io/templates: gateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}"
    )
    t.until_run(dry(wanted), lambda done: done.returncode == 0 and '"image": "auto"' in done.stdout)


@promise(API)
def the_classes_of_the_gateway_api_are_there(t: Bench) -> None:
    for name, controller in (
        ("istio", "istio.io/gateway-controller"),
        ("istio-remote", "istio.io/unmanaged-gateway"),
    ):
        found = t.until(f"gatewayclass {name}", lambda o: condition(o, "Accepted").get("status") == "True")
        assert found["spec"]["controllerName"] == controller


@promise(f"{API}#automated-deployment")
def istiod_deploys_a_gateway_and_removes_it(t: Bench) -> None:
    t.apply(gateway("front"))
    found = t.until("gateway front", programmed)
    assert found["status"]["addresses"][0]["value"].startswith("203.0.113.")
    t.out("kubectl rollout status deployment/front-istio --timeout=60s")
    (made,) = t.get("pods -l gateway.networking.k8s.io/gateway-name=front")["items"]
    assert proxy(made)["image"] == PROXY_IMAGE
    service = t.get("service front-istio")["spec"]
    assert [service["type"], [p["port"] for p in service["ports"]]] == ["LoadBalancer", [15021, 80]]
    owner = t.get("deployment front-istio")["metadata"]["ownerReferences"][0]
    assert [owner["kind"], owner["name"]] == ["Gateway", "front"]
    t.out("kubectl delete gateway front")
    for what in ("deployment", "service", "serviceaccount"):
        t.gone(f"{what} front-istio")


@promise(f"{API}#resource-attachment-and-scaling")
def a_gateway_s_service_can_be_of_another_type(t: Bench) -> None:
    t.apply(gateway("inner", metadata=", annotations: {networking.istio.io/service-type: ClusterIP}"))
    found = t.until("gateway inner", programmed)
    assert t.get("service inner-istio")["spec"]["type"] == "ClusterIP"
    assert found["status"]["addresses"][0]["value"] == f"inner-istio.{t.namespace}.svc.cluster.local"


@promise(f"{API}#configuring-a-gateway")
def routes_are_told_whether_they_are_accepted(t: Bench) -> None:
    t.out("kubectl create service clusterip web --tcp=80")
    t.apply(gateway("front"))
    t.apply(http_route("good", "front", "web"))
    t.apply(http_route("lost", "front", "nobody"))

    def told(name: str) -> dict[str, list[str]]:
        found = t.until(f"httproute {name}", lambda o: o.get("status", {}).get("parents"))
        (parent,) = found["status"]["parents"]
        assert parent["controllerName"] == "istio.io/gateway-controller"
        return {c["type"]: [c["status"], c["reason"]] for c in parent["conditions"]}

    assert told("good") == {"Accepted": ["True", "Accepted"], "ResolvedRefs": ["True", "ResolvedRefs"]}
    assert told("lost") == {"Accepted": ["True", "Accepted"], "ResolvedRefs": ["False", "BackendNotFound"]}
    t.until("gateway front", lambda o: o["status"]["listeners"][0]["attachedRoutes"] == 2)


@promise("ambient/usage/waypoint/", FROM_EMPTY)
def istioctl_makes_a_waypoint_in_ambient_mode(t: Bench) -> None:
    t.out("istioctl install -y --set profile=ambient")
    t.until("gatewayclass istio-waypoint", lambda o: condition(o, "Accepted").get("status") == "True")
    t.out(f"kubectl label namespace {t.namespace} istio.io/dataplane-mode=ambient")
    assert "gatewayClassName: istio-waypoint" in t.out(f"istioctl waypoint generate -n {t.namespace}")
    t.out(f"istioctl waypoint apply -n {t.namespace} --enroll-namespace --wait --waypoint-timeout 60s")
    assert t.get(f"namespace {t.namespace}")["metadata"]["labels"]["istio.io/use-waypoint"] == "waypoint"
    assert programmed(t.get("gateway waypoint"))
    t.out("kubectl rollout status deployment/waypoint --timeout=60s")
    # Ambient mode needs no proxy in the pods.
    assert not proxy(admitted(t, pod("p")))
    t.out(f"istioctl waypoint delete -n {t.namespace} waypoint")
    t.gone("deployment waypoint")
