from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kubetalk.cli import main
from kubetalk.cli import sandbox_reports as reports
from kubetalk.errors import ConfigError, SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest, Settings
from kubetalk.sandbox import commands, provider_for, upkeep
from kubetalk.sandbox.keeper import state_file
from kubetalk.sandbox.kept import DEFAULT_NAME

from .conftest import FakeBinary, eventually, is_gone

REQUEST = SandboxRequest()
NAME = DEFAULT_NAME


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


def cli(*arguments: str) -> str:
    """What `kubetalk sandbox …` prints, outside of a site."""
    done = CliRunner().invoke(main, ["sandbox", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(autouse=True)
def outside_of_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keeper_pid(name: str = NAME) -> int:
    return int(json.loads(state_file(name).read_text(encoding="utf-8"))["pid"])


def test_up_and_down(binary: FakeBinary, cache: Path) -> None:
    told: list[str] = []
    text = reports.up_text(commands.up(binary.settings, REQUEST, NAME, told.append))
    assert text.startswith("the sandbox 'default' is up: kubernetes v1.36.4")
    assert told == ["sandbox: etcd after 0.1 s"]
    state = json.loads(state_file(NAME).read_text(encoding="utf-8"))
    assert state_file(NAME).stat().st_mode & 0o777 == 0o600
    with pytest.raises(SandboxError, match="is up already"):
        commands.up(binary.settings, REQUEST, NAME, quiet)
    assert reports.ended_text(commands.down(NAME)) == "the sandbox 'default' is down"
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
    found = commands.status()
    assert [one.kept.name for one in found] == ["one", "two"]
    assert found[0].parts[0].name == "etcd"
    text = reports.status_text(found)
    assert "one: embedded, kubernetes v1.36.4" in text
    assert "1 MiB memory, 3 MiB disk, checkpoints: none" in text


def test_status_of_nothing() -> None:
    assert commands.status() == ()
    assert cli("status") == "no sandbox is up\n"
    assert cli("status", "--json") == "[]\n"


def test_checkpoint_restore_and_logs(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    assert cli("checkpoint", "a") == "saved as 'a'\n"
    assert cli("restore", "a") == "restored to 'a'\n"
    with pytest.raises(SandboxError, match="no checkpoint 'b'"):
        commands.restore(NAME, "b")
    assert cli("logs", "etcd", "--lines", "2") == "==> etcd <==\ntwo\nthree\n"
    assert cli("logs") == "==> etcd <==\none\ntwo\nthree\n"
    with pytest.raises(SandboxError, match="there is no part 'nope'"):
        commands.logs(NAME, "nope")


def test_a_keeper_that_was_killed_is_forgotten(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    state = json.loads(state_file(NAME).read_text(encoding="utf-8"))
    os.kill(state["pid"], signal.SIGKILL)
    eventually(lambda: is_gone(state["pid"]))
    assert commands.status() == ()
    eventually(lambda: upkeep.prune().files or not Path(state["directory"]).exists())
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
    assert commands.status() == ()


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
        "import sys; from kubetalk.model import *; from kubetalk.sandbox.shell import shell; "
        "settings = ProviderSettings(binaries=sys.argv[1]); "
        "sys.exit(shell(settings, SandboxRequest(), 'default', str, sys.argv[2]))"
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
    assert done.stdout.strip() == json.loads(cli("status", "--json"))[0]["kubeconfig"]
    assert Path(done.stdout.strip()).exists()
    assert sum("arguments" in entry for entry in binary.seen()) == 1


@pytest.mark.parametrize("kept", [False, True])
def test_the_prompt_says_where_you_are(binary: FakeBinary, tmp_path: Path, kept: bool) -> None:
    if kept:
        commands.up(binary.settings, REQUEST, "demo", quiet)
    code = (
        "import sys; from kubetalk.model import *; from kubetalk.sandbox.shell import shell; "
        "sys.exit(shell(ProviderSettings(binaries=sys.argv[1]), SandboxRequest(), sys.argv[2], str))"
    )
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(binary.folder), "demo"], stdin=inner, stdout=inner, stderr=inner, cwd=tmp_path
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
    assert (b"(kubetalk sandbox demo v1.36) " if kept else b"(kubetalk sandbox v1.36) ") in seen
    assert b"/box/home" in seen
    assert b"alias" in seen


def test_a_checkpoint_that_fails_for_a_file_says_so(binary: FakeBinary) -> None:
    commands.up(binary.settings, REQUEST, NAME, quiet)
    directory = Path(json.loads(state_file(NAME).read_text(encoding="utf-8"))["directory"])
    (directory / "saved").touch()
    with pytest.raises(SandboxError, match=r"cannot save the home directory: .*[Nn]ot a directory"):
        commands.checkpoint(NAME, "a")
    assert commands.status()[0].checkpoints == ()


def test_an_end_that_fails_says_why(binary: FakeBinary, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}", encoding="utf-8")
    play_a_cluster(binary)
    binary.answer(["delete", "namespaces"], "error: timed out waiting for the condition\n", code=1)
    settings = ProviderSettings("context", "dev", str(tmp_path / "config"), str(binary.folder))
    kept = commands.up(settings, REQUEST, NAME, quiet)
    assert (kept.provider, kept.context) == ("context", "dev")
    pid = keeper_pid()
    # The keeper's own: a person's shell is not heard.
    claim = next((state_file(NAME).parent.parent / "claims" / "namespaces").glob("*.json"))
    assert json.loads(claim.read_text(encoding="utf-8"))["namespaces"] == {}
    play_a_cluster(binary, failing=True)
    with pytest.raises(SandboxError, match="the server is gone"):
        commands.down(NAME)
    eventually(lambda: is_gone(pid))
    assert commands.status() == ()
    assert not Path(kept.directory).exists()


def test_what_stays_on_an_existing_cluster_is_told_at_the_end(binary: FakeBinary, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}", encoding="utf-8")
    play_a_cluster(binary)
    settings = ProviderSettings("context", "dev", str(tmp_path / "config"), str(binary.folder))
    commands.up(settings, REQUEST, NAME, quiet)
    assert "default: context dev, kubernetes v1.36.2" in cli("status")
    play_a_cluster(binary, namespaces={"kube-system": "1", "mine": "2"})
    text = cli("down")
    assert text.startswith("the sandbox 'default' is down\nsandbox: mine appeared on the cluster meanwhile")
    assert "kubectl --context dev delete namespace mine" in text


def play_a_cluster(binary: FakeBinary, *, namespaces: Mapping[str, str] | None = None, failing: bool = False) -> None:
    """Answers as the kubectl of a marked cluster; with ``failing`` it no longer lists its namespaces."""
    minified = {"contexts": [{"name": "dev"}], "clusters": [{"name": "dev"}], "users": [{"name": "me"}]}
    server = {"serverVersion": {"gitVersion": "v1.36.2"}, "clientVersion": {"gitVersion": "v1.36.4"}}
    there = namespaces or {"kube-system": "1"}
    items = [{"kind": "Namespace", "metadata": {"name": name, "uid": uid}} for name, uid in there.items()]
    binary.answers.clear()
    binary.answer(["config", "view"], json.dumps(minified))
    binary.answer(["get", "configmap"], "configmap/kubetalk-sandbox\n")
    binary.answer(["version", "--output=json"], json.dumps(server))
    binary.answer(["version", "--template"], "v4.2.4\n")
    binary.answer(["get", "nodes"], json.dumps({"items": []}))
    if failing:
        binary.answer(["get", "namespaces"], "the server is gone\n", code=1)
    binary.answer(["get", "namespaces"], json.dumps({"items": items}))


def test_json_of_everything(binary: FakeBinary, tmp_path: Path) -> None:
    provider = f"provider: {{name: embedded, binaries: {binary.folder}}}"
    (tmp_path / "mkdocs.yml").write_text(f"site_name: X\nplugins:\n  - kubetalk:\n      {provider}\n", encoding="utf-8")

    def told(*arguments: str) -> Any:
        return json.loads(cli(*arguments, "--json"))

    (built,) = told("build")
    assert (built["module"], built["origin"], built["binary"]) == ("core", "folder", str(binary.program))
    up = told("up", "--name", "demo")
    assert (up["name"], up["provider"], up["nodes"]) == ("demo", "embedded", 3)
    assert Path(up["kubeconfig"]).exists()
    assert told("checkpoint", "--name", "demo", "a") == {"name": "demo", "checkpoint": "a"}
    assert told("restore", "--name", "demo", "a") == {"name": "demo", "checkpoint": "a"}
    (status,) = told("status")
    assert {key: status[key] for key in up} == up
    assert status["checkpoints"] == ["a"]
    assert set(status["parts"][0]) == {"name", "pid", "state", "pss", "rss"}
    assert told("logs", "--name", "demo") == {"etcd": ["one", "two", "three"]}
    assert told("versions")["origin"] == "folder"
    assert told("down", "--name", "demo") == {"name": "demo", "notes": []}
    assert told("status") == []


def test_versions(binary: FakeBinary) -> None:
    inside = upkeep.versions(binary.settings)
    told: Any = reports.inside_data(inside)
    assert told["origin"] == "folder"
    assert told["versions"]["helm"] == "v4.2.4"
    assert "kubernetes  v1.36.4" in reports.inside_text(inside)
    assert "not built yet: kubetalk sandbox build" in cli("versions")


def test_prune_of_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli("prune") == "nothing to remove\n"
    told = json.loads(cli("prune", "--json"))
    assert told == {"files": [], "clusters": [], "namespaces": [], "sandboxes": [], "left": []}


def settings(name: str) -> Settings:
    folder = Path("/nonexistent")
    provider: Any = ProviderSettings(name)
    return Settings(folder, folder, folder, {"en": "x"}, "", provider=provider)


def test_the_provider_by_its_name() -> None:
    for name, kind in (("embedded", "EmbeddedProvider"), ("kind", "KindProvider"), ("context", "ContextProvider")):
        assert type(provider_for(settings(name))).__name__ == kind
    with pytest.raises(ConfigError, match="there is no provider 'minikube'"):
        provider_for(settings("minikube"))
