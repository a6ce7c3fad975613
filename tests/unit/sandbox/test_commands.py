from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import ConfigError, SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest, Settings
from kubetalk.sandbox import commands, provider_for
from kubetalk.sandbox.keeper import state_file

from .conftest import FakeBinary, eventually, is_gone

REQUEST = SandboxRequest()
NAME = commands.DEFAULT_NAME


def quiet(_: str) -> None:
    pass


@pytest.fixture
def binary(
    make_binary: Callable[..., FakeBinary], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeBinary]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield make_binary()
    for path in state_file(NAME).parent.glob("*.json"):
        commands.down(path.stem)


def keeper_pid(name: str = NAME) -> int:
    return int(json.loads(state_file(name).read_text(encoding="utf-8"))["pid"])


def test_up_and_down(binary: FakeBinary, cache: Path) -> None:
    told: list[str] = []
    text = commands.up(binary.settings, REQUEST, NAME, told.append)
    assert text.startswith("the sandbox 'default' is up: kubernetes v1.36.4")
    assert told == ["sandbox: etcd after 0.1 s"]
    state = json.loads(state_file(NAME).read_text(encoding="utf-8"))
    assert state_file(NAME).stat().st_mode & 0o777 == 0o600
    with pytest.raises(SandboxError, match="is up already"):
        commands.up(binary.settings, REQUEST, NAME, quiet)
    assert commands.down(NAME) == "the sandbox 'default' is down"
    assert not state_file(NAME).exists()
    eventually(lambda: is_gone(state["pid"]))
    assert not Path(state["directory"]).exists()
    assert list((cache / "runs").iterdir()) == []
    with pytest.raises(SandboxError) as caught:
        commands.down(NAME)
    assert str(caught.value) == "no sandbox 'default' is up. Start it with `kubetalk sandbox up`"


def test_two_names(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, "one", quiet)
    commands.up(binary.settings, REQUEST, "two", quiet)
    told = json.loads(commands.status(as_json=True))
    assert [kept["name"] for kept in told] == ["one", "two"]
    assert told[0]["parts"][0]["name"] == "etcd"
    assert "one: embedded, kubernetes v1.36.4" in commands.status()
    assert "1 MiB memory, 3 MiB disk, checkpoints: none" in commands.status()


def test_status_of_nothing() -> None:
    assert commands.status() == "no sandbox is up"
    assert commands.status(as_json=True) == "[]"


