"""Provider `embedded`: a real control plane in one process tree on this machine, held by a pipe to its supervisor."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import stat
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, Self

from kubetalk.errors import BuildError, SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxFacts, SandboxRequest
from kubetalk.sandbox.binaries import Binary, ensure_binary, find_binary
from kubetalk.sandbox.environment import make_tools, session_environment
from kubetalk.sandbox.external import fingerprint_of
from kubetalk.sandbox.istio import (
    CHARTS_VARIABLE,
    apply_gateway_api,
    istio_unavailable,
    istio_versions,
    link_commands,
    needs_istio_binary,
    write_charts,
)
from kubetalk.sandbox.layers import KeptLayer, adopt_kubeconfig, ensure_layer, forget_layer, run_commands
from kubetalk.sandbox.objects import Kubectl, cluster_objects
from kubetalk.sandbox.places import RunDirectory, cache_dir, prune_dead
from kubetalk.sandbox.pool import LEFT_FREE_BYTES, available_memory
from kubetalk.sandbox.recipe import load_recipe
from kubetalk.sandbox.supervisor import Supervisor

START_SECONDS = 60.0
# The supervisor gives up first, and can say why.
_GRACE_SECONDS = 15.0
_CHECKPOINT_SECONDS = 30.0
_RESTORE_SECONDS = 90.0
_STATUS_SECONDS = 15.0
# Five programs that are loaded and wait.
_LOADED_BYTES = 150 << 20
# "Find a free port, then bind it" is a race that somebody else can win; more than twice is another fault.
_STARTS = 3

_CHARTS = "istio-charts"

_Inside = tuple[Mapping[str, str], str]
"""Versions and fingerprint of a binary."""

_live: weakref.WeakSet[EmbeddedSandbox] = weakref.WeakSet()


class EmbeddedProvider:
    """Makes sandboxes out of the binary `kubetalk-sandbox`."""

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


class EmbeddedSandbox:
    """One running control plane with simulated nodes."""

    def __init__(
        self,
        run: RunDirectory,
        supervisor: Supervisor,
        facts: SandboxFacts,
        ready: Mapping[str, Any],
        istio: Binary | None = None,
    ) -> None:
        self._run = run
        self._supervisor = supervisor
        self._facts = facts
        self._home = Path(ready["home"])
        self._kubeconfig = Path(ready["kubeconfig"])
        self._bin = Path(ready["bin"])
        self._saved = run.path / "saved"
        self._closing = threading.Lock()
        self._closed = False
        charts = run.path / _CHARTS
        self._environment = session_environment(
            folders=(self._bin, run.path / "tools"),
            home=self._home,
            kubeconfig=self._kubeconfig,
            more={CHARTS_VARIABLE: str(charts)} if charts.is_dir() else {},
        )
        # The session may edit its kubeconfig; what we ask the cluster must not depend on that.
        own = run.path / "own"
        own.mkdir(mode=0o700)
        shutil.copy2(self._kubeconfig, own / "kubeconfig")
        own_environment = {**self._environment, "HOME": str(own), "KUBECONFIG": str(own / "kubeconfig")}
        self._kubectl = Kubectl(self._bin / "kubectl", own / "kubeconfig", own_environment)
        if istio and "istioctl" in facts.versions:
            link_commands(istio, self._bin)
        self.seconds = float(ready.get("seconds", 0.0))
        """How long the start took."""
        self.seeded = bool(ready.get("seeded"))
        _live.add(self)

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
        """Where all its files are."""
        return self._run.path

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._supervisor.pid

    def check(self) -> None:
        """Raises SandboxError if a part of the sandbox died: the cause behind a command that suddenly fails."""
        if failure := self._supervisor.failure:
            self._raise(failure)

    def objects(self) -> tuple[Mapping[str, Any], ...]:
        """All cluster objects a diagram may draw (see `cluster_objects`).

        Raises SandboxError.
        """
        self.check()
        return cluster_objects(self._kubectl)

    def checkpoint(self, name: str) -> None:
        """Saves the cluster, the home directory and the kubeconfig under a name; nothing stops meanwhile.

        Raises SandboxError.
        """
        self._request("checkpoint", _CHECKPOINT_SECONDS, name=name)
        saved = self._saved / name
        shutil.rmtree(saved, ignore_errors=True)
        (saved / "home").mkdir(mode=0o700, parents=True)
        _copy_files(self._home, saved / "home")
        shutil.copy2(self._kubeconfig, saved / "kubeconfig")
        self._prepare()

    def restore(self, name: str) -> None:
        """Puts all of that back as it was: names, UIDs, creation times; returns when the cluster is ready again.

        Raises SandboxError; the sandbox is of no more use then, unless there is no such checkpoint.
        """
        self._request("restore", _RESTORE_SECONDS, name=name)
        saved = self._saved / name
        for path in self._home.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        _copy_files(saved / "home", self._home)
        shutil.copy2(saved / "kubeconfig", self._kubeconfig)
        self._prepare()

    def forget(self, name: str) -> None:
        """Removes a checkpoint.

        Raises SandboxError.
        """
        self._request("forget", _CHECKPOINT_SECONDS, name=name)
        shutil.rmtree(self._saved / name, ignore_errors=True)

    def keep(self, folder: Path) -> None:
        """Writes cluster, home directory and changed kubeconfig to a folder, for others to begin with (`KeptLayer`).

        Raises SandboxError.
        """
        self._request("keep", _CHECKPOINT_SECONDS, path=str(folder / "cluster"))
        (folder / "home").mkdir(mode=0o700)
        _copy_files(self._home, folder / "home")
        if self._kubeconfig.read_bytes() != (self._run.path / "own" / "kubeconfig").read_bytes():
            shutil.copy2(self._kubeconfig, folder / "kubeconfig")

    def install_gateway_api(self, istio: Binary) -> None:
        """Puts the Gateway API's resource definitions into the cluster.

        Raises SandboxError.
        """
        apply_gateway_api(self._kubectl, istio)

    def adopt(self, kept: KeptLayer) -> None:
        """Takes over the home directory and the kubeconfig of a layer; its cluster this sandbox began with."""
        _copy_files(kept.home, self._home)
        if kept.kubeconfig.is_file():
            fresh = self._kubeconfig.read_text(encoding="utf-8")
            changed = adopt_kubeconfig(kept.kubeconfig.read_text(encoding="utf-8"), fresh)
            self._kubeconfig.write_text(changed, encoding="utf-8")

    def status(self) -> Mapping[str, Any]:
        """``parts`` (name, pid, state, pss and rss in bytes), ``bytes`` on disk, ``checkpoints``.

        Raises SandboxError.
        """
        answer = self._request("status", _STATUS_SECONDS)
        return {key: value for key, value in answer.items() if key not in {"id", "ok", "seconds"}}

    def logs(self) -> Path:
        """The folder with one log per part."""
        return self._run.path / "box" / "logs"

    def close(self) -> None:
        """Stops every process and removes every file; logs are kept only if the sandbox failed. Safe to call twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                if self._supervisor.failure:
                    self._run.keep_logs(self.logs())
                self._supervisor.stop()
            finally:
                self._supervisor.kill()
                self._run.remove()
                _live.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _prepare(self) -> None:
        """Loads what the next restore begins with, so that there is less to wait for, if there is memory for it."""
        if available_memory() > LEFT_FREE_BYTES + _LOADED_BYTES:
            self._request("prepare", _STATUS_SECONDS)

    def _request(self, operation: str, timeout: float, **keys: str) -> Mapping[str, Any]:
        if self._closed:
            raise SandboxError(f"the sandbox is closed, it cannot {operation}")
        try:
            return self._supervisor.request(operation, timeout, **keys)
        except SandboxError as error:
            if self._supervisor.failure:
                self._raise(error)
            raise

    def _raise(self, failure: SandboxError) -> NoReturn:
        raise _with_logs(failure, self._run, self.logs()) from failure


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
        # Meanwhile, for it costs a tenth of a second.
        make_tools(run.path / "tools")
        if istio and request.istio:
            write_charts(istio, run.path / _CHARTS)
        try:
            ready = supervisor.wait_ready(START_SECONDS + _GRACE_SECONDS, progress)
        except SandboxError as error:
            raise _with_logs(error, run, box / "logs") from error
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


