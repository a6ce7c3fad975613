"""Provider `embedded`: a real control plane in one process tree on this machine, held by a pipe to its supervisor."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kubetalk.errors import BuildError, SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxFacts, SandboxRequest
from kubetalk.sandbox.binaries import Binary, ensure_binary, find_binary
from kubetalk.sandbox.controlplane import CHARTS_FOLDER, EmbeddedSandbox, with_logs
from kubetalk.sandbox.ending import end_on_sigterm
from kubetalk.sandbox.environment import make_tools
from kubetalk.sandbox.external import fingerprint_of
from kubetalk.sandbox.istio import istio_unavailable, istio_versions, needs_istio_binary, write_charts
from kubetalk.sandbox.layers import KeptLayer, ensure_layer, forget_layer, run_commands
from kubetalk.sandbox.places import RunDirectory, cache_dir, prune_dead
from kubetalk.sandbox.recipe import load_recipe
from kubetalk.sandbox.supervisor import Supervisor

__all__ = ["START_SECONDS", "EmbeddedProvider", "EmbeddedSandbox"]

START_SECONDS = 60.0
# The supervisor gives up first, and can say why.
_GRACE_SECONDS = 15.0
# "Find a free port, then bind it" is a race that somebody else can win; more than twice is another fault.
_STARTS = 3

_Inside = tuple[Mapping[str, str], str]
"""Versions and fingerprint of a binary."""


class EmbeddedProvider:
    """Makes sandboxes out of the binary `kubetalk-sandbox` and its supervisor."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def unavailable(self, request: SandboxRequest) -> str:
        """Why no sandbox for that request can be had, with the remedy; empty if it can."""
        try:
            if reason := self._unsuitable(request):
                return reason
            if find_binary(self._settings) is None and not self._settings.build:
                return "the sandbox binary is not built yet. Run `kubetalk sandbox build`"
            return istio_unavailable(self._settings, request)
        except (BuildError, SandboxError) as error:
            return str(error).splitlines()[0]

    def facts(self, request: SandboxRequest) -> SandboxFacts:
        """What `start` would give: from the binary if it is there, else from what it will be built from.

        Raises SandboxError if such a binary cannot be had.
        """
        inside: list[_Inside] = []
        for module in ("core", *(("istio",) if needs_istio_binary(request) else ())):
            binary, recipe = find_binary(self._settings, module), load_recipe(module)
            inside.append((binary.versions, binary.fingerprint) if binary else (recipe.versions, recipe.sources_key))
        return _facts(inside, request)

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> EmbeddedSandbox:
        """A fresh sandbox with its files below ``directory``; builds the binary first if there is none.

        Raises SandboxError: the lines that matter as details, and where the whole logs are kept.
        """
        if reason := self._unsuitable(request):
            raise SandboxError(reason)
        binary = ensure_binary(self._settings, progress)
        istio = ensure_binary(self._settings, progress, module="istio") if needs_istio_binary(request) else None
        end_on_sigterm()
        prune_dead()
        if request.layer is None:
            return _start_again(binary, istio, request, directory, progress)
        kept = self._layer(binary, istio, request, directory, progress)
        try:
            return _start_again(binary, istio, request, directory, progress, kept)
        except SandboxError as error:
            # It may be damaged, and to make it once more is cheap.
            forget_layer(kept)
            remedy = f"The layer {kept.name} was removed from the cache; run it again to make it anew"
            raise SandboxError(
                error.message, remedy=" ".join(filter(None, [error.remedy, remedy])), details=error.details
            ) from error

    def _layer(
        self, binary: Binary, istio: Binary | None, request: SandboxRequest, directory: Path, progress: Progress
    ) -> KeptLayer:
        """The layer of that request, from the cache or made now."""
        empty = replace(request, layer=None)

        def make(folder: Path) -> None:
            with _start_again(binary, istio, empty, directory, progress) as sandbox:
                if request.layer:
                    run_commands(request.layer, sandbox.environment, progress)
                sandbox.keep(folder)

        return ensure_layer(request, self.facts(empty).fingerprint, make, progress)

    def _unsuitable(self, request: SandboxRequest) -> str:
        if not sys.platform.startswith(("linux", "darwin")):
            return f"there is no embedded sandbox for {sys.platform}. Use `provider: kind`, or replay recordings"
        recipe = load_recipe()
        if request.kubernetes and request.kubernetes not in (_own_minor(recipe.versions), *recipe.emulates):
            known = ", ".join(dict.fromkeys([*recipe.emulates, _own_minor(recipe.versions)]))
            return f"the embedded sandbox has no Kubernetes {request.kubernetes}. Use one of {known}"
        return ""


