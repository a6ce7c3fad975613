"""Random cluster states for the properties of pictures: every kind, references that lead nowhere, circles of owners."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ISTIO = "networking.istio.io/v1"
NAMESPACES = ("blog", "istio-system", "店舗", "staging-with-a-rather-long-name")
NAMES = ("web", "api", "redis", "a-service-with-a-name-that-is-much-too-long-for-one-line", "読者", "x")
LABELS = ({"app": "web"}, {"app": "api"}, {"app": "web", "version": "v2"}, {"istio": "ingressgateway"})


def _meta(draw: Any, namespace: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": draw(st.sampled_from(NAMES)), "namespace": namespace}
    if draw(st.booleans()):
        owner = draw(st.sampled_from([("apps/v1", "Deployment"), ("example.com/v1", "Article"), ("v1", "Service")]))
        meta["ownerReferences"] = [{"apiVersion": owner[0], "kind": owner[1], "name": draw(st.sampled_from(NAMES))}]
    return meta


def _workload(draw: Any, meta: dict[str, Any]) -> dict[str, Any]:
    kind, version = draw(
        st.sampled_from([("Deployment", "apps/v1"), ("StatefulSet", "apps/v1"), ("CronJob", "batch/v1")])
    )
    uses = {
        kind: sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1, max_size=3)))
        for kind in draw(st.sets(st.sampled_from(["ConfigMap", "Secret"])))
    }
    containers = [
        {"name": name, "image": f"{name}:1"} for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
    ]
    pods = draw(st.integers(0, 4))
    status = {"desired": draw(st.integers(0, 4)), "ready": pods, "pods": pods}
    if draw(st.booleans()):
        status["injected"] = {"istio-proxy": draw(st.integers(0, pods))}
    spec = {"labels": draw(st.sampled_from(LABELS)), "containers": containers, "uses": uses}
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec, "status": status}


def _spec(draw: Any, kind: str) -> dict[str, Any]:
    name = st.sampled_from(NAMES)
    match kind:
        case "Service":
            kinds = draw(st.sampled_from(["ClusterIP", "LoadBalancer"]))
            return {"type": kinds, "selector": draw(st.sampled_from(LABELS)), "ports": [{"port": 80}]}
        case "Ingress":
            paths = [{"path": f"/{draw(name)}", "service": draw(name)} for _ in range(draw(st.integers(0, 4)))]
            return {"rules": [{"host": "blog.example.com", "paths": paths}], "tls": [draw(name)]}
        case "Gateway":
            return {"selector": draw(st.sampled_from(LABELS)), "servers": [{"port": 80, "protocol": "HTTP"}]}
        case "VirtualService":
            hosts = draw(st.lists(st.sampled_from([*NAMES, "web.blog.svc.cluster.local", "example.org"]), max_size=4))
            backends = [{"host": host, "subset": "v2", "weight": 25} for host in hosts]
            gateways = [f"{draw(st.sampled_from(NAMESPACES))}/{draw(name)}", "mesh"]
            return {"hosts": ["*"], "gateways": gateways, "rules": [{"backends": backends}]}
        case "DestinationRule":
            return {"host": draw(name), "subsets": [{"name": "v2", "labels": {"version": "v2"}}]}
        case "HorizontalPodAutoscaler":
            return {"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": draw(name)}, "min": 1, "max": 9}
        case _:
            return {}


VERSIONS = {
    "Service": "v1", "ConfigMap": "v1", "Secret": "v1", "Ingress": "networking.k8s.io/v1", "Gateway": ISTIO,
    "VirtualService": ISTIO, "DestinationRule": ISTIO, "HorizontalPodAutoscaler": "autoscaling/v2",
    "Article": "example.com/v1",
}  # fmt: skip


@st.composite
def states(draw: Any, most: int = 20) -> tuple[dict[str, Any], ...]:
    """Objects of a snapshot, sorted as `prune` sorts them."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    places = draw(st.lists(st.sampled_from(NAMESPACES), min_size=1, max_size=4, unique=True))
    for name in places:
        labels = draw(st.sampled_from([{}, {"istio-injection": "enabled"}, {"team": "a", "tier": "b", "zone": "c"}]))
        meta = {"name": name, **({"labels": labels} if labels else {})}
        found["v1", "Namespace", "", name] = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    for _ in range(draw(st.integers(0, most))):
        meta = _meta(draw, draw(st.sampled_from(places)))
        kind = draw(st.sampled_from(["Workload", *VERSIONS]))
        if kind == "Workload":
            item = _workload(draw, meta)
        else:
            item = {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": meta, "spec": _spec(draw, kind)}
        found[item["apiVersion"], item["kind"], meta["namespace"], meta["name"]] = item
    return tuple(found[key] for key in sorted(found))
