"""What checks of Istio share: where they are kept, and pods as the injector leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.live.fidelity.checks import ISTIO, Bench, Check, check, heredoc, pod

SHARED: list[Check] = []
"""Run side by side in one cluster with Istio's profile minimal, and leave what others use as it is."""

FROM_INSTALLED: list[Check] = []
"""Run one after another, each in that cluster as it was before."""

FROM_EMPTY: list[Check] = []
"""Run one after another, each in a cluster without Istio."""

PROXY_IMAGE = "registry.istio.io/release/proxyv2:1.31.0"
SYSTEM = "--namespace=istio-system"


def promise(
    page: str, into: list[Check] = SHARED, *, first: bool = False
) -> Callable[[Callable[[Bench], None]], Check]:
    """Registers a function as a check of a page of Istio's documentation."""
    return check(ISTIO + page, first=first, alone=into is not SHARED, simulated=True, into=into)


def inject(t: Bench, label: str = "istio-injection=enabled") -> None:
    """Labels the check's namespace and waits until the API server minds it."""
    t.out(f"kubectl label namespace {t.namespace} {label}")
    t.until_run(dry(pod("probe")), lambda done: "istio-proxy" in done.stdout)


def dry(manifest: str) -> str:
    """The command that asks for an object, with everything that admission does to it, and keeps nothing."""
    return heredoc(manifest, "create --dry-run=server -o json")


def told(t: Bench, command: str) -> str:
    """All that a command prints that has to succeed: istioctl tells people on stderr, and scripts on stdout."""
    done = t.run(command)
    assert done.returncode == 0, "the command fails"
    return done.stdout + done.stderr


def admitted(t: Bench, manifest: str) -> dict[str, Any]:
    """A pod as admission would leave it."""
    return dict(json.loads(t.out(dry(manifest))))


def proxy(found: dict[str, Any]) -> dict[str, Any]:
    """The proxy's container in a pod, empty when there is none."""
    spec = found["spec"]
    every = [c for c in [*spec.get("initContainers", []), *spec["containers"]] if c["name"] == "istio-proxy"]
    assert len(every) < 2
    return every[0] if every else {}


def names(containers: list[dict[str, Any]]) -> list[str]:
    return [container["name"] for container in containers]
