"""What reaches a recording of a cluster's state, and what never does."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from kubetalk.drawing import OPTIONAL_GROUPS, RESOURCES, prune
from tests.support.golden import Golden

SECRETS = (
    "cGxhbnRlZA==",
    "planted-env-value",
    "planted-annotation",
    "planted-argument",
    "10.96.0.77",
    "203.0.113.9",
    "31234",
)


@pytest.mark.golden("drawing/prune")
def test_goldens(golden: Golden) -> None:
    golden.check([json.loads(json.dumps(item)) for item in prune(golden.input)])


def planted() -> list[dict[str, Any]]:
    meta = {"namespace": "blog", "uid": "u-1", "resourceVersion": "12", "creationTimestamp": "2026-11-23T00:00:00Z",
            "annotations": {"note": "planted-annotation"}, "managedFields": [{"manager": "me"}]}  # fmt: skip
    env = [
        {"name": "TOKEN", "value": "planted-env-value"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "planted-env-value"}}},
    ]
    pod = {"containers": [{"name": "web", "image": "web:1", "env": env, "args": ["planted-argument"]}]}
    selector = {"app": "web"}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": "keys"}, "data": {"k": "cGxhbnRlZA=="},
         "stringData": {"k": "planted-env-value"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "name": "c"}, "data": {"k": "planted-argument"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**meta, "name": "web"},
         "spec": {"clusterIP": "10.96.0.77", "clusterIPs": ["10.96.0.77"], "externalIPs": ["203.0.113.9"],
                  "type": "LoadBalancer", "selector": selector, "ports": [{"port": 80, "nodePort": 31234}]},
         "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**meta, "name": "out"},
         "spec": {"type": "ExternalName", "externalName": "203.0.113.9"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**meta, "name": "web"},
         "spec": {"replicas": 1, "template": {"metadata": {"labels": selector, "annotations": meta["annotations"]},
                                              "spec": pod}}, "status": {"readyReplicas": 1}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {**meta, "name": "bare", "labels": selector}, "spec": pod,
         "status": {"podIP": "10.96.0.77", "phase": "Running"}},
        {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {**meta, "name": "out"},
         "spec": {"hosts": ["api.example.com"], "addresses": ["203.0.113.9"],
                  "endpoints": [{"address": "203.0.113.9"}]}},
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {**meta, "name": "v"},
         "spec": {"hosts": ["203.0.113.9"], "http": [{"match": [{"headers": {"cookie": {"exact": "planted-argument"}}}],
                                                     "route": [{"destination": {"host": "203.0.113.9"}}]}]}},
        {"apiVersion": "example.com/v1", "kind": "Article", "metadata": {**meta, "name": "a"},
         "spec": {"password": "planted-env-value"}, "status": {"x": "planted-argument"}},
    ]  # fmt: skip


def test_no_secret_reaches_a_snapshot() -> None:
    kept = prune(planted())
    assert len(kept) == 9
    text = json.dumps(kept, ensure_ascii=False)
    assert not [secret for secret in SECRETS if secret in text]
    assert "u-1" not in text
    assert "2026-11-23" not in text


def test_equal_states_give_equal_bytes_in_any_order_and_with_other_volatile_values() -> None:
    objects = planted()
    other = copy.deepcopy(objects)
    for item in other:
        item["metadata"] |= {"uid": "another", "resourceVersion": "99"}
    random.Random(7).shuffle(other)  # noqa: S311 - an order, not a secret
    assert json.dumps(prune(other)) == json.dumps(prune(objects))


def test_lists_are_opened_and_unknown_built_in_kinds_left_out() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r", "namespace": "n"}}
    inner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}}
    kept = prune([{"apiVersion": "v1", "kind": "List", "items": [role, inner]}])
    assert [item["kind"] for item in kept] == ["ConfigMap"]


def test_the_same_object_read_through_two_versions_counts_once() -> None:
    def route(version: str) -> dict[str, Any]:
        return {"apiVersion": f"networking.istio.io/{version}", "kind": "VirtualService",
                "metadata": {"name": "v", "namespace": "n"}, "spec": {"hosts": ["x"]}}  # fmt: skip

    for versions in (("v1", "v1beta1"), ("v1beta1", "v1")):
        assert len(prune([route(version) for version in versions])) == 1


@pytest.mark.parametrize(
    ("namespace", "kind", "api", "name", "extra"),
    [
        ("default", "Service", "v1", "kubernetes", {}),
        ("blog", "ConfigMap", "v1", "kube-root-ca.crt", {}),
        ("blog", "ConfigMap", "v1", "istio-ca-root-cert", {}),
        ("blog", "Secret", "v1", "sh.helm.release.v1.blog.v1", {"type": "helm.sh/release.v1"}),
        ("blog", "ServiceAccount", "v1", "default", {}),
        ("blog", "Endpoints", "v1", "web", {}),
        ("blog", "EndpointSlice", "discovery.k8s.io/v1", "web-x", {}),
        ("blog", "Event", "events.k8s.io/v1", "web.17", {}),
        ("istio-system", "Lease", "coordination.k8s.io/v1", "istio-leader", {}),
        ("kube-system", "Deployment", "apps/v1", "coredns", {}),
        ("kube-system", "Namespace", "v1", "kube-system", {}),
    ],
)
def test_what_every_cluster_holds_is_left_out(
    namespace: str, kind: str, api: str, name: str, extra: dict[str, Any]
) -> None:
    metadata = {"name": name} if kind == "Namespace" else {"name": name, "namespace": namespace}
    assert prune([{"apiVersion": api, "kind": kind, "metadata": metadata, **extra}]) == ()


def test_system_namespaces_stay_when_the_author_put_something_there() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
    mine = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "kube-system"}}
    labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-public", "labels": {"team": "a"}}}
    assert [item["metadata"]["name"] for item in prune([namespace, mine, labelled])] == [
        "mine",
        "kube-public",
        "kube-system",
    ]


def test_resources_name_groups_so_that_two_kinds_of_gateway_stay_apart() -> None:
    assert {
        "deployments.apps",
        "services",
        "gateways.networking.istio.io",
        "httproutes.gateway.networking.k8s.io",
    } <= set(RESOURCES)
    assert len(set(RESOURCES)) == len(RESOURCES)
    assert OPTIONAL_GROUPS == ("networking.istio.io", "gateway.networking.k8s.io")
