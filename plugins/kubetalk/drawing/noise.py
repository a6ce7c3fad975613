"""What every cluster holds without its author having asked for it; left out of snapshots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kubetalk.drawing.kinds import is_custom, is_known

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
"""Made by Kubernetes or by a local cluster's installer. istio-system is not among them: the author installed it."""

_ROOT_CERTIFICATES = frozenset({"kube-root-ca.crt", "istio-ca-root-cert", "istio-ca-crl", "openshift-service-ca.crt"})
_SECRET_TYPES = frozenset({
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "istio.io/ca-root",
    "istio.io/key-and-cert",
    "kubernetes.io/service-account-token",
})  # fmt: skip
_CONTROL_PLANE = frozenset({
    "cluster-info", "coredns", "extension-apiserver-authentication", "kindnet", "kube-dns", "kube-proxy",
    "kube-apiserver-legacy-service-account-token-tracking", "kubeadm-config", "kubelet-config",
    "local-path-config", "local-path-provisioner", "metrics-server", "storage-provisioner",
})  # fmt: skip
_OWN_LABELS = frozenset({"kubernetes.io/metadata.name", "name"})


def is_noise(item: Mapping[str, Any], *, inhabited: Collection[str] | None = None) -> bool:
    """Whether an object is there by default, or of a kind no diagram draws.

    With ``inhabited``, the namespaces that hold something of the author's, a system namespace outside of them is
    noise as well, unless somebody labelled it.
    """
    kind, metadata = item["kind"], item["metadata"]
    name, namespace = str(metadata["name"]), str(metadata.get("namespace") or "")
    labels = metadata.get("labels") or {}
    if kind == "Namespace":
        author = name not in SYSTEM_NAMESPACES or bool(authors_labels(labels))
        return inhabited is not None and not author and name not in inhabited
    if not is_known(item) and not is_custom(str(item.get("apiVersion", ""))):
        return True
    if any(owner.get("kind") == "Node" for owner in metadata.get("ownerReferences") or ()):
        return True  # a mirror pod: the kubelet runs it from a file
    if namespace in SYSTEM_NAMESPACES and _is_control_plane(name, labels):
        return True
    match kind:
        case "ConfigMap":
            return name in _ROOT_CERTIFICATES
        case "Service":
            return (namespace, name) == ("default", "kubernetes")
        case "Secret":
            return str(item.get("type", "")) in _SECRET_TYPES
        case _:
            return False


def _is_control_plane(name: str, labels: Mapping[str, Any]) -> bool:
    return (
        name in _CONTROL_PLANE
        or labels.get("tier") == "control-plane"
        or labels.get("kubernetes.io/cluster-service") == "true"
        or "kubernetes.io/bootstrapping" in labels
    )


def authors_labels(labels: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a namespace that say something: all but the copies of its name and marks of bootstrapping."""
    kept = {str(key): str(value) for key, value in sorted(labels.items()) if key not in _OWN_LABELS}
    return {key: value for key, value in kept.items() if not key.startswith("addonmanager.kubernetes.io/")}
