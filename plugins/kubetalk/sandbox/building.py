"""Builds a sandbox binary with Go, telling at each moment how far it is and, when it fails, why in one line."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kubetalk.errors import BuildError
from kubetalk.sandbox.ending import ends_with_us, undisturbed
from kubetalk.sandbox.places import is_alive
from kubetalk.sandbox.recipe import ModuleFolder, Recipe
from kubetalk.sandbox.toolchain import Go

_TICK_SECONDS = 1.0
_TIMEOUT = 2 * 3600.0
# Measured: 3,035 packages leave 3.2 GB in Go's cache; the linker writes the binary twice.
_BYTES_PER_PACKAGE = 1_100_000
_BYTES_TO_LINK = 500_000_000
# What a build may know of this machine: where the caches and the network are, nothing that changes the result.
_PASSED_ON = (
    *("HOME", "PATH", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LANG"),
    *("GOCACHE", "GOMODCACHE", "GOPATH", "GOTMPDIR", "GOENV", "GOINSECURE", "GOAUTH", "NETRC"),
    *("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@dataclass(frozen=True, slots=True)
class BuildStep:
    """How far a build is."""

    phase: str
    """``downloading``, ``checking`` (what Go's cache has already), ``compiling`` or ``linking``."""
    done: int
    """Modules downloaded, or packages that Go's cache has by now."""
    total: int
    """Packages in all; 0 while it is not known."""
    current: str
    elapsed: float
    """Seconds since the build began."""


Watch = Callable[[BuildStep], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What came out of a build."""

    path: Path
    versions: dict[str, str]
    seconds: float


def build(recipe: Recipe, go: Go, target: Path, watch: Watch) -> Built:
    """Builds into ``target``, which appears at once and complete, after the programs beside it.

    An interrupted build goes on where it was, by Go's own cache; a change of our sources compiles those and links.

    Raises BuildError.
    """
    started = time.monotonic()
    environment = build_environment(recipe, go)
    packages = _packages(recipe, recipe.package, go, environment, watch, started)
    _check_disk(go, environment, target, packages.missing)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = {target.with_name(name): package for name, package in recipe.beside.items()}
    unfinished = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in (target, *beside)}
    for path in unfinished:
        _remove_unfinished(path)
    try:
        command = [str(go.path), "build", "-v", "-p", "2", *recipe.build_flags]
        command += ["-ldflags", " ".join(recipe.ldflags), "-o"]
        _compile([*command, str(unfinished[target]), recipe.package], recipe, environment, packages, watch, started)
        versions = ask_versions(unfinished[target])
        # What they consist of is nearly all compiled by now, and one link at a time is enough for a small machine.
        for path, package in beside.items():
            packages = _packages(recipe, package, go, environment, lambda _: None, started)
            _compile([*command, str(unfinished[path]), package], recipe, environment, packages, watch, started)
        for folder in recipe.folders:
            _copy_folder(folder, recipe, go, environment, target.parent)
        for path in (*beside, target):
            unfinished[path].replace(path)
    except OSError as error:
        raise BuildError(f"the sandbox binary cannot be written to {target.parent}: {error}") from error
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)
    return Built(target, versions, time.monotonic() - started)


def _remove_unfinished(target: Path) -> None:
    """What builds left that were killed while they linked: up to the size of the program each."""
    for path in target.parent.glob(f".{target.name}.*"):
        pid = path.suffix.removeprefix(".")
        if pid.isdecimal() and not is_alive(int(pid)):
            path.unlink(missing_ok=True)


def build_environment(recipe: Recipe, go: Go) -> dict[str, str]:
    """The environment of `go build`, and of `go vet` and `go test` if they are to share its cache."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["PATH"] = os.pathsep.join([str(go.path.parent), environment.get("PATH", os.defpath)])
    return environment | {"GOWORK": "off", "GOTOOLCHAIN": "local"} | dict(recipe.env)


def _copy_folder(folder: ModuleFolder, recipe: Recipe, go: Go, environment: dict[str, str], destination: Path) -> None:
    """Copies one folder out of Go's module cache, where the build has just put it; go.sum vouches for its content."""
    done = subprocess.run(
        [go.path, "list", "-m", "-f", "{{.Dir}}", folder.module],
        cwd=recipe.source,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    source = Path(done.stdout.strip()) / folder.source
    if done.returncode != 0 or not done.stdout.strip() or not source.is_dir():
        raise BuildError(
            f"the Go module {folder.module} has no folder {folder.source}", details=done.stderr.strip()[:500]
        )
    target = destination / folder.target
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        if path.is_file():
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            # Without the modes: Go's module cache is read-only.
            shutil.copyfile(path, target / path.relative_to(source))


def ask_versions(binary: Path) -> dict[str, str]:
    """What the binary says is inside (``kubetalk-sandbox versions``).

    Raises BuildError if it does not run on this machine.
    """
    try:
        done = subprocess.run(
            [binary, "versions"],
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        told = json.loads(done.stdout)
        return {str(tool): str(version) for tool, version in told.get("versions", told).items()}
    except subprocess.CalledProcessError as error:
        reason = f"exit status {error.returncode} {error.stderr.strip()[:200]}".strip()
    except (OSError, ValueError, AttributeError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    raise BuildError(
        f"the sandbox binary {binary} does not run on this machine: {reason}",
        remedy="Build it again with `kubetalk sandbox build --force`",
    )


@dataclass(frozen=True, slots=True)
class _Packages:
    """What goes into a program."""

    stale: dict[str, bool]
    """By import path, the program itself last; True for those that have to be compiled."""

    @property
    def program(self) -> str:
        return next(reversed(self.stale), "")

    @property
    def missing(self) -> int:
        return sum(self.stale.values())


def _packages(
    recipe: Recipe, package: str, go: Go, environment: dict[str, str], watch: Watch, started: float
) -> _Packages:
    """Each package that goes into the program of ``package``; downloads what is missing."""
    command = [str(go.path), "list", "-deps", *recipe.build_flags, "-f", "{{.Stale}} {{.ImportPath}}", package]
    complaints: list[str] = []
    downloaded = 0
    current = ""
    stale: dict[str, bool] = {}
    with _running(command, recipe.source, environment) as (process, lines):
        for stream, line in _until_end(process, lines, started):
            if stream == "out":
                is_stale, _, name = line.partition(" ")
                stale[name] = is_stale == "true"
            elif line.startswith("go: downloading "):
                downloaded += 1
                current = line.removeprefix("go: downloading ")
            elif stream == "err":
                complaints.append(line)
            watch(BuildStep("downloading", downloaded, 0, current, time.monotonic() - started))
    if process.returncode != 0:
        raise diagnose(complaints, process.returncode)
    return _Packages(stale)


def _compile(
    command: Sequence[str],
    recipe: Recipe,
    environment: dict[str, str],
    packages: _Packages,
    watch: Watch,
    started: float,
) -> None:
    total = len(packages.stale)
    begun: set[str] = set()
    complaints: list[str] = []
    current, phase = "", "checking"
    with _running(command, recipe.source, environment) as (process, lines):
        for stream, line in _until_end(process, lines, started):
            if line in packages.stale:
                # A name is told when its compiler starts, in no order that says how much is done.
                begun.add(line)
                current = line
                phase = "linking" if line == packages.program else "compiling"
            elif stream:
                complaints.append(line)
            elif phase == "checking" and _is_linking(process.pid):
                phase = "linking"
            done = min(total, total - packages.missing + max(0, len(begun) - 1))
            watch(BuildStep(phase, done, total, current, time.monotonic() - started))
    if process.returncode != 0:
        raise diagnose(complaints, process.returncode)


def _is_linking(group: int) -> bool:
    """Whether the linker runs; when the cache has every package, Go does not tell. Only Linux can answer."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            head, _, tail = path.read_text(encoding="utf-8", errors="replace").rpartition(")")
            if head.endswith("(link") and int(tail.split()[2]) == group:
                return True
    return False


_CAUSES = (  # what go, compile and link say, what it means, what to do
    (
        r"no space left on device|disk quota exceeded",
        "the disk is full",
        "Free about 6 GB, then run it again: it goes on where it was",
    ),
    (
        r"signal: killed|cannot allocate memory|out of memory",
        "the compiler or linker was killed, most likely for want of memory (linking needs about 2.5 GB)",
        "End other programs, then run it again: it goes on where it was",
    ),
    (
        r"no such host|name resolution|refused|unreachable|timeout|no route|reset by peer|lookup disabled|proxyconnect",
        "the Go modules cannot be downloaded, the network does not answer",
        "Check the network and the proxy settings, then run it again: it goes on where it was",
    ),
    (
        r"requires go >=|go\.mod requires|toolchain not available",
        "Go is too old for the sandbox",
        "Install a newer Go, or remove it from PATH so that one is fetched",
    ),
    (
        r"checksum mismatch|SECURITY ERROR",
        "a downloaded Go module is not what go.sum says it is",
        "Do not work around it: `go clean -modcache` and run it again on a network you trust",
    ),
    (r"permission denied", "a file cannot be written", "See which one below"),
)


def diagnose(complaints: Sequence[str], status: int) -> BuildError:
    """The error for a failed `go`, from what it said; its last lines are the details."""
    text = "\n".join(complaints)
    details = "\n".join([line for line in complaints if line.strip() and not line.startswith("#")][-3:])
    for pattern, cause, remedy in _CAUSES:
        if re.search(pattern, text):
            return BuildError(f"the sandbox binary could not be built: {cause}", remedy=remedy, details=details)
    return BuildError(f"the sandbox binary could not be built: go ended with exit status {status}", details=details)


def _check_disk(go: Go, environment: dict[str, str], target: Path, missing: int) -> None:
    """Says so before ten minutes of work instead of after, when the disk is nearly full."""
    done = subprocess.run(
        [go.path, "env", "GOCACHE"], cwd="/", env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    cache = Path(done.stdout.strip() or "/")
    while not cache.is_dir():
        cache = cache.parent
    needed = _BYTES_TO_LINK + missing * _BYTES_PER_PACKAGE
    existing = next(folder for folder in (target, *target.parents) if folder.is_dir())
    for folder, wanted in ((cache, needed), (existing, _BYTES_TO_LINK // 2)):
        free = shutil.disk_usage(folder).free
        if free < wanted:
            raise BuildError(
                f"building needs {wanted / 1e9:.1f} GB on the disk of {folder}, {free / 1e9:.1f} GB are free",
                remedy="Free some, or set GOCACHE and XDG_CACHE_HOME to folders on another disk",
            )


@contextmanager
def _running(
    command: Sequence[str], cwd: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], queue.SimpleQueue[tuple[str, str]]]]:
    """A `go` in its own process group, its lines as they come; however we end, it ends with its compilers."""
    lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    with contextlib.ExitStack() as stack:
        with undisturbed():
            try:
                process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as error:
                raise BuildError(f"{command[0]} cannot be started: {error}") from error
            streams = [(stream, name) for stream, name in ((process.stdout, "out"), (process.stderr, "err")) if stream]
            readers = [threading.Thread(target=_read, args=(*given, lines), daemon=True) for given in streams]
            for (stream, _), reader in zip(streams, readers, strict=True):
                stack.callback(stream.close)
                stack.callback(reader.join)
                reader.start()
            # The linker says nothing for a minute: no broken pipe would tell it that this process was killed.
            stack.enter_context(ends_with_us(process))
        yield process, lines


def _read(stream: IO[str], name: str, lines: queue.SimpleQueue[tuple[str, str]]) -> None:
    for line in stream:
        lines.put((name, line.rstrip("\n")))
    lines.put(("", name))


def _until_end(
    process: subprocess.Popen[str], lines: queue.SimpleQueue[tuple[str, str]], started: float
) -> Iterator[tuple[str, str]]:
    """(stream, line) as they come, and ("", "") at least once a second; ends when both streams and the process have."""
    open_streams = {"out", "err"}
    while open_streams:
        try:
            stream, line = lines.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            if time.monotonic() - started > _TIMEOUT:
                raise BuildError(f"the build did not end within {_TIMEOUT / 3600:.0f} hours") from None
            yield "", ""
            continue
        if stream:
            yield stream, line
        else:
            open_streams.discard(line)
    process.wait(timeout=60)
