"""Notices while a command runs what would hold it or the machine up: a sandbox that broke, a disk that fills."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kubetalk.errors import SandboxError
from kubetalk.model import Sandbox
from kubetalk.running.shell import DISK_LIMIT, Shell

_SECONDS: Final = 0.5
_SHARE: Final = 20
"""A check that asks a cluster (kind, context) may take this part of the time at most."""
_IN_A_ROW: Final = 2
"""Failed checks that are no blip."""


@dataclass(slots=True)
class Watch:
    """What was noticed."""

    disk_is_full: bool = False
    """The session's files took more than they may, and its shell was ended."""


@contextmanager
def ended_with(
    sandbox: Sandbox, shell: Shell, *, folders: Sequence[Path] = (), disk_limit: int = DISK_LIMIT
) -> Iterator[Watch]:
    """Ends the shell, and every process of the session with it, as soon as its sandbox is found broken.

    Whoever follows a command then learns that the shell is gone; `Sandbox.check` says why. The same happens as soon as
    all files below ``folders`` together have more than ``disk_limit`` bytes; then the `Watch` says so.
    """
    over = threading.Event()
    watch = Watch()

    def look() -> None:
        pause, failed = _SECONDS, 0
        while not over.wait(pause):
            started = time.monotonic()
            try:
                sandbox.check()
                failed = 0
            except SandboxError:
                failed += 1
            watch.disk_is_full = bytes_in(folders, disk_limit) > disk_limit
            if (failed >= _IN_A_ROW or watch.disk_is_full) and not over.is_set():
                shell.interrupt()
                return
            pause = max(_SECONDS, _SHARE * (time.monotonic() - started))

    thread = threading.Thread(target=look, name="kubetalk-sandbox-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()


def bytes_in(folders: Sequence[Path], enough: int) -> int:
    """Bytes of all files below these folders; stops counting when it is more than ``enough``."""
    total = 0
    for folder in folders:
        for base, _, names in os.walk(folder):
            for name in names:
                with suppress(OSError):  # gone in the meantime
                    total += Path(base, name).lstat().st_size
            if total > enough:
                return total
    return total
