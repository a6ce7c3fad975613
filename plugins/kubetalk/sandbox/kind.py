"""Provider `kind`: a real cluster in Docker for each session, made by kind, or by k3d where there is no kind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxFacts, SandboxRequest
from kubetalk.sandbox.claims import Claim, abandoned, claimed
from kubetalk.sandbox.ending import end_on_sigterm
from kubetalk.sandbox.external import (
    ExternalSandbox,
    fingerprint_of,
    link_tools,
    no_layers,
    plain_environment,
    versions_of,
    wrong_minor,
)
from kubetalk.sandbox.objects import Kubectl
from kubetalk.sandbox.places import RunDirectory, cache_dir, prune_dead

_CREATE_SECONDS = 600
_DELETE_SECONDS = 120
_TOOLS = ("kind", "k3d")
_CLAIMS = "clusters"
# k3d takes names of up to 32 characters.
_NAME = re.compile(r"kubetalk-\d+-[0-9a-f]{8}")


class KindProvider:
    """Makes clusters in Docker."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def unavailable(self, request: SandboxRequest) -> str:
        """Why there can be no such cluster here, with the remedy; empty if there can."""
        if request.layer:
            return no_layers("kind", request.layer)
        if not (_tool() and shutil.which("docker")):
            return "provider kind needs Docker and kind (or k3d) on PATH. Install them, or use `provider: embedded`"
        try:
            _run(["docker", "info", "--format", "{{.ServerVersion}}"], 20)
            if reason := wrong_minor(request, self.facts(request).versions) if self._known() else "":
                return f"{reason}. Install the release of {_tool()} whose nodes have it"
        except SandboxError as error:
            return str(error).splitlines()[0]
        if request.istio and not shutil.which("istioctl"):
            return "the document asks for Istio and there is no istioctl on PATH. Install it"
        if request.gateway_api:
            return "provider kind does not install the Gateway API. Use `provider: context` with a cluster that has it"
        return ""

    def facts(self, request: SandboxRequest) -> SandboxFacts:
        """What `start` gave the last time with this release of kind; without one, only that release is known.

        Raises SandboxError if kind does not answer.
        """
        del request
        return _facts(_tool_version(), self._known())

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> ExternalSandbox:
        """A new cluster, deleted when the sandbox is closed.

        Raises SandboxError.
        """
        if reason := self.unavailable(request):
            raise SandboxError(reason)
        end_on_sigterm()
        prune_dead()
        run = RunDirectory.create(directory)
        tool, name = _tool(), f"kubetalk-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            own = run.path / "own"
            own.mkdir(mode=0o700)
            kubeconfig = own / "kubeconfig"
            kubeconfig.touch(mode=0o600)
            progress(f"sandbox: {tool} creates the cluster {name}, which takes a minute or two")
            claim = Claim.make(_CLAIMS, name, {"tool": tool})
            try:
                _create(tool, name, request.nodes, kubeconfig)
                bin_folder = link_tools(self._settings, run.path / "bin", request)
                kubectl = Kubectl(bin_folder / "kubectl", kubeconfig, plain_environment(own))
                versions = versions_of(kubectl)
                _require_minor(request, versions)
                self._learn(versions)
                return ExternalSandbox(run, kubectl, _facts(_tool_version(), versions), lambda: _give_up(claim), "kind")
            except BaseException:
                with contextlib.suppress(SandboxError):
                    _give_up(claim)
                raise
        except BaseException:
            run.remove()
            raise

    def _known(self) -> Mapping[str, str]:
        try:
            told = json.loads(_learned().read_text(encoding="utf-8"))[_tool_version()]
            return {str(tool): str(version) for tool, version in told.items()}
        except (OSError, ValueError, KeyError, AttributeError):
            return {}

    def _learn(self, versions: Mapping[str, str]) -> None:
        _learned().write_text(json.dumps({_tool_version(): dict(versions)}), encoding="utf-8")


