"""Keeps the next sandbox ready: a spare is started in the background while the current session runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, Provider, Sandbox, SandboxFacts, SandboxRequest

# Measured: 0.4 GiB each; the rest is what the author's own programs may want meanwhile.
SANDBOX_BYTES = 450 << 20
ISTIO_BYTES = 250 << 20
LEFT_FREE_BYTES = 1 << 30


def available_memory() -> int:
    """Bytes that can be used without swapping; a plenty where the system does not tell (macOS)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return 1 << 40


def affordable(wanted: int, memory: Callable[[], int] = available_memory) -> int:
    """How many of ``wanted`` sandboxes there is memory for at once; at least one."""
    return max(1, min(wanted, (memory() - LEFT_FREE_BYTES) // SANDBOX_BYTES))


class SandboxPool:
    """A provider that hands out spares of another provider.

    One spare at a time, only for the request that `prepare` names, and only while there is memory for it. A session
    always gets a sandbox that nobody used before.
    """

    def __init__(self, provider: Provider, directory: Path, memory: Callable[[], int] = available_memory) -> None:
        self._provider = provider
        self._directory = directory
        self._memory = memory
        self._lock = threading.Lock()
        self._spare: tuple[SandboxRequest, Future[Sandbox]] | None = None
        self._closed = False

    def unavailable(self, request: SandboxRequest) -> str:
        """As the provider says."""
        return self._provider.unavailable(request)

    def facts(self, request: SandboxRequest) -> SandboxFacts:
        """As the provider says."""
        return self._provider.facts(request)

    def prepare(self, request: SandboxRequest) -> bool:
        """Starts a spare for that request in the background; False if there is one already or no memory for it."""
        with self._lock:
            needed = SANDBOX_BYTES + LEFT_FREE_BYTES + (ISTIO_BYTES if request.istio else 0)
            if self._closed or self._spare or self._memory() < needed:
                return False
            spare: Future[Sandbox] = Future()
            self._spare = (request, spare)
        # A daemon, for an interpreter that ends must not wait for a start; the pipe's end then ends the processes.
        threading.Thread(target=self._fill, args=(request, spare), name="sandbox-spare", daemon=True).start()
        return True

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> Sandbox:
        """The spare if it is for that request, waiting for one that is still starting; else a fresh sandbox.

        A spare that could not start is no reason to fail: then a fresh one says why, if it cannot either.

        Raises SandboxError.
        """
        with self._lock:
            prepared = self._spare
            if prepared and prepared[0] == request:
                self._spare = None
            else:
                prepared = None
        if prepared:
            with contextlib.suppress(SandboxError):
                sandbox = prepared[1].result()
                if not _is_broken(sandbox):
                    return sandbox
                sandbox.close()
        return self._provider.start(request, directory, progress)

    def close(self) -> None:
        """Ends the spare; sandboxes that were handed out are their users'. Safe to call twice."""
        with self._lock:
            self._closed = True
            prepared, self._spare = self._spare, None
        if prepared:
            with contextlib.suppress(SandboxError):
                prepared[1].result().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _fill(self, request: SandboxRequest, spare: Future[Sandbox]) -> None:
        try:
            sandbox = self._provider.start(request, self._directory, lambda _: None)
        except BaseException as error:  # noqa: BLE001  whoever takes the spare gets it
            spare.set_exception(error)
        else:
            spare.set_result(sandbox)


def _is_broken(sandbox: Sandbox) -> bool:
    """True for a spare that died while it waited."""
    try:
        sandbox.check()
    except SandboxError:
        return True
    return False
