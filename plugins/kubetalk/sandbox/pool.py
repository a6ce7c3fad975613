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
from kubetalk.sandbox.memory import LEFT_FREE_BYTES, available_memory, needed_memory
from kubetalk.sandbox.providers import has_one_cluster


class SandboxPool:
    """A provider that hands out spares of another provider.

    One spare at a time, only for the request that `prepare` names, and only while there is memory for it. A session
    always gets a sandbox that nobody used before. There is none where all sandboxes are on one cluster: it would begin
    with what the session before it is still doing.
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
        """Starts a spare for that request in the background; False if there is one already, or can be none."""
        if has_one_cluster(self._provider):
            return False
        with self._lock:
            needed = LEFT_FREE_BYTES + needed_memory(request)
            if self._closed or self._spare or self._memory() < needed:
                return False
            spare: Future[Sandbox] = Future()
            self._spare = (request, spare)
        # A daemon, for an interpreter that ends must not wait for a start; the pipe's end then ends the processes.
        threading.Thread(target=self._fill, args=(request, spare), name="sandbox-spare", daemon=True).start()
        return True

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> Sandbox:
        """The spare if it is for that request, waiting for one that is still starting; else a fresh sandbox.

        A spare that could not start, or died, is no reason to fail: then a fresh one says why, if it cannot either.

        Raises SandboxError.
        """
        with self._lock:
            prepared = self._spare
            if prepared and prepared[0] == request:
                self._spare = None
            else:
                prepared = None
        # Waits for a start that is still going on.
        if prepared and prepared[1].exception() is None:
            sandbox = prepared[1].result()
            if not _is_broken(sandbox):
                return sandbox
            _end(sandbox)
        return self._provider.start(request, directory, progress)

    def close(self) -> None:
        """Ends the spare; sandboxes that were handed out are their users'. Safe to call twice."""
        with self._lock:
            self._closed = True
            prepared, self._spare = self._spare, None
        if prepared and prepared[1].exception() is None:
            _end(prepared[1].result())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _fill(self, request: SandboxRequest, spare: Future[Sandbox]) -> None:
        try:
            sandbox = self._provider.start(request, self._directory, lambda _: None)
        except BaseException as error:  # noqa: BLE001  whoever takes the spare finds it, and starts one itself
            spare.set_exception(error)
        else:
            spare.set_result(sandbox)


def _is_broken(sandbox: Sandbox) -> bool:
    """True for a spare that died while it waited."""
    try:
        sandbox.check()
    except (SandboxError, OSError):
        return True
    return False


def _end(sandbox: Sandbox) -> None:
    """Ends one that nobody used; what goes wrong with it is nobody's news."""
    with contextlib.suppress(SandboxError, OSError):
        sandbox.close()
