"""A sandbox binary that is a small script, a cache of the test's own, and a way to see that processes are gone."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubetalk.model import ProviderSettings

SOURCE = Path(__file__).with_name("fake_supervisor.py").read_text(encoding="utf-8")


class FakeBinary:
    """A folder with a `kubetalk-sandbox` and a `kubetalk-supervisor` in it."""

    def __init__(self, folder: Path, behaviour: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        text = SOURCE.replace('BEHAVIOUR = "good"', f"BEHAVIOUR = {behaviour!r}")
        for program in (self.program, self.supervisor):
            program.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
            program.chmod(0o755)
        self.answers: list[tuple[list[str], int, str]] = []

    @property
    def settings(self) -> ProviderSettings:
        return ProviderSettings(binaries=str(self.folder))

    @property
    def program(self) -> Path:
        return self.folder / "kubetalk-sandbox"

    @property
    def supervisor(self) -> Path:
        return self.folder / "kubetalk-supervisor"

    def answer(self, words: list[str], text: str, code: int = 0) -> None:
        self.answers.append((words, code, text))
        (self.folder / "answers").write_text(json.dumps(self.answers), encoding="utf-8")

    def seen(self) -> list[dict[str, Any]]:
        """Every start, request and kubectl call, in order."""
        path = self.folder / "seen"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kubetalk"


@pytest.fixture
def make_binary(tmp_path: Path) -> Callable[..., FakeBinary]:
    def make(behaviour: str = "good") -> FakeBinary:
        return FakeBinary(tmp_path / "binary", behaviour)

    return make


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """Where sandboxes put their files; nothing may be left there."""
    folder = tmp_path / "runs"
    yield folder
    assert not folder.exists() or list(folder.iterdir()) == []


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits for a condition of another process, on a busy machine too."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