def _start_again(
    binary: Binary,
    istio: Binary | None,
    request: SandboxRequest,
    directory: Path,
    progress: Progress,
    kept: KeptLayer | None = None,
) -> EmbeddedSandbox:
    """`_start`, once more when a port was taken."""
    for attempt in range(1, _STARTS + 1):
        try:
            return _start(binary, istio, request, directory, progress, kept)
        except SandboxError as error:
            if attempt == _STARTS or "address already in use" not in f"{error}".lower():
                raise
            progress("sandbox: a port was taken in the same moment, starting again on others")
    raise AssertionError


def _start(
    binary: Binary,
    istio: Binary | None,
    request: SandboxRequest,
    directory: Path,
    progress: Progress,
    kept: KeptLayer | None,
) -> EmbeddedSandbox:
    run = RunDirectory.create(directory)
    box = run.path / "box"
    # Whatever happens, also Ctrl-C: nothing of a half-started sandbox stays.
    with contextlib.ExitStack() as undo:
        undo.callback(run.remove)
        (run.path / "tmp").mkdir(mode=0o700)
        environment = {"PATH": os.defpath, "HOME": str(run.path), "TMPDIR": str(run.path / "tmp")}
        supervisor = Supervisor(
            [*_command(binary, istio, request, box), *(["--from", str(kept.cluster)] if kept else [])],
            cwd=run.path,
            environment=environment | {"LANG": "C.UTF-8", "TZ": "UTC"},
        )
        undo.callback(supervisor.stop, timeout=0.0)
        run.register(supervisor.pid)
        # Meanwhile, for it takes a moment.
        make_tools(run.path / "tools")
        if istio and request.istio:
            _put_charts(istio, run.path / CHARTS_FOLDER, kept)
        try:
            ready = supervisor.wait_ready(START_SECONDS + _GRACE_SECONDS, progress)
        except SandboxError as error:
            raise with_logs(error, run, box / "logs") from error
        inside = [(ready.get("versions") or binary.versions, binary.fingerprint)]
        if istio:
            inside.append((istio.versions, istio.fingerprint))
        sandbox = EmbeddedSandbox(run, supervisor, _facts(inside, request), ready, istio)
        if kept:
            sandbox.adopt(kept)
        elif istio and request.gateway_api:
            sandbox.install_gateway_api(istio)
        undo.pop_all()
        return sandbox


def _put_charts(istio: Binary, folder: Path, kept: KeptLayer | None) -> None:
    """A copy of Istio's charts that is the session's own: from the layer, in which a command may have changed them.

    Raises SandboxError.
    """
    if kept is None or not kept.charts.is_dir():
        write_charts(istio, folder)
        return
    try:
        shutil.copytree(kept.charts, folder)
    except OSError as error:
        raise SandboxError(f"Istio's charts could not be copied from the layer {kept.name}: {error}") from error


def _command(binary: Binary, istio: Binary | None, request: SandboxRequest, box: Path) -> list[str]:
    seeds = cache_dir() / "seeds"
    seeds.mkdir(mode=0o700, exist_ok=True)
    command = [str(binary.supervisor), "--program", str(binary.path), "--dir", str(box)]
    command += ["--nodes", str(request.nodes), "--seed", str(seeds), "--start-timeout", f"{START_SECONDS:.0f}s"]
    if request.kubernetes and request.kubernetes != _own_minor(binary.versions):
        command += ["--emulate", request.kubernetes]
    if istio and request.istio:
        command += ["--attend", str(istio.path)]
    return command


def _facts(inside: Sequence[_Inside], request: SandboxRequest) -> SandboxFacts:
    """``inside``: the core's binary, and Istio's only if the request needs it: to others it makes no difference."""
    (versions, fingerprint), *istio = inside
    told = {tool: version for tool, version in versions.items() if tool != "emulated"}
    if request.kubernetes and request.kubernetes != _own_minor(versions):
        told["emulated"] = request.kubernetes
    for more, key in istio:
        told |= istio_versions(more, request)
        fingerprint = fingerprint_of(fingerprint, key)
    if request.layer:
        fingerprint = fingerprint_of(fingerprint, *request.layer.commands)
    return SandboxFacts("embedded", simulated=True, versions=told, fingerprint=fingerprint, layer=request.layer)


def _own_minor(versions: Mapping[str, str]) -> str:
    return ".".join(versions.get("kubernetes", "").removeprefix("v").split(".")[:2])
