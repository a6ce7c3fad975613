"""A pseudo-terminal for blocks with ``tty``: programs see a terminal, nobody sits at it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import termios
import time
import uuid
from typing import Final

_ROWS: Final = 40
_PATIENCE: Final = 2.0
_CHUNK: Final = 65536


class Screen:
    """An open pseudo-terminal, ``columns`` wide, without echo."""

    def __init__(self, columns: int) -> None:
        self.master, self._slave = os.openpty()
        self.name = os.ttyname(self._slave)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        attributes = termios.tcgetattr(self._slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        # The session opens the terminal for itself, so that this is our own business at both ends.
        os.set_blocking(self.master, False)
        os.set_blocking(self._slave, False)

    def start_input(self) -> None:
        """Whoever reads gets one end of file: there is no keyboard."""
        termios.tcflush(self._slave, termios.TCIFLUSH)
        os.write(self.master, b"\x04")

    def rest(self, most: int) -> bytes:
        """What was written so far and not read yet, ``most`` bytes or a little more of it.

        A terminal hands over a little late, hence the mark. While a job in the background writes faster than we read
        there is no room for the mark: then what came in time has to do.
        """
        mark = uuid.uuid4().hex.encode()
        unsent = mark
        collected = bytearray()
        deadline = time.monotonic() + _PATIENCE
        while mark not in collected and len(collected) < most and (left := deadline - time.monotonic()) > 0:
            readable, writable, _ = select.select([self.master], [self._slave] if unsent else [], [], left)
            if readable:
                with contextlib.suppress(BlockingIOError):
                    collected += os.read(self.master, _CHUNK)
            if writable:
                with contextlib.suppress(BlockingIOError):
                    unsent = unsent[os.write(self._slave, unsent) :]
        return bytes(collected.replace(mark, b""))

    def close(self) -> None:
        """Give the terminal back."""
        os.close(self.master)
        os.close(self._slave)
