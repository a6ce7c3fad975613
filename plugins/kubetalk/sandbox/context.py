"""Provider `context`: an existing cluster, used only if the configuration names it and it is marked as a sandbox.

To mark a cluster: ``kubectl -n kube-public create configmap kubetalk-sandbox``. Namespaces that a session was heard to
create are deleted at its end; objects in other namespaces, and cluster-wide objects, stay.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxFacts, SandboxRequest
from kubetalk.sandbox.claims import Claim
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
from kubetalk.sandbox.guard import needs_programs, production_like, require_marker
from kubetalk.sandbox.namespaces import CLAIMS, OwnNamespaces, abandoned_elsewhere, delete_abandoned, namespaces
from kubetalk.sandbox.objects import Kubectl
from kubetalk.sandbox.places import RunDirectory, prune_dead
from kubetalk.sandbox.resources import NODES


class ContextProvider:
    """Makes sandboxes on the one cluster the configuration names."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def unavailable(self, request: SandboxRequest) -> str:
        """Why that cluster cannot be used, with the remedy; empty if it can. Asks the cluster."""
        if request.layer:
            return no_layers("context", request.layer)
        try:
            with self._asked(request) as kubectl:
                return self._unsuitable(kubectl, request)
        except SandboxError as error:
            return str(error).splitlines()[0]

    def facts(self, request: SandboxRequest) -> SandboxFacts:
        """What the cluster says of itself.

        Raises SandboxError if it may not be used or does not answer.
        """
        with self._asked(request) as kubectl:
            return _facts(kubectl)

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> ExternalSandbox:
        """A session's view of the cluster; closing it deletes the namespaces that it was heard to create.

        Raises SandboxError.
        """
        if request.layer:
            raise SandboxError(no_layers("context", request.layer))
        end_on_sigterm()
        prune_dead()
        run = RunDirectory.create(directory)
        try:
            kubectl = self._kubectl(run.path, request)
            require_marker(kubectl, self._settings.context)
            self._require_suitable(kubectl, request)
            where = self._where()
            if removed := delete_abandoned(*where, lambda: kubectl):
                progress(f"sandbox: deleted {' '.join(removed)}, which a killed build had left")
            progress(f"sandbox: using context {self._settings.context}")
            facts = _facts(kubectl)
            claim = Claim.make(CLAIMS, run.path.name, {"context": where[0], "kubeconfig": where[1], "namespaces": {}})
            try:
                own = OwnNamespaces(kubectl, claim, self._settings.context, progress)
                return ExternalSandbox(run, kubectl, facts, own.finish, "context", own.hear)
            except BaseException:
                claim.settle()
                raise
        except BaseException:
            run.remove()
            raise

    def prune(self) -> tuple[str, ...]:
        """Deletes the namespaces that sessions of killed builds created, and returns their names.

        Raises SandboxError.
        """
        with contextlib.ExitStack() as stack:
            return delete_abandoned(*self._where(), lambda: stack.enter_context(self._asked(SandboxRequest())))

    def left_elsewhere(self) -> tuple[str, ...]:
        """What such sessions created on other clusters, a sentence each."""
        return abandoned_elsewhere(*self._where())

    def _where(self) -> tuple[str, str]:
        return self._settings.context, str(Path(self._settings.kubeconfig).expanduser().resolve())

    @contextmanager
    def _asked(self, request: SandboxRequest) -> Iterator[Kubectl]:
        with tempfile.TemporaryDirectory(prefix="kubetalk-") as folder:
            kubectl = self._kubectl(Path(folder), request)
            require_marker(kubectl, self._settings.context)
            yield kubectl

    def _kubectl(self, folder: Path, request: SandboxRequest) -> Kubectl:
        """A kubectl that knows only the named context; everything is checked that can be without asking the cluster."""
        context, source = self._settings.context, self._settings.kubeconfig
        if not context or not source:
            raise SandboxError(
                "provider context uses nothing that is not named",
                remedy="Set `provider: {name: context, context: NAME, kubeconfig: FILE}`",
            )
        path = Path(source).expanduser()
        if not path.is_file():
            raise SandboxError(f"the kubeconfig {path} does not exist", remedy="Correct `provider: {kubeconfig: …}`")
        tool = link_tools(self._settings, folder / "bin", request) / "kubectl"
        own = folder / "own"
        own.mkdir(mode=0o700)
        told = _minified(tool, path.resolve(), context, own)
        if name := production_like(told):
            raise SandboxError(
                f"the name {name!r} in context {context!r} looks like production, so nothing is run on it",
                remedy="Use a throw-away cluster",
            )
        if user := needs_programs(told):
            raise SandboxError(
                f"user {user!r} of context {context!r} gets its credentials from a program, which sessions do not have",
                remedy="Name a kubeconfig with a certificate or a token, such as one of a ServiceAccount",
            )
        kubeconfig = own / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(json.dumps(told), encoding="utf-8")
        return Kubectl(tool, kubeconfig, plain_environment(own))

    def _require_suitable(self, kubectl: Kubectl, request: SandboxRequest) -> None:
        if reason := self._unsuitable(kubectl, request):
            raise SandboxError(reason)

    def _unsuitable(self, kubectl: Kubectl, request: SandboxRequest) -> str:
        if reason := wrong_minor(request, versions_of(kubectl)):
            return f"{reason}. Change `sandbox: {{kubernetes: …}}` or name another context"
        if request.istio and not kubectl.path.with_name("istioctl").exists():
            return "the document asks for Istio and there is no istioctl on PATH. Install it"
        crd = "customresourcedefinitions/gateways.gateway.networking.k8s.io"
        if request.gateway_api and not kubectl.run("get", crd, "--ignore-not-found", "--output=name"):
            return "the document asks for the Gateway API and the cluster does not have its CRDs. Install them"
        return ""


def _minified(tool: Path, source: Path, context: str, home: Path) -> dict[str, Any]:
    command = [str(tool), "config", "view", "--raw", "--minify", "--flatten", "--context", context, "--output=json"]
    try:
        done = subprocess.run(
            [*command, "--kubeconfig", str(source)],
            cwd=home,
            env=plain_environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"kubectl cannot read {source}: {error}") from error
    if done.returncode != 0:
        told = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        raise SandboxError(
            f"context {context!r} cannot be read from {source}: {told.removeprefix('error: ')}",
            remedy="Correct `provider: {context: …}`",
        )
    return dict(json.loads(done.stdout))


def _facts(kubectl: Kubectl) -> SandboxFacts:
    versions = versions_of(kubectl)
    nodes = kubectl.items([NODES])
    runtimes = {node.get("status", {}).get("nodeInfo", {}).get("containerRuntimeVersion", "") for node in nodes}
    cluster = namespaces(kubectl).get("kube-system", "")
    return SandboxFacts(
        "context",
        # A cluster of kwok nodes is as simulated as the embedded sandbox, whoever runs it.
        simulated=any(runtime.startswith("kwok") for runtime in runtimes),
        versions=versions,
        fingerprint=fingerprint_of("context", cluster, *(f"{tool}={versions[tool]}" for tool in sorted(versions))),
    )
