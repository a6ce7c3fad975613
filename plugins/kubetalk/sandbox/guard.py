"""Decides whether an existing cluster may be used as a sandbox: named, not production by its names, and marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kubetalk.errors import SandboxError
from kubetalk.sandbox.objects import Kubectl

MARKER_NAMESPACE = "kube-public"
MARKER_NAME = "kubetalk-sandbox"
MARK_COMMAND = f"kubectl -n {MARKER_NAMESPACE} create configmap {MARKER_NAME}"

# In a word of its own (`eu-prod-1`, `prd01`, `shop.live`), or at the begin or end of one (`prodeu`, `myprod`); not in
# words that have the same letters (`product`, `reproduce`, `productivity`, `olive`).
_PRODUCTION = re.compile(
    r"""
      (?<![a-z]) prod (?! u[ck]t (?! ion | ive? (?![a-z]) ) | uc[ei] | ig | d | rom )
    | (?<=[a-z]) prods? (?![a-z])
    | (?<![a-z]) prd | prd (?![a-z])
    | (?<! re ) produ[ck]ti(?: on | ve? ) (?![a-z])
    | (?<![a-z]) (?: live | honban ) (?![a-z])
    | 本番
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A word border too: the hump of camel case, also behind capitals (`shopProd`, `EUProd`).
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Says of itself that it is something else.
_NOT_PRODUCTION = re.compile(r"(?<![a-z])non[-_.]?prod(?:uction)?(?![a-z])", re.IGNORECASE)


def production_like(kubeconfig: Mapping[str, Any]) -> str:
    """The name of a context, cluster, user, namespace or server that looks like production; empty if none does.

    ``kubeconfig`` is one that was minified to a single context.
    """
    for name in _names(kubeconfig):
        if _PRODUCTION.search(_NOT_PRODUCTION.sub("", _HUMP.sub("-", name))):
            return name
    return ""


def _names(kubeconfig: Mapping[str, Any]) -> list[str]:
    names = []
    for context in kubeconfig.get("contexts") or ():
        names += [context.get("name", ""), (context.get("context") or {}).get("namespace", "")]
    for cluster in kubeconfig.get("clusters") or ():
        names += [cluster.get("name", ""), urlsplit((cluster.get("cluster") or {}).get("server", "")).hostname or ""]
    names += [user.get("name", "") for user in kubeconfig.get("users") or ()]
    return [str(name) for name in names if name]


def needs_programs(kubeconfig: Mapping[str, Any]) -> str:
    """The user whose credentials come from a program of the host (exec or auth provider); empty if none does."""
    for user in kubeconfig.get("users") or ():
        if {"exec", "auth-provider"} & set(user.get("user") or {}):
            return str(user.get("name"))
    return ""


def require_marker(kubectl: Kubectl, context: str) -> None:
    """Raises SandboxError unless the cluster carries the ConfigMap that says it may be used as a sandbox."""
    told = kubectl.run(
        *("get", "configmap", MARKER_NAME, "--namespace", MARKER_NAMESPACE, "--ignore-not-found", "--output=name"),
        timeout=20,
    )
    if not told.strip():
        raise SandboxError(
            f"the cluster of context {context!r} is not marked as a sandbox, so nothing is run on it",
            remedy=f"If it really is a throw-away cluster: `{MARK_COMMAND} --context {context}`",
        )
