from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.sandbox.supervisor import Supervisor

from .conftest import eventually

Start = Callable[[str], Supervisor]


@pytest.fixture
def start(tmp_path: Path, make_binary: Any) -> Iterator[Start]:
    started = []

    def start_it(behaviour: str) -> Supervisor:
        command = [str(make_binary(behaviour).supervisor), "--dir", str(tmp_path / "box")]
        supervisor = Supervisor(command, cwd=tmp_path, environment={"PATH": "/usr/bin:/bin"})
        started.append(supervisor)
        return supervisor

    yield start_it
    for supervisor in started:
        supervisor.kill()


def ready(supervisor: Supervisor) -> Supervisor:
    supervisor.wait_ready(20, lambda _: None)
    return supervisor


def test_ready_after_telling_its_steps(start: Start, tmp_path: Path) -> None:
    steps: list[str] = []
    told = start("slow").wait_ready(20, steps.append)
    assert told["kubeconfig"] == str(tmp_path / "box" / "kubeconfig")
    assert steps == ["sandbox: etcd after 0.1 s"]


def test_requests_are_answered(start: Start) -> None:
    supervisor = ready(start("good"))
    supervisor.request("checkpoint", 10, name="a")
    assert supervisor.request("status", 10)["checkpoints"] == ["a"]
    with pytest.raises(SandboxError, match="cannot restore: there is no checkpoint 'b'"):
        supervisor.request("restore", 10, name="b")
    assert supervisor.failure is None


def test_stop_ends_it_in_order(start: Start) -> None:
    supervisor = ready(start("good"))
    supervisor.stop()
    assert supervisor._process.returncode == 0
    supervisor.stop()
    assert supervisor.failure is None


def test_end_of_input_is_enough(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubetalk.sandbox.supervisor._GONE_SECONDS", 60.0)
    supervisor = ready(start("mute"))
    supervisor.stop(timeout=0.1)
    assert supervisor._process.returncode == 0


def test_the_stubborn_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubetalk.sandbox.supervisor._GONE_SECONDS", 0.2)
    supervisor = ready(start("stubborn"))
    supervisor.stop(timeout=5)
    assert supervisor._process.returncode == -signal.SIGKILL


def test_death_at_start_shows_its_last_words(start: Start) -> None:
    with pytest.raises(SandboxError) as caught:
        start("dies at start").wait_ready(20, lambda _: None)
    assert caught.value.message == "the sandbox ended with exit status 2 while it was starting"
    assert caught.value.details == "flag provided but not defined: -seed"


def test_a_failed_event_becomes_its_error_with_three_lines(start: Start) -> None:
    with pytest.raises(SandboxError) as caught:
        start("fails").wait_ready(20, lambda _: None)
    assert caught.value.message == "the sandbox failed: kube-apiserver ended with exit status 1"
    assert caught.value.details == "a\nb\nc"


def test_never_ready_ends_in_time(start: Start) -> None:
    supervisor = start("never ready")
    eventually(lambda: supervisor._steps)
    with pytest.raises(SandboxError, match=r"not ready within 0 s \(the last step was etcd\)"):
        supervisor.wait_ready(0.1, lambda _: None)


def test_a_line_that_is_no_protocol_is_a_failure(start: Start) -> None:
    with pytest.raises(SandboxError, match=r"not its protocol: 'panic: runtime error'"):
        start("garbage").wait_ready(20, lambda _: None)


def test_no_answer_in_time(start: Start) -> None:
    supervisor = ready(start("mute"))
    with pytest.raises(SandboxError, match="did not answer 'status' within 0 s"):
        supervisor.request("status", 0.2)


def test_death_during_a_request(start: Start) -> None:
    supervisor = ready(start("dies later"))
    with pytest.raises(SandboxError, match="was killed by signal 9"):
        supervisor.request("checkpoint", 20, name="a")
    assert supervisor.failure is not None
    with pytest.raises(SandboxError, match="was killed by signal 9"):
        supervisor.request("status", 20)


def test_failure_during_a_request(start: Start) -> None:
    supervisor = ready(start("fails later"))
    with pytest.raises(SandboxError, match="etcd was killed") as caught:
        supervisor.request("checkpoint", 20, name="a")
    assert caught.value.details == "out of memory"


def test_a_program_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be started"):
        Supervisor([str(tmp_path / "missing")], cwd=tmp_path, environment={})


def test_its_environment_is_exactly_what_it_is_given(start: Start, make_binary: Any) -> None:
    ready(start("good"))
    (first,) = (entry for entry in make_binary("good").seen() if "arguments" in entry)
    # Python itself may add LC_CTYPE for the script.
    assert {name: value for name, value in first["environment"].items() if name != "LC_CTYPE"} == {
        "PATH": "/usr/bin:/bin"
    }
    assert sys.platform != "linux" or first["arguments"][0] == "--dir"
