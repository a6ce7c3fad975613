"""A sandbox that breaks while a command runs ends it, long before its own time is up."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.running import watching
from tests.unit.running.conftest import FakeSandbox, Runner, outputs, run_step
from tests.unit.running.test_session import _is_running


def test_a_command_that_waits_for_a_dead_cluster_is_ended(run: Runner, sandbox: FakeSandbox, tmp_path: Path) -> None:
    sandbox.is_dead = True
    result = run(run_step("sleep 600 & echo $! >pid; wait", timeout=500))
    assert result.failure is not None
    assert "ended the session's shell" in result.failure.message
    assert result.seconds < 400
    assert not _is_running(int((tmp_path / "w/work/pid").read_text()))


def test_one_failed_check_is_a_blip(run: Runner, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[int] = []
    enough = threading.Event()

    def check() -> None:
        checks.append(0)
        if len(checks) > 4:
            (sandbox.home / "enough").touch()
            enough.set()
        if len(checks) % 2:
            raise SandboxError("no answer")

    monkeypatch.setattr(sandbox, "check", check)
    monkeypatch.setattr(watching, "_SECONDS", 0.01)
    assert outputs(run("until [ -e ~/enough ]; do sleep 0.01; done; echo done")) == ["done\n"]
    assert enough.is_set()
