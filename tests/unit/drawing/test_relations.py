"""The rules by which objects belong together."""

from __future__ import annotations

from typing import Any

import pytest

from kubetalk.drawing.graph import EdgeKind
from kubetalk.drawing.relations import Cluster, relations

ISTIO = "networking.istio.io/v1"
GATEWAYS = "gateway.networking.k8s.io/v1"


def thing(kind: str, name: str, namespace: str = "blog", api: str = "v1", **parts: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **parts}


def deployment(name: str, namespace: str = "blog", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": name}]
    return thing(
        "Deployment",
        name,
        namespace,
        "apps/v1",
        spec={"labels": labels or {"app": name}, "containers": containers, **spec},
    )


def service(name: str, namespace: str = "blog", **spec: Any) -> dict[str, Any]:
    return thing("Service", name, namespace, spec={"selector": {"app": name}, **spec})


def edges(*objects: dict[str, Any]) -> dict[tuple[str, str, EdgeKind], tuple[str, ...]]:
    return {(edge.source, edge.target, edge.kind): edge.labels for edge in relations(Cluster(objects))}


def test_a_selector_stays_in_its_namespace() -> None:
    found = edges(service("web"), deployment("web"), deployment("web", "staging"), service("web", "staging"))
    assert set(found) == {
        ("Service/blog/web", "Deployment.apps/blog/web", EdgeKind.SELECTS),
        ("Service/staging/web", "Deployment.apps/staging/web", EdgeKind.SELECTS),
    }


def test_a_selector_needs_all_its_labels_and_an_empty_one_selects_nothing() -> None:
    objects = (service("web", selector={"app": "web", "tier": "front"}), service("all", selector={}), deployment("web"))
    cluster = Cluster(objects)
    assert relations(cluster) == ()
    assert cluster.idle == {"Service/blog/web"}


def test_a_service_of_a_workload_scaled_to_nothing_still_selects_it() -> None:
    idle = deployment("web") | {"status": {"desired": 0, "ready": 0, "pods": 0}}
    assert ("Service/blog/web", "Deployment.apps/blog/web", EdgeKind.SELECTS) in edges(service("web"), idle)


def test_references_to_what_is_not_there_are_noted() -> None:
    cluster = Cluster(
        (deployment("web", uses={"ConfigMap": ["absent"], "Secret": ["there"]}), thing("Secret", "there"))
    )
    relations(cluster)
    assert set(cluster.missing) == {"ConfigMap/blog/absent"}


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("reviews", "Service/blog/reviews"),
        ("reviews.shop", "Service/shop/reviews"),
        ("reviews.shop.svc", "Service/shop/reviews"),
        ("reviews.shop.svc.cluster.local", "Service/shop/reviews"),
        ("absent", "Service/blog/absent"),
        ("absent.shop.svc.cluster.local", "Service/shop/absent"),
        ("example.com", None),
        ("www.example.com", None),
        ("*.example.com", None),
        ("api.example.com", f"ServiceEntry.{ISTIO.split('/', maxsplit=1)[0]}/blog/out"),
    ],
)
def test_hosts_of_istio(host: str, target: str | None) -> None:
    entry = thing("ServiceEntry", "out", api=ISTIO, spec={"hosts": ["api.example.com"]})
    assert Cluster((service("reviews"), service("reviews", "shop"), entry)).host(host, "blog") == target


def test_weights_subsets_and_matches_of_a_virtual_service() -> None:
    backends = [{"host": "web", "subset": "v1", "weight": 90}, {"host": "web", "subset": "v2", "weight": 10}]
    rules = [
        {"matches": [{"path": "/beta", "pathType": "prefix"}], "backends": [{"host": "web"}]},
        {"backends": backends},
    ]
    route = thing("VirtualService", "web", api=ISTIO, spec={"rules": rules, "gateways": ["mesh"]})
    labels = [edge.labels for edge in relations(Cluster((route, service("web"), deployment("web"))))]
    assert labels == [("/beta",), ("v1 · 90%",), ("v2 · 10%",), ()]


