"""Kinds of objects as the API is asked for them, and those that a diagram may draw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One collection of the API."""

    plural: str
    version: str = "v1"
    group: str = ""
    """Empty for the core group."""

    @property
    def name(self) -> str:
        """As `kubectl get` takes it: ``pods``, ``deployments.v1.apps``."""
        return f"{self.plural}.{self.version}.{self.group}" if self.group else self.plural

    @property
    def path(self) -> str:
        """All of them, in all namespaces: ``/apis/apps/v1/deployments``."""
        place = f"/apis/{self.group}" if self.group else "/api"
        return f"{place}/{self.version}/{self.plural}"


NAMESPACES = Resource("namespaces")
NODES = Resource("nodes")
SECRETS = Resource("secrets")

_GROUPS: dict[str, tuple[str, ...]] = {
    "/v1": ("pods", "services", "configmaps", "serviceaccounts", "replicationcontrollers", "persistentvolumeclaims",
            "persistentvolumes", "resourcequotas", "limitranges"),
    "discovery.k8s.io/v1": ("endpointslices",),
    "apps/v1": ("deployments", "replicasets", "statefulsets", "daemonsets"),
    "batch/v1": ("jobs", "cronjobs"),
    "networking.k8s.io/v1": ("ingresses", "ingressclasses", "networkpolicies"),
    "autoscaling/v2": ("horizontalpodautoscalers",),
    "policy/v1": ("poddisruptionbudgets",),
    "storage.k8s.io/v1": ("storageclasses",),
    "rbac.authorization.k8s.io/v1": ("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    "apiextensions.k8s.io/v1": ("customresourcedefinitions",),
    "scheduling.k8s.io/v1": ("priorityclasses",),
    "admissionregistration.k8s.io/v1": (
        "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ),
}  # fmt: skip

DRAWN: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    SECRETS,
    *(
        Resource(plural, version, group)
        for place, plurals in _GROUPS.items()
        for group, version in [place.split("/")]
        for plural in plurals
    ),
)
"""What a diagram may draw, each in the version that every supported Kubernetes serves."""
