from __future__ import annotations

import subprocess
from pathlib import Path

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