def test_weights_of_the_gateway_api_count_one_by_default() -> None:
    backends = [{"name": "a", "weight": 3}, {"name": "b"}]
    route = thing(
        "HTTPRoute",
        "r",
        api=GATEWAYS,
        spec={"rules": [{"backends": backends}], "parents": [{"name": "g", "namespace": "infra"}]},
    )
    gateway = thing("Gateway", "g", "infra", GATEWAYS, spec={"listeners": []})
    found = edges(route, gateway, service("a"), service("b"))
    assert [labels for key, labels in found.items() if key[2] is EdgeKind.ROUTE and key[0].startswith("HTTP")] == [
        ("75%",),
        ("25%",),
    ]
    assert (
        "Gateway.gateway.networking.k8s.io/infra/g",
        "HTTPRoute.gateway.networking.k8s.io/blog/r",
        EdgeKind.ROUTE,
    ) in found


def test_an_istio_gateway_is_served_by_pods_of_any_namespace() -> None:
    gateway = thing("Gateway", "public", api=ISTIO, spec={"selector": {"istio": "ingressgateway"}})
    pods = deployment("istio-ingressgateway", "istio-system", {"istio": "ingressgateway"})
    source, target = "Deployment.apps/istio-system/istio-ingressgateway", "Gateway.networking.istio.io/blog/public"
    assert (source, target, EdgeKind.SERVES) in edges(gateway, pods)
    cluster = Cluster((gateway,))
    assert relations(cluster) == ()
    assert cluster.idle == {target}


def test_subsets_name_the_workloads_they_mean() -> None:
    rule = thing(
        "DestinationRule",
        "web",
        api=ISTIO,
        spec={"host": "web", "subsets": [{"name": "old", "labels": {"version": "v1"}}]},
    )
    old, new = (deployment(f"web-{v}", labels={"app": "web", "version": v}) for v in ("v1", "v2"))
    found = edges(rule, service("web"), old, new)
    assert found["Service/blog/web", "Deployment.apps/blog/web-v1", EdgeKind.SELECTS] == ("old",)
    assert found["Service/blog/web", "Deployment.apps/blog/web-v2", EdgeKind.SELECTS] == ()
    assert ("DestinationRule.networking.istio.io/blog/web", "Service/blog/web", EdgeKind.APPLIES) in found


def test_claims_of_a_stateful_set_are_found_by_their_template() -> None:
    owner = thing(
        "StatefulSet",
        "db",
        api="apps/v1",
        spec={"labels": {"app": "db"}, "containers": [{"name": "db"}], "claimTemplates": ["data"]},
    )
    claims = [
        thing("PersistentVolumeClaim", name, spec={"storage": "1Gi"})
        for name in ("data-db-0", "data-db-1", "data-db-old", "data-x-0")
    ]
    found = edges(owner, *claims)
    assert {target for _, target, _ in found} == {
        "PersistentVolumeClaim/blog/data-db-0",
        "PersistentVolumeClaim/blog/data-db-1",
    }


def test_owners_autoscalers_and_custom_resources() -> None:
    article = thing("Article", "hello", api="example.com/v1")
    owned = deployment("renderer")
    owned["metadata"]["ownerReferences"] = [{"apiVersion": "example.com/v1", "kind": "Article", "name": "hello"}]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "renderer"}
    bounds = {"target": target, "min": 2, "max": 5}
    scaler = thing("HorizontalPodAutoscaler", "renderer", api="autoscaling/v2", spec=bounds)
    found = edges(article, owned, scaler)
    assert found["Article.example.com/blog/hello", "Deployment.apps/blog/renderer", EdgeKind.OWNS] == ()
    assert found[
        "HorizontalPodAutoscaler.autoscaling/blog/renderer", "Deployment.apps/blog/renderer", EdgeKind.SCALES
    ] == ("2–5",)
