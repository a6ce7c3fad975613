from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, Sandbox, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.memory import LEFT_FREE_BYTES, SANDBOX_BYTES
from kubetalk.sandbox.pool import SandboxPool

from .conftest import FakeBinary, eventually, is_gone

PLAIN, SMALL = SandboxRequest(), SandboxRequest(nodes=1)


def quiet(_: str) -> None:
    pass


@pytest.fixture
def binary(make_binary: Callable[..., FakeBinary]) -> FakeBinary:
    return make_binary()


@pytest.fixture
def pool(binary: FakeBinary, runs: Path) -> SandboxPool:
    return SandboxPool(EmbeddedProvider(binary.settings), runs)


def starts(binary: FakeBinary) -> int:
    return sum("arguments" in entry for entry in binary.seen())


def test_the_spare_is_handed_out_once(pool: SandboxPool, binary: FakeBinary, runs: Path) -> None:
    with pool:
        assert pool.prepare(PLAIN)
        eventually(lambda: starts(binary) == 1)
        with pool.start(PLAIN, runs, quiet) as first:
            assert starts(binary) == 1
            with pool.start(PLAIN, runs, quiet) as second:
                assert starts(binary) == 2
                assert second is not first


def test_another_request_gets_its_own(pool: SandboxPool, binary: FakeBinary, runs: Path) -> None:
    with pool:
        pool.prepare(PLAIN)
        with pool.start(SMALL, runs, quiet):
            eventually(lambda: starts(binary) == 2)
        assert not pool.prepare(PLAIN)
        with pool.start(PLAIN, runs, quiet):
            assert starts(binary) == 2


def test_an_unused_spare_ends_with_the_pool(pool: SandboxPool, binary: FakeBinary) -> None:
    pool.prepare(PLAIN)
    pool.close()
    pool.close()
    assert starts(binary) == 1
    assert not pool.prepare(PLAIN)


def test_no_spare_without_memory(binary: FakeBinary, runs: Path) -> None:
    needed = SANDBOX_BYTES + LEFT_FREE_BYTES
    with SandboxPool(EmbeddedProvider(binary.settings), runs, memory=lambda: needed - 1) as pool:
        assert not pool.prepare(PLAIN)
    with SandboxPool(EmbeddedProvider(binary.settings), runs, memory=lambda: needed) as pool:
        assert pool.prepare(PLAIN)


def test_a_spare_that_died_is_not_handed_out(pool: SandboxPool, binary: FakeBinary, runs: Path) -> None:
    with pool:
        pool.prepare(PLAIN)
        assert pool._spare is not None
        spare = pool._spare[1].result(20)
        pid = spare.pid  # type: ignore[attr-defined]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: is_gone(pid))
        # Heard of by a thread of its own.
        eventually(lambda: spare._supervisor.failure)  # type: ignore[attr-defined]
        with pool.start(PLAIN, runs, quiet):
            assert starts(binary) == 2


class Failing(EmbeddedProvider):
    """The first start fails."""

    def __init__(self, binary: FakeBinary, reason: Exception) -> None:
        super().__init__(binary.settings)
        self.reason = reason
        self.failed = threading.Event()

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> EmbeddedSandbox:
        if not self.failed.is_set():
            self.failed.set()
            raise self.reason
        return super().start(request, directory, progress)


@pytest.mark.parametrize("reason", [SandboxError("the machine was busy"), OSError(28, "No space left on device")])
def test_a_spare_that_could_not_start_is_no_reason_to_fail(binary: FakeBinary, runs: Path, reason: Exception) -> None:
    with SandboxPool(Failing(binary, reason), runs) as pool:
        pool.prepare(PLAIN)
        sandbox: Sandbox = pool.start(PLAIN, runs, quiet)
        sandbox.close()
    assert starts(binary) == 1


def test_a_spare_that_could_not_start_does_not_disturb_the_end(binary: FakeBinary, runs: Path) -> None:
    with SandboxPool(Failing(binary, OSError(28, "No space left on device")), runs) as pool:
        assert pool.prepare(PLAIN)


def test_it_says_what_the_provider_says(pool: SandboxPool) -> None:
    assert "no program kubetalk-istio" in pool.unavailable(SandboxRequest(istio=True))
    assert pool.facts(PLAIN).provider == "embedded"
    pool.close()
