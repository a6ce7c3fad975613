"""Layers: clusters in which some commands have already run, made once per machine and kept in the user's cache."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from kubetalk.errors import SandboxError
from kubetalk.model import Layer, Progress, SandboxRequest
from kubetalk.sandbox.ending import ends_with_us
from kubetalk.sandbox.external import fingerprint_of
from kubetalk.sandbox.places import cache_dir

# Changes when what a layer's folder holds changes.
_LAYOUT = 2
_ABOUT = "about.json"
_UNFINISHED = "new-"
_COMMAND_SECONDS = 300.0
UNUSED_SECONDS = 30 * 24 * 3600.0
"""How long nobody has to have begun on a layer before `prune_layers` removes it."""


@dataclass(frozen=True, slots=True)
class KeptLayer:
    """A layer in the cache."""

    path: Path
    name: str
    commands: tuple[str, ...]
    bytes: int
    used: float
    """When a session last began on it, seconds since the epoch."""

    @property
    def cluster(self) -> Path:
        """What the supervisor kept of the cluster."""
        return self.path / "cluster"

    @property
    def home(self) -> Path:
        """The home directory as the commands left it."""
        return self.path / "home"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig, only there if the commands changed it."""
        return self.path / "kubeconfig"

    @property
    def charts(self) -> Path:
        """Istio's charts, only there if the request asks for Istio."""
        return self.path / "charts"


