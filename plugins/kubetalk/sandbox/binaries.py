"""Finds the sandbox binary: a named folder, the installed wheel, the user's cache, else building it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from kubetalk.errors import BuildError
from kubetalk.model import Progress, ProviderSettings
from kubetalk.sandbox.building import Watch, ask_versions, build
from kubetalk.sandbox.ending import end_on_sigterm
from kubetalk.sandbox.places import cache_dir
from kubetalk.sandbox.progress import plain
from kubetalk.sandbox.recipe import Recipe, load_recipe
from kubetalk.sandbox.toolchain import find_go, pinned_version, toolchain_name

WHEELS = {"core": "kubetalk_sandbox", "istio": "kubetalk_istio"}
"""Packages that hold a binary in their folder `bin`; scripts/_wheels.py makes them."""

# Measured on two idle cores without any cache.
_MINUTES = {"core": 8, "istio": 6}
KEPT_BINARIES = 2


@dataclass(frozen=True, slots=True)
class Binary:
    """A sandbox binary that is there."""

    path: Path
    origin: str
    """``folder``, ``wheel`` or ``cache``."""
    versions: Mapping[str, str]
    fingerprint: str
    """The key of its sources, or of its bytes where nothing says what it was built from."""

    @property
    def supervisor(self) -> Path:
        """The program beside the core's that runs a sandbox (``beside`` in its build.json)."""
        return self.path.with_name("kubetalk-supervisor")

    @property
    def about(self) -> Path:
        """The file beside it that says what it was built from; a binary in a named folder need not have one."""
        return _about(self.path)


def find_binary(settings: ProviderSettings, module: str = "core") -> Binary | None:
    """The binary to use, or None if it has to be built first.

    Raises BuildError if a folder is named in the settings but holds no working binary, and if the installed wheel was
    built from other sources than this kubetalk's.
    """
    recipe = load_recipe(module)
    if settings.binaries:
        return _in_folder(Path(settings.binaries).expanduser(), recipe)
    return _installed(recipe, WHEELS[module]) or _in_cache(recipe)


def ensure_binary(
    settings: ProviderSettings,
    progress: Progress,
    *,
    module: str = "core",
    watch: Watch | None = None,
    force: bool = False,
) -> Binary:
    """The binary to use, built if it has to be (or if ``force`` says so), one build at a time on this machine.

    Raises BuildError.
    """
    if not force and (found := find_binary(settings, module)):
        return found
    recipe = load_recipe(module)
    # A compiler or linker that outlived this program would go on without the lock.
    end_on_sigterm()
    with _one_build_at_a_time(progress):
        # Somebody else's build may just have made it.
        if not force and (found := _in_cache(recipe)):
            return found
        go = find_go(recipe.go, progress)
        minutes = f"about {_MINUTES[module]} minutes on two cores"
        progress(f"sandbox: building {recipe.binary} with Go {go.version}, once; {minutes}")
        folder = cache_dir() / "binaries" / f"{_cache_name(recipe)}-go{go.version}"
        built = build(recipe, go, folder / recipe.binary, watch or plain(progress))
        about = {"sources": recipe.sources_key, "go": go.version, "versions": built.versions}
        _about(built.path).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        progress(f"sandbox: built {recipe.binary} in {built.seconds:.0f} s")
    return _described(built.path, "cache")


def prune_binaries() -> tuple[Path, ...]:
    """Removes cached binaries that nothing here would use, except the `KEPT_BINARIES` newest; returns them."""
    folders = sorted(_cached("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    current = {_cache_name(load_recipe(module)) for module in WHEELS}
    removed = []
    for folder in folders[KEPT_BINARIES:]:
        if not any(folder.name.startswith(name) for name in current):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return tuple(removed)


def prune_toolchains() -> tuple[Path, ...]:
    """Removes what was fetched to build with and is not what would be fetched today, unless a build is running."""
    folder = cache_dir() / "toolchain"
    removed = []
    build_lock, fetch_lock = (FileLock(path, mode=0o600) for path in (cache_dir() / "build.lock", folder / "lock"))
    with contextlib.suppress(Timeout):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir() and path.name != toolchain_name(pinned_version()):
                with build_lock.acquire(blocking=False), fetch_lock.acquire(blocking=False):
                    shutil.rmtree(path, ignore_errors=True)
                removed.append(path)
    return tuple(removed)


def _installed(recipe: Recipe, package: str) -> Binary | None:
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(location) / "bin" / recipe.binary).is_file():
            binary = _described(path, "wheel")
            # Neither used in silence, as a page would claim what it does not have, nor passed over in silence.
            if binary.fingerprint != recipe.sources_key:
                name = package.replace("_", "-")
                raise BuildError(
                    f"the installed wheel {name} was built from other sources than those of this kubetalk",
                    remedy=f"`pip install --upgrade kubetalk {name}`, or uninstall {name} to have it built here",
                )
            return binary
    return None


def _cache_name(recipe: Recipe) -> str:
    return f"{recipe.binary}-{recipe.sources_key[:16]}-{platform.system().lower()}-{platform.machine().lower()}"


def _cached(pattern: str) -> list[Path]:
    return [path for path in (cache_dir() / "binaries").glob(pattern) if path.is_dir()]


def _in_cache(recipe: Recipe) -> Binary | None:
    """Whichever Go built it: that the toolchain was updated or removed does not make a binary wrong."""
    candidates = [folder / recipe.binary for folder in _cached(f"{_cache_name(recipe)}-go*")]
    complete = [path for path in candidates if all(part.is_file() for part in _parts(path, recipe))]
    if not complete:
        return None
    return _described(max(complete, key=lambda path: path.stat().st_mtime), "cache")


def _in_folder(folder: Path, recipe: Recipe) -> Binary:
    for name in (recipe.binary, *recipe.beside):
        if not os.access(folder / name, os.X_OK):
            raise BuildError(
                f"there is no program {name} in {folder}",
                remedy="Correct `provider: {binaries: …}`, or remove it so that the binary is found or built",
            )
    return _described((folder / recipe.binary).absolute(), "folder")


def _parts(path: Path, recipe: Recipe) -> list[Path]:
    """The files that a build leaves, folders apart."""
    return [path, _about(path), *(path.with_name(name) for name in recipe.beside)]


def _about(path: Path) -> Path:
    """Lies beside a binary and says what it was built from."""
    return path.with_name(f"{path.name}.json")


def _described(path: Path, origin: str) -> Binary:
    status = path.stat()
    versions, fingerprint = _facts(path, status.st_size, status.st_mtime_ns)
    return Binary(path, origin, versions, fingerprint)


@lru_cache(maxsize=16)
def _facts(path: Path, size: int, changed: int) -> tuple[Mapping[str, str], str]:
    del size, changed  # they make the cache forget a binary that was replaced
    try:
        about = json.loads(_about(path).read_text(encoding="utf-8"))
        return dict(about["versions"]), str(about["sources"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BuildError(
            f"{_about(path)} cannot be used: {error!r}", remedy="Run `kubetalk sandbox build --force`"
        ) from error
    with path.open("rb") as file:
        return ask_versions(path), hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _one_build_at_a_time(progress: Progress) -> Iterator[None]:
    """Linking takes 2.5 GB and compiling every core: the second build waits, and says so."""
    lock = FileLock(cache_dir() / "build.lock", mode=0o600)
    try:
        lock.acquire(timeout=0.1)
    except Timeout:
        progress("sandbox: another build is running on this machine, waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