def _command(binary: Binary, istio: Binary | None, request: SandboxRequest, box: Path) -> list[str]:
    seeds = cache_dir() / "seeds"
    seeds.mkdir(mode=0o700, exist_ok=True)
    command = [str(binary.path), "supervise", "--dir", str(box), "--nodes", str(request.nodes), "--seed", str(seeds)]
    command += ["--start-timeout", f"{START_SECONDS:.0f}s"]
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


def _with_logs(error: SandboxError, run: RunDirectory, logs: Path) -> SandboxError:
    with contextlib.suppress(OSError):
        if kept := run.keep_logs(logs):
            remedy = f"{error.remedy}. " if error.remedy else ""
            return SandboxError(error.message, remedy=f"{remedy}Its logs are kept in {kept}", details=error.details)
    return error


def _copy_files(source: Path, target: Path) -> None:
    """Copies what a home directory holds, except kubectl's cache, which must not outlive the state it describes."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        special = {name for name in names if not _is_copied((Path(folder) / name).lstat().st_mode)}
        return special | ({"cache"} if Path(folder) == source / ".kube" else set())

    shutil.copytree(source, target, symlinks=True, ignore=left_out, dirs_exist_ok=True)


def _is_copied(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def close_all() -> None:
    """Ends every sandbox of this process; for the end of the program, however it comes."""
    for sandbox in list(_live):
        with contextlib.suppress(SandboxError, OSError):
            sandbox.close()


def end_on_sigterm() -> None:
    """Makes SIGTERM an orderly end, unless the program has its own idea of it; without, files would stay behind."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return

    def end(number: int, _: object) -> NoReturn:
        # `with` blocks and atexit do the rest; closing here could wait for a lock that the interrupted code holds.
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)


atexit.register(close_all)
