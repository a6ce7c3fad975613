"""Notices that the sandbox broke while a command runs, which otherwise waits for its cluster until its time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kubetalk.errors import SandboxError
from kubetalk.model import Sandbox
from kubetalk.running.shell import Shell

_SECONDS: Final = 0.5
_SHARE: Final = 20
"""A check that asks a cluster (kind, context) may take this part of the time at most."""
_IN_A_ROW: Final = 2
"""Failed checks that are no blip."""


@contextmanager
def ended_with(sandbox: Sandbox, shell: Shell) -> Iterator[None]:
    """Ends the shell, and every process of the session with it, as soon as its sandbox is found broken.

    Whoever follows a command then learns that the shell is gone; `Sandbox.check` says why.
    """
    over = threading.Event()

    def watch() -> None:
        pause, failed = _SECONDS, 0
        while not over.wait(pause):
            started = time.monotonic()
            try:
                sandbox.check()
                failed = 0
            except SandboxError:
                failed += 1
            if failed >= _IN_A_ROW and not over.is_set():
                shell.interrupt()
                return
            pause = max(_SECONDS, _SHARE * (time.monotonic() - started))

    thread = threading.Thread(target=watch, name="kubetalk-sandbox-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