def ensure_layer(
    request: SandboxRequest, fingerprint: str, make: Callable[[Path], None], progress: Progress
) -> KeptLayer:
    """The layer that the request names, made by ``make`` (in a folder that is there) if it is not kept yet.

    Several builds that want the same one at once make it once. ``fingerprint`` is that of the binaries.
    Raises SandboxError, and whatever ``make`` raises.
    """
    layer = request.layer
    if layer is None:
        raise SandboxError("the request names no layer")
    place = _folder() / f"{layer.name}-{_key(request, fingerprint)[:16]}"
    if kept := _used(place):
        return kept
    lock = _lock(place)
    try:
        lock.acquire(timeout=0.1)
    except Timeout:
        progress(f"sandbox: layer {layer.name} is being made by another build, waiting for it")
        lock.acquire()
    try:
        if kept := _used(place):
            return kept
        progress(f"sandbox: making layer {layer.name}, once: {len(layer.commands)} commands")
        begun = time.monotonic()
        unfinished = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}{place.name}-", dir=_folder()))
        try:
            make(unfinished)
            about = {"layout": _LAYOUT, "name": layer.name, "commands": layer.commands, "binaries": fingerprint}
            (unfinished / _ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            # What is there under this name is no layer, else it would have been used.
            shutil.rmtree(place, ignore_errors=True)
            unfinished.rename(place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        progress(f"sandbox: layer {layer.name} is kept, after {time.monotonic() - begun:.1f} s")
        if kept := _used(place):
            return kept
        raise SandboxError(f"the layer {layer.name} could not be kept in {place}")
    finally:
        lock.release()


def run_commands(layer: Layer, environment: Mapping[str, str], progress: Progress) -> None:
    """Runs the layer's commands, each in a shell of its own, in the home directory.

    Raises SandboxError that names the definition, with the output of the command that failed.
    """
    for number, command in enumerate(layer.commands, 1):
        progress(f"sandbox: layer {layer.name}, {number}/{len(layer.commands)}: {command.splitlines()[0]}")
        told = f"layer {layer.name}: `{command.splitlines()[0]}`"
        remedy = f"Correct `layers.{layer.name}.run` in mkdocs.yml"
        try:
            code, output = _run(command, environment)
        except subprocess.TimeoutExpired as error:
            message = f"{told} did not end within {_COMMAND_SECONDS:.0f} s"
            raise SandboxError(message, where=layer.location, remedy=remedy) from error
        except OSError as error:
            raise SandboxError(f"{told} cannot be run: {error}", where=layer.location) from error
        if code != 0:
            details = "\n".join(output.rstrip().splitlines()[-20:])
            message = f"{told} ended with exit code {code}"
            raise SandboxError(message, where=layer.location, remedy=remedy, details=details)


def _run(command: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output. Nothing that the command started is there afterwards, nor when this process is killed."""
    shell = ["/bin/bash", "--noprofile", "--norc"]
    # To a file, for a job that stays behind would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*shell, "-e", "-o", "pipefail", "-c", command],
            cwd=environment["HOME"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with ends_with_us(process):
            code = process.wait(_COMMAND_SECONDS)
        output.seek(0)
        return code, output.read().decode("utf-8", errors="replace")


def adopt_kubeconfig(kept: str, fresh: str) -> str:
    """A kubeconfig that a layer's commands changed, with the address and the credentials of another sandbox."""
    config, own = yaml.safe_load(kept), yaml.safe_load(fresh)
    for kind in ("clusters", "users"):
        entries = {entry["name"]: entry for entry in own[kind]}
        config[kind] = [entries.get(entry["name"], entry) for entry in config.get(kind) or []]
    return yaml.safe_dump(config, sort_keys=False)


def forget_layer(kept: KeptLayer) -> None:
    """Takes a layer out of the cache, at once for others."""
    # Who holds the lock is making it anew or removing it: then it is gone already.
    with contextlib.suppress(Timeout), _lock(kept.path).acquire(blocking=False):
        _remove(kept.path)


def _remove(path: Path) -> None:
    """Removes a folder at once for others, and then its content; the caller holds its lock."""
    unfinished = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}{path.name}-", dir=_folder()))
    try:
        path.rename(unfinished / "layer")
    except OSError:
        pass  # somebody else did
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def kept_layers() -> tuple[KeptLayer, ...]:
    """All layers in the cache, by name."""
    found = [_read(path) for path in sorted(_folder().iterdir()) if path.is_dir()]
    return tuple(layer for layer in found if layer)


def prune_layers(fingerprints: Collection[str], now: Callable[[], float] = time.time) -> tuple[Path, ...]:
    """Removes layers of other binaries, layers nobody used for a month, and what killed builds left; returns them.

    ``fingerprints`` are those of the binaries here: of the core, and of the core with Istio's.
    """
    removed = []
    for path in sorted(_folder().iterdir()):
        if not path.is_dir():
            continue
        place = path
        if path.name.startswith(_UNFINISHED):
            # Behind the layer's name is what tempfile added.
            place = path.with_name(path.name.removeprefix(_UNFINISHED).rpartition("-")[0] or path.name)
        # Locked while somebody makes it, however long its commands take.
        with contextlib.suppress(Timeout), _lock(place).acquire(blocking=False):
            layer = _read(path)
            useless = layer is None or _about(path).get("binaries") not in fingerprints
            if useless or (layer and now() - layer.used > UNUSED_SECONDS):
                _remove(path)
                removed.append(path)
    return tuple(removed)


def _lock(place: Path) -> FileLock:
    """Held by who makes or removes that layer. Its file stays: another one under its name would be another lock."""
    return FileLock(place.with_name(f"{place.name}.lock"), mode=0o600)


def _folder() -> Path:
    folder = cache_dir() / "layers"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _key(request: SandboxRequest, fingerprint: str) -> str:
    commands = request.layer.commands if request.layer else ()
    asked = [request.kubernetes, request.nodes, request.istio, request.gateway_api, commands]
    return fingerprint_of(str(_LAYOUT), fingerprint, json.dumps(asked))


def _used(path: Path) -> KeptLayer | None:
    layer = _read(path)
    if layer:
        try:
            os.utime(path / _ABOUT)
        except FileNotFoundError:
            return None  # another build has just forgotten it
    return layer


def _read(path: Path) -> KeptLayer | None:
    """What is kept there; None if it is no layer of ours, or is being removed in this moment."""
    about = _about(path)
    if about.get("layout") != _LAYOUT:
        return None
    try:
        used = (path / _ABOUT).stat().st_mtime
        return KeptLayer(path, about["name"], tuple(about["commands"]), sum(_sizes(path)), used)
    except FileNotFoundError:
        return None


def _about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _sizes(path: Path) -> Iterator[int]:
    for file in path.rglob("*"):
        yield file.lstat().st_size
