"""The kinds a diagram knows: their group, the column they stand in, their glyph and the names people call them by.

Everything else of a cluster that is not a built-in kind is a custom resource and drawn generically.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Role(IntEnum):
    """Where a kind stands on the way of a request; the number is the preferred column, from left to right."""

    ENTRY = 1
    ROUTE = 2
    SERVICE = 3
    WORKLOAD = 4
    CONFIG = 5


@dataclass(frozen=True, slots=True)
class KindSpec:
    """One kind of object."""

    kind: str
    group: str
    """API group, empty for the core group."""
    role: Role
    glyph: str
    family: str
    """Colour family: ``traffic``, ``workload``, ``config``, ``custom``."""
    resource: str = ""
    """Lower case plural, as `kubectl get` takes it."""
    aliases: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``Deployment.apps``; two Gateways (Istio's and the Gateway API's) differ in nothing but the group."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


ISTIO = "networking.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"

_SPECS = (
    KindSpec("Ingress", "networking.k8s.io", Role.ENTRY, "ingress", "traffic", "ingresses", ("ing",)),
    KindSpec("Gateway", GATEWAY_API, Role.ENTRY, "gateway", "traffic", "gateways", ("gtw",)),
    KindSpec("Gateway", ISTIO, Role.ENTRY, "gateway", "traffic", "gateways", ("gw",)),
    KindSpec("HTTPRoute", GATEWAY_API, Role.ROUTE, "route", "traffic", "httproutes"),
    KindSpec("GRPCRoute", GATEWAY_API, Role.ROUTE, "route", "traffic", "grpcroutes"),
    KindSpec("TLSRoute", GATEWAY_API, Role.ROUTE, "route", "traffic", "tlsroutes"),
    KindSpec("TCPRoute", GATEWAY_API, Role.ROUTE, "route", "traffic", "tcproutes"),
    KindSpec("UDPRoute", GATEWAY_API, Role.ROUTE, "route", "traffic", "udproutes"),
    KindSpec("VirtualService", ISTIO, Role.ROUTE, "virtualservice", "traffic", "virtualservices", ("vs",)),
    KindSpec("DestinationRule", ISTIO, Role.ROUTE, "destinationrule", "traffic", "destinationrules", ("dr",)),
    KindSpec("ServiceEntry", ISTIO, Role.SERVICE, "serviceentry", "traffic", "serviceentries", ("se",)),
    KindSpec("Service", "", Role.SERVICE, "service", "traffic", "services", ("svc",)),
    KindSpec("HorizontalPodAutoscaler", "autoscaling", Role.SERVICE, "autoscaler", "config",
             "horizontalpodautoscalers", ("hpa",)),
    KindSpec("Deployment", "apps", Role.WORKLOAD, "deployment", "workload", "deployments", ("deploy",)),
    KindSpec("StatefulSet", "apps", Role.WORKLOAD, "statefulset", "workload", "statefulsets", ("sts",)),
    KindSpec("DaemonSet", "apps", Role.WORKLOAD, "daemonset", "workload", "daemonsets", ("ds",)),
    KindSpec("ReplicaSet", "apps", Role.WORKLOAD, "deployment", "workload", "replicasets", ("rs",)),
    KindSpec("CronJob", "batch", Role.WORKLOAD, "cronjob", "workload", "cronjobs", ("cj",)),
    KindSpec("Job", "batch", Role.WORKLOAD, "job", "workload", "jobs"),
    KindSpec("Pod", "", Role.WORKLOAD, "pod", "workload", "pods", ("po",)),
    KindSpec("ConfigMap", "", Role.CONFIG, "configmap", "config", "configmaps", ("cm",)),
    KindSpec("Secret", "", Role.CONFIG, "secret", "config", "secrets"),
    KindSpec("PersistentVolumeClaim", "", Role.CONFIG, "claim", "config", "persistentvolumeclaims", ("pvc",)),
)  # fmt: skip

_BY_GROUP_KIND = {(spec.group, spec.kind): spec for spec in _SPECS}

RESOURCES: tuple[str, ...] = (
    "namespaces",
    *(f"{spec.resource}.{spec.group}" if spec.group else spec.resource for spec in _SPECS),
    "customresourcedefinitions.apiextensions.k8s.io",
)
"""What to read for a snapshot, as `kubectl get` takes it. Those of the groups in `OPTIONAL_GROUPS` exist only
where their CRDs are installed; every other kind the CustomResourceDefinitions name should be read as well: custom
resources of the author's are drawn too."""

OPTIONAL_GROUPS: tuple[str, ...] = (ISTIO, GATEWAY_API)
"""API groups of `RESOURCES` that a cluster may lack; asking for them must not fail a snapshot."""


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``, empty for the core group."""
    return api_version.rpartition("/")[0]


def is_custom(api_version: str) -> bool:
    """Whether a group belongs to a CRD and not to Kubernetes itself.

    Built-in groups have no dot (``apps``) or end with ``.k8s.io`` (https://kubernetes.io/docs/reference/using-api/);
    ``x-k8s.io`` is where community CRDs live.
    """
    group = group_of(api_version)
    return "." in group and not group.endswith(".k8s.io")


def spec_of(item: Mapping[str, Any]) -> KindSpec:
    """The kind of an object; a kind nobody knows becomes a custom one."""
    group, kind = group_of(str(item.get("apiVersion", ""))), str(item.get("kind", ""))
    return _BY_GROUP_KIND.get((group, kind)) or KindSpec(kind, group, Role.SERVICE, "custom", "custom")


def is_known(item: Mapping[str, Any]) -> bool:
    """Whether the kind is one of the table."""
    return (group_of(str(item.get("apiVersion", ""))), str(item.get("kind", ""))) in _BY_GROUP_KIND


def names_of_kind(spec: KindSpec) -> frozenset[str]:
    """All lower case words that mean this kind: ``deployment``, ``deployments``, ``deploy``, ``deployments.apps``."""
    words = {spec.kind.lower(), spec.id.lower(), *spec.aliases}
    if spec.resource:
        words |= {spec.resource, f"{spec.resource}.{spec.group}".rstrip(".")}
    return frozenset(words)
