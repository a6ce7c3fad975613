"""Which namespaces of an existing cluster are a session's own: those it was heard to create, and no others.

The API keeps no record of who created an object. That a namespace was not there before the session proves nothing, for
a colleague or another build may have made it meanwhile; so what cannot be shown to be the session's stays.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping

from kubetalk.errors import SandboxError
from kubetalk.model import Progress
from kubetalk.sandbox.claims import Claim, abandoned
from kubetalk.sandbox.objects import Kubectl
from kubetalk.sandbox.resources import NAMESPACES

CLAIMS = "namespaces"
_DELETE_SECONDS = 180

# What kubectl prints when the API server accepted a new object; not for one that was there ("unchanged",
# "configured"), not for a dry run, which ends the line with "(dry run)".
_CREATED = re.compile(r"^namespace/(\S+) created$", re.MULTILINE)


def namespaces(kubectl: Kubectl) -> dict[str, str]:
    """Name to UID.

    Raises SandboxError.
    """
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in kubectl.items([NAMESPACES])}


class OwnNamespaces:
    """The namespaces that one session creates, and no others."""

    def __init__(self, kubectl: Kubectl, claim: Claim, context: str, progress: Progress) -> None:
        """Notes what is there before the session, whose ``claim`` becomes this object's.

        Raises SandboxError.
        """
        self._kubectl = kubectl
        self._claim = claim
        self._context = context
        self._progress = progress
        self._before = namespaces(kubectl)
        self._own: dict[str, str] = {}

    def hear(self, output: str) -> None:
        """Takes note of what a command of the session printed as soon as it has ended."""
        if not (created := _CREATED.findall(output)):
            return
        # What we cannot look up now, or write down, is not known to be ours: it stays.
        with contextlib.suppress(SandboxError, OSError):
            now = namespaces(self._kubectl)
            self._own |= {name: now[name] for name in created if name in now and now[name] != self._before.get(name)}
            self._claim.write({**self._claim.told, "namespaces": self._own})

    def finish(self) -> None:
        """Deletes them, and says which others appeared meanwhile and stay.

        Raises SandboxError; `delete_abandoned` then tries again.
        """
        try:
            now = delete_if_same(self._kubectl, self._own)
        except BaseException:
            self._claim.leave()
            raise
        self._claim.settle()
        if stay := [name for name, uid in now.items() if self._before.get(name) != uid]:
            self._progress(
                f"sandbox: {' '.join(stay)} appeared on the cluster meanwhile and no output shows that this session "
                f"created it, so it stays. If it is yours: "
                f"`kubectl --context {self._context} delete namespace {' '.join(stay)}`"
            )


def delete_if_same(kubectl: Kubectl, owned: Mapping[str, str]) -> dict[str, str]:
    """Deletes the namespaces that still have these UIDs and waits for it; returns the others that there are.

    Raises SandboxError.
    """
    now = namespaces(kubectl)
    doomed = [name for name, uid in owned.items() if now.get(name) == uid]
    if doomed:
        wait = ("--wait=true", f"--timeout={_DELETE_SECONDS}s", "--ignore-not-found")
        kubectl.run("delete", "namespaces", *doomed, *wait, timeout=_DELETE_SECONDS + 20)
    return {name: uid for name, uid in now.items() if name not in doomed}


def delete_abandoned(context: str, kubeconfig: str, kubectl: Callable[[], Kubectl]) -> tuple[str, ...]:
    """Deletes what sessions of killed builds created on that cluster, and returns the names.

    Raises SandboxError; what could not be deleted stays to be tried again.
    """
    removed: list[str] = []
    for claim in abandoned(CLAIMS):
        try:
            if (claim.told.get("context"), claim.told.get("kubeconfig")) != (context, kubeconfig):
                continue
            owned = {str(name): str(uid) for name, uid in claim.told.get("namespaces", {}).items()}
            # By their UIDs, which no other namespace of any cluster ever has: the context may be another's now.
            left = delete_if_same(kubectl(), owned) if owned else {}
            removed += [name for name in owned if name not in left]
            claim.settle()
        finally:
            claim.leave()
    return tuple(removed)


def abandoned_elsewhere(context: str, kubeconfig: str) -> tuple[str, ...]:
    """What sessions of killed builds created on other clusters than that: a sentence each."""
    found = []
    for claim in abandoned(CLAIMS):
        there, names = str(claim.told.get("context")), claim.told.get("namespaces")
        if not names:
            claim.settle()
            continue
        if (there, claim.told.get("kubeconfig")) != (context, kubeconfig):
            found.append(
                f"namespaces {' '.join(names)} on context {there}: their build was killed; "
                "prune with a configuration that names this context"
            )
        claim.leave()
    return tuple(found)
