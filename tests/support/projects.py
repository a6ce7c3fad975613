"""A small project on disk that the real commands run on, with a sandbox binary that nobody else's processes use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings
from kubetalk.sandbox.binaries import find_binary
from kubetalk.sandbox.recipe import load_recipe


@contextmanager
def private_binaries(*more: str, optional: tuple[str, ...] = ()) -> Iterator[Path]:
    """A folder with the binaries that a build uses, so that their processes can be told from all others.

    The core's, and those of ``more`` and ``optional`` (`istio`); only the last ones may be missing. With
    KUBETALK_TEST_BINARIES=FOLDER they are those of that folder. At the end no process runs any of them.
    """
    with tempfile.TemporaryDirectory(prefix="kt-binaries-") as name:
        folder = Path(name).resolve()
        # An ordinary user has to reach it too.
        folder.chmod(0o755)
        for module in ("core", *more, *optional):
            _add_binary(module, folder, may_miss=module in optional)
        yield folder
        assert programs_of(folder) == {}


def _add_binary(module: str, folder: Path, *, may_miss: bool) -> None:
    try:
        found = find_binary(ProviderSettings(binaries=os.environ.get("KUBETALK_TEST_BINARIES", "")), module)
    except SandboxError as error:
        found, missing = None, str(error)
    else:
        missing = "no sandbox binary: run `kubetalk sandbox build --istio`"
    if found is None:
        if not may_miss:
            pytest.fail(missing)
        return
    for program in (found.path, *(found.path.with_name(name) for name in load_recipe(module).beside)):
        target = folder / program.name
        try:
            target.hardlink_to(program.resolve())
        except OSError:
            shutil.copyfile(program, target)
        target.chmod(0o755)
    if found.about.is_file():
        shutil.copyfile(found.about, folder / found.about.name)
    if (found.path.parent / "share").is_dir():
        shutil.copytree(found.path.parent / "share", folder / "share", dirs_exist_ok=True)


class Project:
    """A project folder and the commands of an author in it."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self.temporary = Path(tempfile.mkdtemp(prefix="kt-"))
        """TMPDIR of all commands; short, for the sake of Unix sockets."""
        self.write(
            {
                "mkdocs.yml": "site_name: X\nsite_url: https://example.org/\ntheme: {name: material, font: false}\n"
                f"plugins:\n  - kubetalk:\n      provider: {{name: embedded, binaries: '{binaries}'}}\n"
            }
        )

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write({name: text.replace(old, new)})

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def environment(self, execution: str = "") -> dict[str, str]:
        own = {
            "XDG_CACHE_HOME": str(self.folder.parent / "cache"),
            "TMPDIR": str(self.temporary),
            "KUBETALK_EXECUTION": execution,
            "NO_MKDOCS_2_WARNING": "1",
        }
        return {**os.environ, **own}

    def kubetalk(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "kubetalk.cli", *arguments], "", timeout)

    def build(self, execution: str = "auto", timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "mkdocs", "build", "--strict"], execution, timeout)

    @contextmanager
    def running(self, *module: str, until: str) -> Iterator[subprocess.Popen[str]]:
        """``python -m MODULE…`` in mode live, as soon as it has told of ``until``; what it tells is one stream."""
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=self.folder,
            env=self.environment("live"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        with process, process.stdout:
            try:
                assert any(until in line for line in process.stdout), f"it ended without a word of {until!r}"
                yield process
            finally:
                process.terminate()

    def _run(self, command: list[str], execution: str, timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(execution),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def contents(self, folder: str) -> dict[str, bytes]:
        """Every file below a folder."""
        base = self.folder / folder
        return {path.relative_to(base).as_posix(): path.read_bytes() for path in base.rglob("*") if path.is_file()}


def programs_of(folder: Path, word: str = "") -> dict[int, str]:
    """Every process that runs a program of that folder, with its command line; only those with that word in it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "exe").readlink().is_relative_to(folder):
                line = (path / "cmdline").read_text(encoding="utf-8").replace("\0", " ")
                if word in line:
                    found[int(path.name)] = line
        except OSError:
            continue
    return found


def descendants(pid: int) -> dict[int, str]:
    """Every process below that one, with its name and start time: an id that is given again is another process."""
    parents: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (path / "stat").read_text(encoding="utf-8").rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        parents[int(path.name)] = (int(fields[1]), f"{name.partition('(')[2]} {fields[19]}")
    found: dict[int, str] = {}
    below = [pid]
    while below:
        current = below.pop()
        for child, (parent, name) in parents.items():
            if parent == current:
                found[child] = name
                below.append(child)
    return found


def still_running(processes: Mapping[int, str]) -> dict[int, str]:
    """Those of them that are there yet, zombies left out."""
    found = {}
    for pid, name in processes.items():
        try:
            told, _, rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if fields[0] not in {"Z", "X"} and f"{told.partition('(')[2]} {fields[19]}" == name:
            found[pid] = name
    return found


def eventually(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Waits for a condition and returns how long that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, what
        time.sleep(0.02)
    return time.monotonic() - begun
