"""What the providers `kind` and `context` share: a sandbox on a cluster that is not inside this process tree."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from kubetalk.errors import SandboxError
from kubetalk.model import Layer, ProviderSettings, SandboxFacts, SandboxRequest
from kubetalk.sandbox.binaries import find_binary
from kubetalk.sandbox.environment import make_tools, session_environment
from kubetalk.sandbox.objects import Kubectl, cluster_objects
from kubetalk.sandbox.places import RunDirectory
from kubetalk.sandbox.recipe import load_recipe

_CHECK_SECONDS = 10


class ExternalSandbox:
    """A cluster somebody else runs, seen through a kubeconfig of its own."""

    def __init__(
        self,
        run: RunDirectory,
        kubectl: Kubectl,
        facts: SandboxFacts,
        finish: Callable[[], None],
        provider: str,
        hear: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``finish`` is called once, at the end; ``hear`` is told what the session's commands print."""
        self._run = run
        self._hear = hear
        self._facts = facts
        self._finish = finish
        self._provider = provider
        self._closed = False
        home = run.path / "home"
        home.mkdir(mode=0o700)
        kubeconfig = run.path / "kubeconfig"
        shutil.copy2(kubectl.kubeconfig, kubeconfig)
        self._kubectl = kubectl
        make_tools(run.path / "tools")
        self._environment = session_environment(
            folders=(run.path / "bin", run.path / "tools"), home=home, kubeconfig=kubeconfig
        )

    @property
    def facts(self) -> SandboxFacts:
        """What it is."""
        return self._facts

    @property
    def environment(self) -> Mapping[str, str]:
        """The whole environment of a session's shell."""
        return self._environment

    @property
    def directory(self) -> Path:
        """Where its files on this machine are."""
        return self._run.path

    def check(self) -> None:
        """Raises SandboxError if the cluster's API server does not answer."""
        self._kubectl.run("get", "--raw", "/readyz", timeout=_CHECK_SECONDS)

    def objects(self) -> tuple[Mapping[str, Any], ...]:
        """All cluster objects a diagram may draw (see `cluster_objects`).

        Raises SandboxError.
        """
        return cluster_objects(self._kubectl)

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        """All Secrets, their data included.

        Raises SandboxError.
        """
        return self._kubectl.secrets()

    def checkpoint(self, name: str) -> None:
        """Raises SandboxError: only the embedded sandbox can."""
        raise self._no_checkpoints(name)

    def restore(self, name: str) -> None:
        """Raises SandboxError: only the embedded sandbox can."""
        raise self._no_checkpoints(name)

    def forget(self, name: str) -> None:
        """Raises SandboxError: only the embedded sandbox can."""
        raise self._no_checkpoints(name)

    def hear(self, output: str) -> None:
        """To be told what each command of the session printed: it shows what the session created."""
        self._hear(output)

    def status(self) -> Mapping[str, Any]:
        """``parts`` and ``checkpoints``, both empty: nothing of it runs here."""
        return {"parts": [], "bytes": 0, "checkpoints": []}

    def close(self) -> None:
        """Ends the provider's part and removes the files; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self._finish()
        finally:
            self._run.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _no_checkpoints(self, name: str) -> SandboxError:
        return SandboxError(
            f"provider {self._provider} has no checkpoints, so {name!r} can neither be made nor restored",
            remedy="Use `provider: embedded`, or a fresh sandbox",
        )


def link_tools(settings: ProviderSettings, folder: Path, request: SandboxRequest) -> Path:
    """Fills a folder with kubectl and helm: the sandbox binary's if there is one, else this machine's.

    Raises SandboxError if there is no kubectl.
    """
    folder.mkdir(mode=0o700)
    if binary := find_binary(settings):
        for name in load_recipe().multicall:
            (folder / name).symlink_to(binary.path)
    wanted = ["kubectl", "helm", *(["istioctl"] if request.istio else [])]
    for name in wanted:
        if not (folder / name).exists() and (found := shutil.which(name)):
            (folder / name).symlink_to(found)
    if not (folder / "kubectl").exists():
        raise SandboxError("there is no kubectl", remedy="Install kubectl, or run `kubetalk sandbox build`")
    return folder


def versions_of(kubectl: Kubectl) -> dict[str, str]:
    """``kubernetes`` (the server), ``kubectl``, and ``helm`` if it is beside kubectl.

    Raises SandboxError if the server does not answer.
    """
    told = json.loads(kubectl.run("version", "--output=json", timeout=20))
    versions = {
        "kubernetes": str(told["serverVersion"]["gitVersion"]),
        "kubectl": str(told["clientVersion"]["gitVersion"]),
    }
    helm = kubectl.path.with_name("helm")
    if helm.exists():
        done = subprocess.run(
            [helm, "version", "--template", "{{.Version}}"],
            cwd=kubectl.kubeconfig.parent,
            env=dict(kubectl.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        if done.returncode == 0:
            versions["helm"] = done.stdout.strip()
    return versions


def fingerprint_of(*parts: str) -> str:
    """A key that changes with any of its parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def wrong_minor(request: SandboxRequest, versions: Mapping[str, str]) -> str:
    """Why that server is not the Kubernetes the document asks for; empty if it is."""
    server = versions.get("kubernetes", "")
    if request.kubernetes and not server.removeprefix("v").startswith(f"{request.kubernetes}."):
        return f"the document asks for Kubernetes {request.kubernetes}, the cluster runs {server}"
    return ""


def no_layers(provider: str, layer: Layer) -> str:
    """Why a document that begins on a layer cannot run on such a cluster."""
    return f"provider {provider} has no layers, and the document begins on `{layer.name}`. Use `provider: embedded`"


def plain_environment(home: Path) -> dict[str, str]:
    """For our own questions: nothing of the host but where its programs are."""
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}
