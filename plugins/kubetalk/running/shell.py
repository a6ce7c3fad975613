"""One bash per session: a line on its input makes it source the next command, a private pipe says how that ended.

Commands are sourced from a file with ``</dev/null``, so that state is kept, nothing can eat the rest of the session,
and a syntax error hits its own command only. A guard process ends everything that the session started as soon as
this process closes its pipe or dies, however it dies. Processes that left the session with setsid(2) escape it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import selectors
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from kubetalk.errors import RunError
from kubetalk.running.screen import Screen

OUTPUT_LIMIT: Final = 1024 * 1024
"""Bytes a command may print before it is ended; a page that shows more than that is a mistake."""
DISK_LIMIT: Final = 512 * 1024 * 1024
"""Bytes that a file of a session may have, and all of them together."""

# A watch is ended as Ctrl-C would end it. But `nohup` and a script's `&` start programs that ignore SIGINT, their
# children inherit that, and no bash takes back what was ignored when it began.
_TAKE_BACK: Final = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)

# Kills the process group, then whatever stays in the session under another group (`set -m`), where /proc tells.
# A name in a stat line may hold anything, hence the cut after its last closing parenthesis.
_GUARD: Final = """
read -r _
kill -KILL -- "-$1" 2>/dev/null
for stat in /proc/[0-9]*/stat; do
    read -r line 2>/dev/null <"$stat" || continue
    set -- "$1" ${line##*) }
    if [ "$5" = "$1" ]; then pid=${stat#/proc/}; kill -KILL "${pid%/stat}" 2>/dev/null; fi
done
"""
_live: weakref.WeakSet[Shell] = weakref.WeakSet()
_HIGH_DESCRIPTOR: Final = 60
_GRACE: Final = 5.0
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    status: int
    """As the shell's ``$?`` has it: 128 + n for signal n."""
    output: bytes
    """Standard output and standard error in the order they were written, the engine's own words taken out."""
    seconds: float
    ended_shell: bool = False
    """The command ended the shell itself (``exit``, ``exec``, ``set -e``); nothing can run after it."""
    timed_out: bool = False
    too_long: bool = False
    interrupted: bool = False
    """A watching command that was ended with SIGINT because its text was seen or its time was up."""


class Shell:
    """A running bash; not safe for use from two threads at once.

    ``directory`` is private to the shell and must not be the working directory. Raises RunError if there is no bash.
    Use as a context manager: leaving it ends every process of the session.
    """

    def __init__(
        self,
        *,
        directory: Path,
        cwd: Path,
        environment: Mapping[str, str],
        output_limit: int = OUTPUT_LIMIT,
        disk_limit: int = DISK_LIMIT,
    ) -> None:
        bash = shutil.which("bash", path=environment.get("PATH", "")) or shutil.which("bash")
        if bash is None:
            raise RunError("there is no bash on PATH", remedy="Install bash; live blocks run in it")
        self._limit = output_limit
        self._directory = directory
        self._columns = int(environment.get("COLUMNS") or 120)
        self.last_status = 0
        """``$?`` as the next command will find it."""
        self._count = 0
        self._said = b""
        self._ended = False
        self._screen: Screen | None = None
        self._groups: set[int] = set()
        self._own_words = _OwnWords(directory)
        self._selector = selectors.DefaultSelector()
        self._output, output_end = os.pipe()
        self._status, low_end = os.pipe()
        self._wake, self._wake_end = os.pipe()
        # Descriptors below 10 belong to the author's own redirections.
        self._status_end = fcntl.fcntl(low_end, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
        os.close(low_end)
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        try:
            self._process = subprocess.Popen(
                [*([sys.executable, "-I", "-c", _TAKE_BACK] if ignored else []), bash, "--norc", "--noprofile"],
                stdin=subprocess.PIPE,
                stdout=output_end,
                stderr=output_end,
                cwd=cwd,
                env=dict(environment),
                pass_fds=(self._status_end,),
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(output_end)
            os.close(self._status_end)
        self._guard = subprocess.Popen(
            [bash, "--norc", "--noprofile", "-c", _GUARD, "kubetalk-guard", str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        for descriptor in (self._output, self._status, self._wake):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)
        # Hard limits, which the author's commands can only lower: who writes beyond that gets SIGXFSZ (setrlimit(2)),
        # and leaves no core behind.
        self._write(f"ulimit -c 0 -f {max(disk_limit // 1024, 1)} 2>/dev/null\n")
        self._waiter = threading.Thread(target=self._tell_end, name="kubetalk-shell", daemon=True)
        self._waiter.start()
        _live.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The shell's process id, which is also its process group and session."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the shell is gone, so that nothing more can run."""
        return self._ended

    def run(self, source: str, *, timeout: float, tty: bool = False) -> Outcome:
        """Run one command to its end, for ``timeout`` seconds at most.

        A command that runs out of time or prints too much is ended, and the session with it.
        """
        redirection = "</dev/null"
        if tty:
            self._screen = self._screen or Screen(self._columns)
            redirection = f"0<>{shlex.quote(self._screen.name)} 1>&0 2>&0"
            self._screen.start_input()
            self._selector.register(self._screen.master, selectors.EVENT_READ)
        try:
            self._send(source, after=f"{redirection} {self._status_end}>&-")
            outcome = self._follow(time.monotonic() + timeout)
        finally:
            if tty and self._screen:
                self._selector.unregister(self._screen.master)
        return outcome

    def watch(self, source: str, *, within: float, seen: Callable[[bytes], bool]) -> Outcome:
        """Run a command that follows changes (``kubectl get --watch``) and interrupt it as Ctrl-C would.

        It is ended as soon as ``seen`` says so of its output, or after ``within`` seconds. It runs in a subshell with
        a process group of its own, so it cannot change the session's state.
        """
        self._send(
            source,
            before="set -m; ( ",
            after=f") </dev/null {self._status_end}>&- & builtin printf 'pid %s\\n' \"$!\" >&{self._status_end}; "
            'set +m; wait "$!" 2>/dev/null',
        )
        return self._follow(time.monotonic() + within, seen=seen)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the shell."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            selector.select(seconds)

    def close(self) -> None:
        """End every process of the session; safe to call twice."""
        _live.discard(self)
        self._kill()
        if self._selector.get_map() is None:
            return
        self._end_guard()
        self._waiter.join(_GRACE)
        self._selector.close()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if self._screen:
            self._screen.close()
        for descriptor in (self._output, self._status, self._wake, self._wake_end):
            os.close(descriptor)

    def interrupt(self) -> None:
        """End the shell from another thread: whoever follows a command in it then learns that the shell is gone."""
        self._kill()

    def _end_guard(self) -> None:
        """Let the guard do its work; its output ends when it is done, and a pipe can be waited for without polling."""
        stdin, stdout = self._guard.stdin, self._guard.stdout
        assert stdin is not None  # noqa: S101  opened with PIPE above
        assert stdout is not None  # noqa: S101
        stdin.close()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(_GRACE):
                self._guard.kill()
        stdout.close()
        self._guard.wait()

    def _tell_end(self) -> None:
        self._process.wait()
        os.write(self._wake_end, b".")

    def _send(self, source: str, *, before: str = "", after: str) -> None:
        """Have the shell source the command, with ``before`` and ``after`` around that on its line, and report.

        ``$?`` is what the last command left there, as it would be at a prompt.
        """
        # A file that exists is never truncated: some file systems then write to the disk before they go on.
        self._count += 1
        command = self._directory / f"command{self._count}"
        command.write_bytes((source + "\n").encode(errors="surrogateescape"))
        if self.last_status:
            status = self._directory / f"status{self.last_status}"
            if not status.exists():
                status.write_text(f"return {self.last_status}\n", encoding="utf-8")
            before = f". {shlex.quote(str(status))}; {before}"
        report = f"builtin printf '%s %s\\n' \"$?\" {shlex.quote(str(self._directory))} >&{self._status_end}"
        self._write(f"{before}. {shlex.quote(str(command))} {after}; {report}\n")

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101  opened with PIPE above
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode(errors="surrogateescape"))

    def _follow(self, deadline: float, seen: Callable[[bytes], bool] | None = None) -> Outcome:
        """Read until the shell reports a status, ends, prints too much or the time is up."""
        started = time.monotonic()
        output = bytearray()
        group = 0
        interrupted = timed_out = too_long = False
        while True:
            changed = self._read(output, deadline - time.monotonic())
            if self._said.startswith(b"pid ") and b"\n" in self._said:
                first, _, self._said = self._said.partition(b"\n")
                group = int(first[4:])
                self._groups.add(group)
            too_long = len(output) > self._limit
            if b"\n" in self._said or self._ended or too_long:
                break
            late = time.monotonic() >= deadline
            if seen and group and not interrupted and (late or (changed and seen(bytes(output)))):
                interrupted = True
                deadline = time.monotonic() + _GRACE
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGINT)
            elif late:
                timed_out = True
                break
        seconds = time.monotonic() - started
        if timed_out or too_long:
            self._kill()
            self._await_end()
        self._drain(output)
        too_long = too_long or len(output) > self._limit
        self._groups.discard(group)
        status, ended = self._status_of_command()
        self.last_status = status
        return Outcome(
            status=status,
            output=self._own_words.removed(bytes(output[: self._limit])),
            seconds=seconds,
            ended_shell=ended,
            timed_out=timed_out,
            too_long=too_long,
            interrupted=interrupted,
        )

    def _status_of_command(self) -> tuple[int, bool]:
        if b"\n" in self._said:
            line, _, self._said = self._said.partition(b"\n")
            return int(line.split(b" ", 1)[0]), False
        code = self._process.returncode
        return (128 - code if code is not None and code < 0 else code or 0), True

    def _read(self, output: bytearray, wait: float) -> bool:
        """Wait for news, take them in, and say whether there was new output."""
        changed = False
        for key, _ in self._selector.select(max(wait, 0)):
            descriptor = key.fd
            if descriptor == self._wake:
                self._ended = True
                self._selector.unregister(descriptor)
                continue
            data = _read_available(descriptor)
            if data == b"":
                self._selector.unregister(descriptor)
            elif data is not None and descriptor == self._status:
                self._said += data
            elif data is not None:
                output += data
                changed = True
        return changed

    def _drain(self, output: bytearray) -> None:
        """Take what had been written when the status came; a background job that goes on printing cannot hold us."""
        waiting = struct.unpack("i", fcntl.ioctl(self._output, termios.FIONREAD, b"\0\0\0\0"))[0]
        while waiting > 0 and (data := _read_available(self._output)):
            output += data
            waiting -= len(data)
        if self._screen and not self._ended:
            output += self._screen.rest(self._limit + 1 - len(output))

    def _await_end(self) -> None:
        self._waiter.join(_GRACE)
        self._ended = True

    def _kill(self) -> None:
        for group in (self._process.pid, *self._groups):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


def interrupt_all() -> None:
    """End every running shell of this process, for somebody who does not want to wait for their commands."""
    for shell in list(_live):
        shell.interrupt()


class _OwnWords:
    """What bash says of the engine's files and lines, and what a person at a prompt would see instead."""

    def __init__(self, directory: Path) -> None:
        place = re.escape(os.fsencode(directory))
        self._place = re.compile(rb"'?" + place + rb"/command\d+'?: (?:line \d+: )?")
        self._traces = re.compile(rb"^(?:\++ )?(?:\. |builtin |set [-+]m).*" + place + rb".*\n?", re.MULTILINE)
        self._needle = os.fsencode(directory)

    def removed(self, output: bytes) -> bytes:
        """``bash: foo: command not found`` as at a prompt; traces of the engine's own lines (`set -x`) are gone."""
        if self._needle not in output:
            return output
        return self._traces.sub(b"", self._place.sub(b"bash: ", output))


def _read_available(descriptor: int) -> bytes | None:
    """What can be read now; empty at the end of the stream, None if there is nothing yet."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        # Linux answers EIO on a pseudo-terminal whose other end is closed.
        return b""