def _require_minor(request: SandboxRequest, versions: Mapping[str, str]) -> None:
    if reason := wrong_minor(request, versions):
        raise SandboxError(reason, remedy=f"Install the release of {_tool()} whose nodes have it")


def prune_clusters() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Deletes clusters whose makers were killed.

    Returns their names, and those of clusters with such names that stay, as nothing here says who made them: another
    user, or another container with the same Docker. Both are empty if there is no kind.
    """
    if not (tool := _tool()):
        return (), ()
    removed: list[str] = []
    with contextlib.suppress(SandboxError):
        listing = ["kind", "get", "clusters"] if tool == "kind" else ["k3d", "cluster", "list", "--no-headers"]
        there = [match[0] for line in _run(listing, 30).splitlines() if (match := _NAME.match(line))]
        for claim in abandoned(_CLAIMS):
            if claim.told.get("tool") == tool and claim.name not in there:
                claim.settle()
            elif claim.told.get("tool") == tool:
                _give_up(claim)
                removed.append(claim.name)
            else:
                claim.leave()
        known = claimed(_CLAIMS) | set(removed)
        return tuple(removed), tuple(name for name in there if name not in known)
    return tuple(removed), ()


def _give_up(claim: Claim) -> None:
    """Deletes the cluster.

    Raises SandboxError; `prune_clusters` then tries again.
    """
    try:
        _delete(str(claim.told["tool"]), claim.name)
    except BaseException:
        claim.leave()
        raise
    claim.settle()


def _facts(tool_version: str, versions: Mapping[str, str]) -> SandboxFacts:
    known = sorted(f"{name}={version}" for name, version in versions.items())
    return SandboxFacts(
        "kind", simulated=False, versions=dict(versions), fingerprint=fingerprint_of("kind", tool_version, *known)
    )


def _learned() -> Path:
    return cache_dir() / "kind-versions.json"


def _tool() -> str:
    return next((tool for tool in _TOOLS if shutil.which(tool)), "")


def _tool_version() -> str:
    return " ".join(_run([_tool(), "version"], 20).split())


def _create(tool: str, name: str, nodes: int, kubeconfig: Path) -> None:
    if tool == "kind":
        roles = ["control-plane", *["worker"] * (nodes - 1)]
        config = kubeconfig.with_name("kind.yaml")
        config.write_text(
            json.dumps(
                {
                    "kind": "Cluster",
                    "apiVersion": "kind.x-k8s.io/v1alpha4",
                    "networking": {"apiServerAddress": "127.0.0.1"},
                    "nodes": [{"role": role} for role in roles],
                }
            ),
            encoding="utf-8",
        )
        files = ["--kubeconfig", str(kubeconfig), "--config", str(config)]
        _run(["kind", "create", "cluster", "--name", name, *files, "--wait", "180s"], _CREATE_SECONDS)
    else:
        quiet = [
            "--kubeconfig-update-default=false",
            "--kubeconfig-switch-context=false",
            "--api-port",
            "127.0.0.1:random",
        ]
        _run(["k3d", "cluster", "create", name, "--agents", str(nodes - 1), *quiet, "--wait"], _CREATE_SECONDS)
        kubeconfig.write_text(_run(["k3d", "kubeconfig", "get", name], 30), encoding="utf-8")


def _delete(tool: str, name: str) -> None:
    command = ["kind", "delete", "cluster", "--name", name] if tool == "kind" else ["k3d", "cluster", "delete", name]
    _run(command, _DELETE_SECONDS)


def _run(command: list[str], timeout: float) -> str:
    """Standard output of docker, kind or k3d, which alone see where the host's Docker is."""
    passed_on = ("PATH", "HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG")
    environment = {name: os.environ[name] for name in passed_on if name in os.environ} | {"LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{command[0]} did not end: {error}") from error
    if done.returncode != 0:
        told = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise SandboxError(f"{' '.join(command[:3])} failed: {told[0]}", details="\n".join(told[1:4]))
    return done.stdout
