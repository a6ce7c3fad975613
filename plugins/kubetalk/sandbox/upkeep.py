"""The functions behind `kubetalk sandbox build`, `versions` and `prune`: what is kept on a machine between builds."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from kubetalk.errors import BuildError, SandboxError
from kubetalk.model import ProviderSettings
from kubetalk.sandbox.binaries import Binary, ensure_binary, find_binary, prune_binaries, prune_toolchains
from kubetalk.sandbox.context import ContextProvider
from kubetalk.sandbox.environment import TOOLS_FOLDER
from kubetalk.sandbox.external import fingerprint_of
from kubetalk.sandbox.kept import all_places, is_up
from kubetalk.sandbox.kind import prune_clusters
from kubetalk.sandbox.layers import KeptLayer, kept_layers, prune_layers
from kubetalk.sandbox.places import cache_dir, prune_dead
from kubetalk.sandbox.progress import shown_on
from kubetalk.sandbox.recipe import load_recipe

SEED_SECONDS = 30 * 24 * 3600.0
"""A seed older than this is removed; another one is made by the next start, which takes a second longer."""
# Writing a seed takes a fraction of a second.
_UNFINISHED_SECONDS = 3600.0
_SEED = re.compile(r"seed-[0-9a-f]{64}\.snapshot")
_TOOLS = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Inside:
    """What the sandbox is made of here."""

    core: Binary | None
    """None if it has to be built first."""
    istio: Binary | None
    versions: Mapping[str, str]
    """Of the core: the binary's, else those it will be built with."""
    fingerprint: str
    emulates: tuple[str, ...]
    layers: tuple[KeptLayer, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `prune` removed, and what it had to leave."""

    files: tuple[Path, ...]
    clusters: tuple[str, ...]
    """In Docker."""
    namespaces: tuple[str, ...]
    """On the existing cluster that the configuration names."""
    sandboxes: tuple[str, ...]
    """Forgotten, as they are no longer running."""
    left: tuple[str, ...]
    """One sentence each, with the reason."""


def build(
    settings: ProviderSettings, *, istio: bool = False, force: bool = False, stream: TextIO | None = None
) -> Mapping[str, Binary]:
    """Gets the binaries, building what has to be, with progress on ``stream`` (standard error); by module.

    Raises BuildError.
    """
    stream = stream or sys.stderr

    def say(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    built = {}
    for module in ("core", *(("istio",) if istio else ())):
        found = None if force else find_binary(settings, module)
        if found is None:
            with shown_on(stream) as watch:
                found = ensure_binary(settings, say, module=module, watch=watch, force=force)
        built[module] = found
    return built


def versions(settings: ProviderSettings) -> Inside:
    """What is inside the sandbox, and where its binaries are.

    Raises SandboxError.
    """
    core, recipe = find_binary(settings), load_recipe()
    return Inside(
        core,
        _istio_binary(settings),
        dict(core.versions if core else recipe.versions),
        core.fingerprint if core else recipe.sources_key,
        recipe.emulates,
        kept_layers(),
    )


def prune(settings: ProviderSettings | None = None) -> Pruned:
    """Removes what killed builds and old versions left behind, and layers and seeds nobody uses any more.

    Raises SandboxError.
    """
    settings = settings or ProviderSettings()
    files = [*prune_dead(), *prune_binaries(), *prune_toolchains(), *prune_layers(_fingerprints(settings))]
    files += [*prune_seeds(), *prune_tools()]
    clusters, others = prune_clusters()
    left = [
        f"cluster {name}: nothing here says that its build was killed; another user may have made it" for name in others
    ]
    namespaces: tuple[str, ...] = ()
    existing = ContextProvider(settings)
    if settings.name == "context":
        try:
            namespaces = existing.prune()
        except SandboxError as error:
            left.append(f"namespaces of killed builds on context {settings.context}: {error.message}")
    left += existing.left_elsewhere()
    forgotten = tuple(path.stem for path in all_places() if not is_up(path))
    return Pruned(tuple(files), clusters, namespaces, forgotten, tuple(left))


def prune_seeds(now: Callable[[], float] = time.time) -> tuple[Path, ...]:
    """Removes old seeds, whose names do not say of which version they are, and half-written ones; returns them."""
    return _prune_old(cache_dir() / "seeds", _SEED, now)


def prune_tools(now: Callable[[], float] = time.time) -> tuple[Path, ...]:
    """Removes folders of links to tools that no start used for as long as a seed is kept; returns them."""
    return _prune_old(cache_dir() / TOOLS_FOLDER, _TOOLS, now)


def _prune_old(folder: Path, finished: re.Pattern[str], now: Callable[[], float]) -> tuple[Path, ...]:
    removed = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        kept = SEED_SECONDS if finished.fullmatch(path.name) else _UNFINISHED_SECONDS
        try:
            if now() - path.stat().st_mtime > kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed.append(path)
        except FileNotFoundError:
            continue  # somebody else did, or it was finished
    return tuple(removed)


def _istio_binary(settings: ProviderSettings) -> Binary | None:
    try:
        return find_binary(settings, "istio")
    except BuildError:
        return None  # a folder with the core's binary alone is complete


def _fingerprints(settings: ProviderSettings) -> tuple[str, ...]:
    """Of what a layer can have been made with here: the core alone, and with Istio's binary."""
    core, istio = find_binary(settings), _istio_binary(settings)
    if core is None:
        return ()
    return (core.fingerprint, *([fingerprint_of(core.fingerprint, istio.fingerprint)] if istio else []))
