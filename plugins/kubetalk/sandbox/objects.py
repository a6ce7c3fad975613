"""Reads the cluster's objects for diagrams; kubectl with its own kubeconfig is one way to ask, `Api` another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kubetalk.errors import SandboxError
from kubetalk.sandbox.resources import DRAWN, SECRETS, Resource

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

    def items(self, resources: Sequence[Resource], selector: str = "") -> list[dict[str, Any]]:
        """The objects of those resources in all namespaces.

        Raises SandboxError.
        """
        # One call for all of them: each further kubectl costs a tenth of a second.
        names = ",".join(resource.name for resource in resources)
        return _items(self.run("get", names, "--all-namespaces", "--output=json", f"--selector={selector}"))

    def secrets(self) -> list[dict[str, Any]]:
        """All Secrets.

        Raises SandboxError.
        """
        # By the path: to find out first what the server calls its resources costs more than the question.
        return _items(self.run("get", "--raw", SECRETS.path))


def _items(printed: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(printed)["items"])
    except (ValueError, TypeError, KeyError) as error:
        raise SandboxError("kubectl printed no list of objects") from error


class Reader(Protocol):
    """Who lists objects: `Kubectl`, `Api`."""

    def items(self, resources: Sequence[Resource], selector: str = "") -> list[dict[str, Any]]:
        """The objects of those resources in all namespaces, those with that label selector.

        Raises SandboxError.
        """


def cluster_objects(reader: Reader) -> tuple[Mapping[str, Any], ...]:
    """Every object that a diagram may draw, objects of the author's own kinds included, as the API returns them.

    Left out are the 130 roles and bindings every cluster is born with, the values in Secrets, and the schemas of
    CustomResourceDefinitions, which are large.

    Raises SandboxError.
    """
    objects = reader.items(DRAWN, selector="kubernetes.io/bootstrapping!=rbac-defaults")
    custom = [resource for item in objects if (resource := _served(item))]
    if custom:
        objects += reader.items(custom)
    for item in objects:
        _strip(item)
    return tuple(objects)


def _served(item: Mapping[str, Any]) -> Resource | None:
    """What a CustomResourceDefinition defines; None if that cannot be asked for its objects, or it is none."""
    if item["kind"] != "CustomResourceDefinition":
        return None
    conditions = item.get("status", {}).get("conditions", ())
    established = any(told["type"] == "Established" and told["status"] == "True" for told in conditions)
    if not established or item["metadata"].get("deletionTimestamp"):
        return None
    served = next(version["name"] for version in item["spec"]["versions"] if version.get("served"))
    return Resource(item["spec"]["names"]["plural"], served, item["spec"]["group"])


def _strip(item: dict[str, Any]) -> None:
    item["metadata"].pop("managedFields", None)  # kubectl leaves them out, too
    match item["kind"]:
        case "Secret":
            item["data"] = dict.fromkeys(item.get("data") or {}, "")
            (item["metadata"].get("annotations") or {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
        case "CustomResourceDefinition":
            for version in item["spec"]["versions"]:
                version.pop("schema", None)
            (item["metadata"].get("annotations") or {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
