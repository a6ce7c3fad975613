"""Reads the cluster's objects for diagrams, and asks single questions, through kubectl with its own kubeconfig."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubetalk.errors import SandboxError

# One call for all of them: each further kubectl costs a tenth of a second.
_KINDS = (
    *("namespaces", "nodes", "pods", "services", "endpointslices", "configmaps", "secrets", "serviceaccounts"),
    *("deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "replicationcontrollers"),
    *("ingresses", "ingressclasses", "networkpolicies", "horizontalpodautoscalers", "poddisruptionbudgets"),
    *("persistentvolumeclaims", "persistentvolumes", "storageclasses", "resourcequotas", "limitranges"),
    *("roles", "rolebindings", "clusterroles", "clusterrolebindings", "customresourcedefinitions", "priorityclasses"),
    *("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
    *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
)
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A kubectl that sees one cluster and nothing of the host."""

    path: Path
    kubeconfig: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, timeout: float = _TIMEOUT) -> str:
        """Standard output.

        Raises SandboxError with kubectl's own first line.
        """
        command: Sequence[str] = [str(self.path), "--kubeconfig", str(self.kubeconfig), *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self.kubeconfig.parent,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SandboxError(f"kubectl {' '.join(arguments[:2])} did not end: {error}") from error
        if done.returncode != 0:
            told = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise SandboxError(f"kubectl {' '.join(arguments[:2])}: {told[0]}", details="\n".join(told[1:4]))
        return done.stdout

    def items(self, kinds: Sequence[str], selector: str = "") -> list[dict[str, Any]]:
        """The objects of those kinds in all namespaces.

        Raises SandboxError.
        """
        arguments = ("get", ",".join(kinds), "--all-namespaces", "--output=json", f"--selector={selector}")
        return list(json.loads(self.run(*arguments))["items"])


def cluster_objects(kubectl: Kubectl) -> tuple[Mapping[str, Any], ...]:
    """Every object that a diagram may draw, objects of the author's own kinds included, as the API returns them.

    Left out are the 130 roles and bindings every cluster is born with, the values in Secrets, and the schemas of
    CustomResourceDefinitions, which are large.

    Raises SandboxError.
    """
    objects = kubectl.items(_KINDS, selector="kubernetes.io/bootstrapping!=rbac-defaults")
    custom = [name for item in objects if (name := _served_kind(item))]
    if custom:
        objects += kubectl.items(custom)
    for item in objects:
        _strip(item)
    return tuple(objects)


def _served_kind(item: Mapping[str, Any]) -> str:
    """``plural.version.group`` for a CustomResourceDefinition that can be asked for its objects, else empty."""
    if item["kind"] != "CustomResourceDefinition":
        return ""
    conditions = item.get("status", {}).get("conditions", ())
    established = any(told["type"] == "Established" and told["status"] == "True" for told in conditions)
    if not established or item["metadata"].get("deletionTimestamp"):
        return ""
    served = next(version["name"] for version in item["spec"]["versions"] if version.get("served"))
    return f"{item['spec']['names']['plural']}.{served}.{item['spec']['group']}"


def _strip(item: dict[str, Any]) -> None:
    match item["kind"]:
        case "Secret":
            item["data"] = dict.fromkeys(item.get("data") or {}, "")
            (item["metadata"].get("annotations") or {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
        case "CustomResourceDefinition":
            for version in item["spec"]["versions"]:
                version.pop("schema", None)
            (item["metadata"].get("annotations") or {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
