from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.sandbox.environment import make_tools, session_environment


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder on PATH with a kubectl plugin, a kubectl, and a grep that lies."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("kubectl-foo", "kubectl", "grep", "only-here"):
        (folder / name).write_text("#!/bin/sh\necho hostile\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_only_listed_tools_and_the_systems_own_first(tmp_path: Path, hostile: Path) -> None:
    tools = make_tools(tmp_path / "tools", path=str(hostile))
    names = {path.name for path in tools.iterdir()}
    assert {"bash", "sh", "cat", "grep", "sed", "awk", "diff", "curl"} <= names
    assert not names & {"kubectl-foo", "kubectl", "only-here", "git", "docker", "python3"}
    assert (tools / "grep").readlink().parent != hostile


def test_a_tool_the_system_lacks_comes_from_path(
    tmp_path: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hostile / "yq").write_text("#!/bin/sh\n", encoding="utf-8")
    (hostile / "yq").chmod(0o755)
    monkeypatch.setattr("kubetalk.sandbox.environment._SYSTEM_FOLDERS", (str(tmp_path / "none"), "/usr/bin", "/bin"))
    monkeypatch.setattr("kubetalk.sandbox.environment._TOOLS", ("bash", "cat", "env", "grep", "sed", "sh", "yq"))
    tools = make_tools(tmp_path / "tools", path=str(hostile))
    assert (tools / "yq").exists()


def test_sandboxes_share_one_folder_of_links(tmp_path: Path, hostile: Path) -> None:
    one, other = make_tools(tmp_path / "one"), make_tools(tmp_path / "other")
    assert one.resolve() == other.resolve()
    third = make_tools(tmp_path / "third", path=str(hostile))
    assert {path.name for path in third.iterdir()} == {path.name for path in one.iterdir()}


@pytest.mark.parametrize("script", ["rm sh", "ln -sf /bin/false grep", "touch git", "echo >> kubetalk-no-editor"])
def test_a_session_that_changed_the_links_changes_no_later_one(tmp_path: Path, script: str) -> None:
    before = make_tools(tmp_path / "one")
    links = {path.name: path.resolve() for path in before.iterdir()}
    editor = (before / "kubetalk-no-editor").read_text(encoding="utf-8")
    subprocess.run(["bash", "-c", script], cwd=before, timeout=30, check=True)
    after = make_tools(tmp_path / "two")
    assert {path.name: path.resolve() for path in after.iterdir()} == links
    assert (after / "kubetalk-no-editor").read_text(encoding="utf-8") == editor
    assert [path.name for path in after.resolve().parent.iterdir()] == [after.resolve().name]


def test_several_that_make_them_at_once(tmp_path: Path) -> None:
    def make(number: int) -> tuple[Path, bool]:
        folder = make_tools(tmp_path / str(number))
        return folder.resolve(), (folder / "sh").exists()

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(make, range(64)))
    assert [there for _, there in made] == [True]


def test_what_may_not_be_listed_is_looked_into(tmp_path: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With mode 0711 a folder tells nobody what it holds, and lets everybody run it."""
    (hostile / "yq").write_text("#!/bin/sh\n", encoding="utf-8")
    (hostile / "yq").chmod(0o755)
    scandir = os.scandir

    def refused(folder: str) -> Any:
        if folder == str(hostile):
            raise PermissionError
        return scandir(folder)

    monkeypatch.setattr("os.scandir", refused)
    monkeypatch.setattr("kubetalk.sandbox.environment._SYSTEM_FOLDERS", ("/usr/bin", "/bin"))
    monkeypatch.setattr("kubetalk.sandbox.environment._TOOLS", ("bash", "cat", "env", "grep", "sed", "sh", "yq"))
    assert (make_tools(tmp_path / "tools", path=f"{tmp_path / 'none'}:{hostile}") / "yq").exists()


def test_no_place_for_the_links(tmp_path: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tools").write_text("", encoding="utf-8")
    with pytest.raises(SandboxError, match="the links to this system's tools cannot be made"):
        make_tools(tmp_path / "tools")


def test_a_relative_folder_of_path_is_left_out(tmp_path: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubetalk.sandbox.environment._TOOLS", ("bash", "cat", "env", "grep", "sed", "sh", "only-here"))
    monkeypatch.chdir(hostile.parent)
    absolute = make_tools(tmp_path / "absolute", path=str(hostile))
    relative = make_tools(tmp_path / "relative", path=f"{hostile.name}:.")
    assert {path.name for path in absolute.iterdir()} - {path.name for path in relative.iterdir()} == {"only-here"}


def test_without_a_shell_there_is_no_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubetalk.sandbox.environment._SYSTEM_FOLDERS", ())
    with pytest.raises(SandboxError, match="this system has no bash and no cat"):
        make_tools(tmp_path / "tools", path=str(tmp_path))


def test_what_a_shell_sees(tmp_path: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = tmp_path / "startup"
    startup.write_text("alias ls='echo aliased'\necho started\n", encoding="utf-8")
    for name in ("BASH_ENV", "ENV", "KUBECONFIG", "AWS_SECRET_ACCESS_KEY", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.setenv(name, str(startup))
    monkeypatch.setenv("PATH", str(hostile), prepend=":")
    tools = make_tools(tmp_path / "tools")
    environment = session_environment(folders=(tools,), home=tmp_path, kubeconfig=tmp_path / "kubeconfig")
    script = "shopt -s expand_aliases; kubectl-foo; only-here; ls -d /; echo x | grep x; env | sort"
    command = [str(tools / "bash"), "--noprofile", "--norc", "-c", script]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=30, check=True)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["/", "x"]
    assert "kubectl-foo: command not found" in done.stderr
    assert "only-here: command not found" in done.stderr
    seen = {line.split("=")[0] for line in lines[2:]}
    assert seen == {*environment, "PWD", "SHLVL", "_"}


def test_the_editor_says_what_to_do(tmp_path: Path) -> None:
    tools = make_tools(tmp_path / "tools")
    environment = session_environment(folders=(tools,), home=tmp_path, kubeconfig=tmp_path / "kubeconfig")
    command = [environment["KUBE_EDITOR"], "file"]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "set KUBE_EDITOR" in done.stderr