def test_checkpoint_restore_and_logs(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    assert commands.checkpoint(NAME, "a") == "saved as 'a'"
    assert commands.restore(NAME, "a") == "restored to 'a'"
    with pytest.raises(SandboxError, match="no checkpoint 'b'"):
        commands.restore(NAME, "b")
    assert commands.logs(NAME, "etcd", lines=2) == "==> etcd <==\ntwo\nthree\n"
    assert commands.logs(NAME) == "==> etcd <==\none\ntwo\nthree\n"
    with pytest.raises(SandboxError, match="there is no part 'nope'"):
        commands.logs(NAME, "nope")


def test_a_keeper_that_was_killed_is_forgotten(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    state = json.loads(state_file(NAME).read_text(encoding="utf-8"))
    os.kill(state["pid"], signal.SIGKILL)
    eventually(lambda: is_gone(state["pid"]))
    assert commands.status() == "no sandbox is up"
    eventually(lambda: commands.prune() != "nothing to remove" or not Path(state["directory"]).exists())
    assert not Path(state["directory"]).exists()


def test_a_keeper_ends_in_order_when_it_is_terminated(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    state = json.loads(state_file(NAME).read_text(encoding="utf-8"))
    os.kill(state["pid"], signal.SIGTERM)
    eventually(lambda: is_gone(state["pid"]))
    assert not state_file(NAME).exists()
    assert not Path(state["directory"]).exists()


@pytest.mark.usefixtures("binary")
def test_a_start_that_fails_says_why(make_binary: Callable[..., FakeBinary]) -> None:
    with pytest.raises(SandboxError) as caught:
        commands.up(make_binary("fails").settings, REQUEST, NAME, quiet)
    assert caught.value.message == "the sandbox failed: kube-apiserver ended with exit status 1"
    assert caught.value.details == "a\nb\nc"
    assert "logs are kept in" in caught.value.remedy
    assert commands.status() == "no sandbox is up"


@pytest.mark.usefixtures("binary")
def test_a_sandbox_that_dies_ends_its_keeper(make_binary: Callable[..., FakeBinary]) -> None:
    commands.up(make_binary("dies later").settings, REQUEST, NAME, quiet)
    pid = keeper_pid()
    with pytest.raises(SandboxError, match="killed by signal 9"):
        commands.checkpoint(NAME, "a")
    eventually(lambda: is_gone(pid))
    assert not state_file(NAME).exists()


@pytest.mark.parametrize("name", ["", "A", "a/b", "../x", "-a", "a" * 40])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(SandboxError, match="cannot be a sandbox's name"):
        commands.down(name)


def run_shell(binary: FakeBinary, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; from kubetalk.model import *; from kubetalk.sandbox import commands; "
        "settings = ProviderSettings(binaries=sys.argv[1]); "
        "sys.exit(commands.shell(settings, SandboxRequest(), 'default', str, sys.argv[2]))"
    )
    arguments = [sys.executable, "-c", code, str(binary.folder), command]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_command_in_a_sandbox_of_its_own(binary: FakeBinary, tmp_path: Path) -> None:
    done = run_shell(binary, "pwd; echo $KUBECONFIG; exit 7", tmp_path)
    folder, kubeconfig = done.stdout.splitlines()
    assert done.returncode == 7
    assert folder == str(tmp_path)
    assert not Path(kubeconfig).exists()


def test_a_command_in_the_sandbox_that_is_up(binary: FakeBinary, tmp_path: Path) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    done = run_shell(binary, "echo $KUBECONFIG", tmp_path)
    assert done.stdout.strip() == json.loads(commands.status(as_json=True))[0]["kubeconfig"]
    assert Path(done.stdout.strip()).exists()
    assert sum("arguments" in entry for entry in binary.seen()) == 1


def test_the_prompt_says_where_you_are(binary: FakeBinary, tmp_path: Path) -> None:
    code = (
        "import sys; from kubetalk.model import *; from kubetalk.sandbox import commands; "
        "sys.exit(commands.shell(ProviderSettings(binaries=sys.argv[1]), SandboxRequest(), 'default', str))"
    )
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(binary.folder)], stdin=inner, stdout=inner, stderr=inner, cwd=tmp_path
    )
    os.close(inner)
    os.write(outer, b"echo home=$HOME; type -t k; exit 3\n")
    seen = b""
    while True:
        try:
            chunk = os.read(outer, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(outer)
    assert process.wait(30) == 3
    assert b"(kubetalk sandbox v1.36) " in seen
    assert b"/box/home" in seen
    assert b"alias" in seen


def test_versions(binary: FakeBinary) -> None:
    told = json.loads(commands.versions(binary.settings, as_json=True))
    assert told["origin"] == "folder"
    assert told["versions"]["helm"] == "v4.2.4"
    assert "kubernetes  v1.36.4" in commands.versions(binary.settings)
    assert "not built yet: kubetalk sandbox build" in commands.versions(ProviderSettings())


def test_prune_of_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commands.prune() == "nothing to remove"


def settings(name: str) -> Settings:
    folder = Path("/nonexistent")
    provider: Any = ProviderSettings(name)
    return Settings(folder, folder, folder, {"en": "x"}, "", provider=provider)


def test_the_provider_by_its_name() -> None:
    for name, kind in (("embedded", "EmbeddedProvider"), ("kind", "KindProvider"), ("context", "ContextProvider")):
        assert type(provider_for(settings(name))).__name__ == kind
    with pytest.raises(ConfigError, match="there is no provider 'minikube'"):
        provider_for(settings("minikube"))
