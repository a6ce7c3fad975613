from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.places import RunDirectory, prune_dead

from .conftest import FakeBinary, eventually, is_gone

Make = Callable[..., FakeBinary]


def quiet(_: str) -> None:
    pass


def start(binary: FakeBinary, runs: Path, request: SandboxRequest | None = None) -> EmbeddedSandbox:
    return EmbeddedProvider(binary.settings).start(request or SandboxRequest(), runs, quiet)


def test_a_life(make_binary: Make, runs: Path) -> None:
    binary = make_binary()
    with start(binary, runs) as sandbox:
        directory, pid = sandbox.directory, sandbox.pid
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert sandbox.facts == EmbeddedProvider(binary.settings).facts(SandboxRequest())
        sandbox.check()
    assert not directory.exists()
    assert is_gone(pid)
    sandbox.close()
    with pytest.raises(SandboxError, match="is closed"):
        sandbox.checkpoint("a")


def test_the_command_line(make_binary: Make, runs: Path, cache: Path) -> None:
    binary = make_binary()
    with start(binary, runs, SandboxRequest(kubernetes="1.34", nodes=5)) as sandbox:
        assert sandbox.facts.versions["emulated"] == "1.34"
    arguments = binary.seen()[0]["arguments"]
    assert arguments[:2] == ["--program", str(binary.program)]
    assert arguments[4:] == [
        *("--nodes", "5", "--seed", str(cache / "seeds"), "--start-timeout", "60s", "--emulate", "1.34")
    ]


def test_the_own_minor_is_not_emulated(make_binary: Make, runs: Path) -> None:
    binary = make_binary()
    with start(binary, runs, SandboxRequest(kubernetes="1.36")) as sandbox:
        assert "emulated" not in sandbox.facts.versions
    assert "--emulate" not in binary.seen()[0]["arguments"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (SandboxRequest(kubernetes="1.20"), "no Kubernetes 1.20. Use one of 1.33"),
        (SandboxRequest(istio=True), "there is no program kubetalk-istio"),
        (SandboxRequest(gateway_api=True), "there is no program kubetalk-istio"),
    ],
)
def test_what_it_cannot_do_it_says(make_binary: Make, runs: Path, request_: SandboxRequest, reason: str) -> None:
    binary = make_binary()
    assert reason in EmbeddedProvider(binary.settings).unavailable(request_)
    with pytest.raises(SandboxError):
        start(binary, runs, request_)


def test_without_a_binary_it_says_how_to_get_one() -> None:
    provider = EmbeddedProvider(ProviderSettings())
    reason = provider.unavailable(SandboxRequest())
    assert reason == "the sandbox binary is not built yet. Run `kubetalk sandbox build`"
    assert provider.facts(SandboxRequest()).versions["kubernetes"].startswith("v1.")


