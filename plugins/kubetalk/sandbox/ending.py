"""How things end with this program, however it ends: an orderly SIGTERM, and process groups that do not outlive it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

# Windows, where pages can be replayed, has no SIGHUP.
_ORDERLY = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

# It waits for the end of our pipe, which comes however we end, and then for nothing.
_GUARD = 'read -r _; kill -s KILL -- "-$1"'


def end_on_sigterm() -> None:
    """Makes SIGTERM and SIGHUP (a closed terminal) an orderly end, unless the program has its own idea of them.

    Without, what was started would go on and files would stay behind. Acts in the main thread only, where Python
    handles signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, _: object) -> NoReturn:
        # `with` blocks and atexit do the rest; closing here could wait for a lock that the interrupted code holds.
        sys.exit(128 + number)

    for number in _ORDERLY:
        # What `nohup` set to be ignored stays ignored.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Puts off Ctrl-C and the orderly ends until the block is over: what was just started must be somebody's to end.

    Acts in the main thread only, where Python handles signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ORDERLY)}
    # What ends the program without a word, or is ignored, stays as it is.
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


@contextmanager
def ends_with_us(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Kills the process group of ``process``, its leader, at the end of the block or when we are killed within it."""
    guard: subprocess.Popen[bytes] | None = None
    try:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "kubetalk-guard", str(process.pid)],
            cwd="/",
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C at a terminal is not for the one that has to outlive us.
            start_new_session=True,
        )
        yield
    finally:
        if guard is not None:
            guard.communicate()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
