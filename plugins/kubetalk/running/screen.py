"""A pseudo-terminal for blocks with ``tty``: programs see a terminal, nobody sits at it."""

from __future__ import annotations

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


class Screen:
    """An open pseudo-terminal, ``columns`` wide, without echo."""

    def __init__(self, columns: int) -> None:
        self.master, self._slave = os.openpty()
        self.name = os.ttyname(self._slave)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        attributes = termios.tcgetattr(self._slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        os.set_blocking(self.master, False)

    def start_input(self) -> None:
        """Whoever reads gets one end of file: there is no keyboard."""
        termios.tcflush(self._slave, termios.TCIFLUSH)
        os.write(self.master, b"\x04")

    def rest(self) -> bytes:
        """What was written so far and not read yet; a terminal hands it over a little late, hence the mark."""
        mark = uuid.uuid4().hex.encode()
        os.write(self._slave, mark)
        collected = bytearray()
        deadline = time.monotonic() + _PATIENCE
        while mark not in collected and (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                collected += os.read(self.master, 65536)
        return bytes(collected.replace(mark, b""))

    def close(self) -> None:
        """Give the terminal back."""
        os.close(self.master)
        os.close(self._slave)