def test_the_environment_is_exact(make_binary: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "BASH_ENV"):
        monkeypatch.setenv(name, "/from/the/host")
    with start(make_binary(), runs) as sandbox:
        box = sandbox.directory / "box"
        assert dict(sandbox.environment) == {
            "PATH": f"{box / 'bin'}{os.pathsep}{sandbox.directory / 'tools'}",
            "HOME": str(box / "home"),
            "KUBECONFIG": str(box / "kubeconfig"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
            "COLUMNS": "120",
            "NO_COLOR": "1",
            "PAGER": "cat",
            "KUBE_EDITOR": str(sandbox.directory / "tools" / "kubetalk-no-editor"),
        }


def test_a_long_directory_is_not_used(make_binary: Make, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    with start(make_binary(), long) as sandbox:
        assert len(os.fsencode(sandbox.directory / "box")) <= 60
        assert not sandbox.directory.is_relative_to(long)
    assert not sandbox.directory.exists()


def test_checkpoints_hold_home_and_kubeconfig(make_binary: Make, runs: Path) -> None:
    with start(make_binary(), runs) as sandbox:
        home, kubeconfig = Path(sandbox.environment["HOME"]), Path(sandbox.environment["KUBECONFIG"])
        (home / "kept").write_text("before", encoding="utf-8")
        (home / "link").symlink_to("kept")
        (home / ".kube" / "cache").mkdir(parents=True)
        os.mkfifo(home / "pipe")
        sandbox.checkpoint("one")
        (home / "kept").write_text("after", encoding="utf-8")
        (home / "new" / "deep").mkdir(parents=True)
        kubeconfig.write_text("changed", encoding="utf-8")
        sandbox.restore("one")
        found = sorted(str(path.relative_to(home)) for path in home.rglob("*"))
        assert found == [".kube", "kept", "link"]
        assert (home / "link").read_text(encoding="utf-8") == "before"
        assert kubeconfig.read_text(encoding="utf-8") == "fresh"
        assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
        with pytest.raises(SandboxError, match="no checkpoint 'two'"):
            sandbox.restore("two")
        assert (home / "kept").exists()
        assert sandbox.status()["checkpoints"] == ["one"]


def test_a_failed_start_leaves_the_logs_and_nothing_else(make_binary: Make, runs: Path, cache: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        start(make_binary("fails"), runs)
    (kept,) = (cache / "logs").iterdir()
    assert caught.value.remedy == f"Its logs are kept in {kept}"
    assert (kept / "etcd.log").read_text(encoding="utf-8") == "one\ntwo\nthree\n"
    assert list((cache / "runs").iterdir()) == []


def test_a_good_end_leaves_no_logs(make_binary: Make, runs: Path, cache: Path) -> None:
    start(make_binary(), runs).close()
    assert not (cache / "logs").exists()
    assert list((cache / "runs").iterdir()) == []


def test_a_failure_in_the_middle_tells_where_the_logs_are(make_binary: Make, runs: Path) -> None:
    with start(make_binary("fails later"), runs) as sandbox:
        with pytest.raises(SandboxError, match="etcd was killed by signal 9"):
            sandbox.checkpoint("one")
        with pytest.raises(SandboxError) as caught:
            sandbox.check()
        assert "Its logs are kept in" in caught.value.remedy


def test_one_failure_keeps_its_logs_once(make_binary: Make, runs: Path, cache: Path) -> None:
    for _ in range(2):
        with start(make_binary("fails later"), runs) as sandbox:
            for _ in range(3):
                with pytest.raises(SandboxError, match="Its logs are kept in"):
                    sandbox.checkpoint("one")
    assert len(list((cache / "logs").iterdir())) == 2


def test_logs_that_cannot_be_kept_do_not_hide_the_cause(
    make_binary: Make, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunDirectory, "keep_logs", full)
    with (
        pytest.raises(SandboxError, match="etcd was killed by signal 9"),
        start(make_binary("fails later"), runs) as sandbox,
    ):
        sandbox.checkpoint("one")


@pytest.mark.parametrize("full", [False, True])
def test_a_home_directory_that_cannot_be_copied_is_told(
    make_binary: Make, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    with start(make_binary(), runs) as sandbox:
        home = Path(sandbox.environment["HOME"])
        (home / "kept").touch()
        sandbox.checkpoint("before")

        def fail(*_: object, **__: object) -> None:
            if full:
                raise OSError(errno.ENOSPC, "No space left on device", "kept")
            raise shutil.Error([("kept", "there", "[Errno 13] Permission denied: 'kept'")])

        monkeypatch.setattr("kubetalk.sandbox.controlplane.shutil.copytree", fail)
        reason = "No space left on device" if full else "kept: .*Permission denied"
        with pytest.raises(SandboxError, match=f"cannot save the home directory: .*{reason}"):
            sandbox.checkpoint("one")
        # Half a checkpoint is none.
        assert sandbox.status()["checkpoints"] == ["before"]
        with pytest.raises(SandboxError, match=f"cannot put the home directory back: .*{reason}"):
            sandbox.restore("before")
        (tmp_path / "layer").mkdir()
        with pytest.raises(SandboxError, match=f"cannot keep the home directory: .*{reason}"):
            sandbox.keep(tmp_path / "layer")


def test_a_taken_port_is_tried_again(make_binary: Make, runs: Path) -> None:
    told: list[str] = []
    with EmbeddedProvider(make_binary("port taken twice").settings).start(SandboxRequest(), runs, told.append):
        assert sum("starting again" in line for line in told) == 2


def test_other_failures_are_not_tried_again(make_binary: Make, runs: Path) -> None:
    binary = make_binary("fails")
    with pytest.raises(SandboxError):
        start(binary, runs)
    assert len(binary.seen()) == 1


def test_never_ready(make_binary: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubetalk.sandbox.embedded.START_SECONDS", 0.3)
    monkeypatch.setattr("kubetalk.sandbox.embedded._GRACE_SECONDS", 0.2)
    with pytest.raises(SandboxError, match="was not ready"):
        start(make_binary("never ready"), runs)


def test_several_side_by_side(make_binary: Make, runs: Path) -> None:
    binary = make_binary()
    with start(binary, runs) as one, start(binary, runs) as two:
        assert one.directory != two.directory
        one.close()
        two.checkpoint("still there")


def listing(*items: dict[str, Any]) -> str:
    return json.dumps({"kind": "List", "items": items})


def test_objects_come_through_a_kubeconfig_the_session_cannot_change(make_binary: Make, runs: Path) -> None:
    binary = make_binary()
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aHVudGVyMg=="}}
    binary.answer(["get", "namespaces,", "--all-namespaces", "--output=json"], listing(secret))
    with start(binary, runs) as sandbox:
        Path(sandbox.environment["KUBECONFIG"]).write_text("nonsense", encoding="utf-8")
        assert sandbox.objects() == ({"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": ""}},)
        call = binary.seen()[-1]
        assert call["kubectl"][:2] == ["--kubeconfig", str(sandbox.directory / "own" / "kubeconfig")]
        assert call["environment"]["HOME"] == str(sandbox.directory / "own")


PARENT = """
import sys, time
from pathlib import Path
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider
provider = EmbeddedProvider(ProviderSettings(binaries=sys.argv[1]))
with provider.start(SandboxRequest(), Path(sys.argv[2]), str) as sandbox:
    print(sandbox.pid, sandbox.directory, flush=True)
    time.sleep(600)
"""


def a_build(binary: FakeBinary, runs: Path) -> tuple[subprocess.Popen[str], int, Path]:
    command = [sys.executable, "-c", PARENT, str(binary.folder), str(runs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid, directory = process.stdout.readline().split()
    process.stdout.close()
    return process, int(pid), Path(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_build_in_order(make_binary: Make, runs: Path, cache: Path, number: signal.Signals) -> None:
    process, pid, directory = a_build(make_binary(), runs)
    try:
        process.send_signal(number)
        assert process.wait(20) == (-number if number == signal.SIGINT else 128 + number)
    finally:
        process.kill()
        process.wait()
    assert is_gone(pid)
    assert not directory.exists()
    assert list((cache / "runs").iterdir()) == []


def test_a_killed_build_leaves_no_process_and_the_next_start_removes_its_files(
    make_binary: Make, runs: Path, cache: Path
) -> None:
    binary = make_binary()
    process, pid, directory = a_build(binary, runs)
    process.kill()
    process.wait(20)
    eventually(lambda: is_gone(pid))
    assert directory.exists()
    start(binary, runs).close()
    assert not directory.exists()
    assert list((cache / "runs").iterdir()) == []


def test_the_living_are_not_pruned(make_binary: Make, runs: Path) -> None:
    with start(make_binary(), runs) as sandbox:
        assert prune_dead() == ()
        assert sandbox.directory.exists()
