"""Speaks with one `kubetalk-supervisor` (see PROTOCOL.md): events in, requests out, all with time limits."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from kubetalk.errors import SandboxError
from kubetalk.model import Progress

# The supervisor promises to be gone 3 s after the end of its input.
_GONE_SECONDS = 4.0


class Supervisor:
    """The one process that holds a sandbox; it ends when this object's pipe to it does.

    Safe to use from several threads; requests are answered in the order they were made.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        """Starts it.

        Raises SandboxError if the program cannot be started.
        """
        self._stderr_path = cwd / "supervisor.stderr"
        try:
            with self._stderr_path.open("wb") as stderr:
                self._process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env=dict(environment),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    bufsize=1,
                    # Ctrl-C in the author's terminal is for the build, which then ends the sandbox in order.
                    start_new_session=True,
                )
        except OSError as error:
            raise SandboxError(f"the sandbox program {command[0]} cannot be started: {error}") from error
        assert self._process.stdin is not None  # noqa: S101  for the type checker
        assert self._process.stdout is not None  # noqa: S101
        self._stdin: IO[str] = self._process.stdin
        self._stdout: IO[str] = self._process.stdout
        self._heard = threading.Condition()
        self._steps: list[Mapping[str, Any]] = []
        self._ready: Mapping[str, Any] | None = None
        self._failed: SandboxError | None = None
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._silent = False
        self._last_id = 0
        self._stopping = False
        self._reader = threading.Thread(target=self._read, name="sandbox-supervisor", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's too."""
        return self._process.pid

    @property
    def failure(self) -> SandboxError | None:
        """Why the sandbox is no longer usable; None while it is."""
        with self._heard:
            return self._failed

    def wait_ready(self, timeout: float, progress: Progress) -> Mapping[str, Any]:
        """The `ready` event.

        Raises SandboxError with what the supervisor said if it failed, and if nothing came in time.
        """
        deadline = time.monotonic() + timeout
        told = 0
        while True:
            with self._heard:
                self._heard.wait_for(
                    lambda: self._ready or self._failed or self._silent or len(self._steps) > told,  # noqa: B023
                    timeout=max(0.0, deadline - time.monotonic()),
                )
                steps, told = self._steps[told:], len(self._steps)
                ready, failed, silent = self._ready, self._failed, self._silent
            for step in steps:
                progress(f"sandbox: {step.get('step', '')} after {step.get('seconds', 0):.1f} s")
            if failed:
                raise failed
            if ready:
                return ready
            if silent:
                raise self._ended("while it was starting")
            if time.monotonic() >= deadline:
                last = f" (the last step was {self._steps[-1].get('step')})" if self._steps else ""
                raise SandboxError(
                    f"the sandbox was not ready within {timeout:.0f} s{last}",
                    remedy="Try again when the machine is less busy",
                )

    def request(self, operation: str, timeout: float, **keys: str) -> Mapping[str, Any]:
        """Asks for something and waits for the answer.

        Raises SandboxError when it is refused, when the sandbox broke, when no answer came within ``timeout`` seconds.
        """
        with self._heard:
            if self._failed:
                raise self._failed
            self._last_id += 1
            number = self._last_id
            line = json.dumps({"id": number, "op": operation, **keys})
            try:
                self._stdin.write(line + "\n")
                self._stdin.flush()
            except (OSError, ValueError):
                self._silent = True
            self._heard.wait_for(lambda: number in self._answers or self._failed or self._silent, timeout=timeout)
            answer = self._answers.pop(number, None)
            failed, silent = self._failed, self._silent
        if answer is not None:
            if answer.get("ok") is True:
                return answer
            # A restore that fails is followed by the reason in a `failed` event, which says more.
            raise SandboxError(f"the sandbox cannot {operation}: {answer.get('error', 'no reason given')}")
        if failed:
            raise failed
        if silent:
            raise self._ended(f"during {operation!r}")
        raise SandboxError(f"the sandbox did not answer {operation!r} within {timeout:.0f} s")

    def stop(self, timeout: float = 10.0) -> None:
        """Ends it and everything it started: asks, then closes the pipe, then kills. Safe to call twice."""
        self._stopping = True
        try:
            if self._process.poll() is None:
                with contextlib.suppress(SandboxError):
                    self.request("stop", timeout)
                self._close_stdin()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_GONE_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends it at once; its parts notice and are gone within 3 s."""
        self._stopping = True
        self._close_stdin()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(_GONE_SECONDS)
        if not self._reader.is_alive():
            self._stdout.close()

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()

    def _read(self) -> None:
        try:
            for line in self._stdout:
                self._hear(line)
        except (OSError, ValueError):
            pass
        finally:
            with self._heard:
                self._silent = True
                if self._ready and not self._failed and not self._stopping:
                    self._failed = self._ended("though nobody stopped it")
                self._heard.notify_all()

    def _hear(self, line: str) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        with self._heard:
            match message:
                case {"event": "progress"}:
                    self._steps.append(message)
                case {"event": "ready", "kubeconfig": str(), "bin": str(), "home": str()}:
                    self._ready = message
                case {"event": "failed"}:
                    self._failed = self._failed or _failure(message)
                case {"id": int() as number, "ok": bool()}:
                    self._answers[number] = message
                case _:
                    self._failed = self._failed or SandboxError(
                        f"the sandbox said something that is not its protocol: {line.strip()[:200]!r}",
                        remedy="Build it again with `kubetalk sandbox build --force`",
                    )
            self._heard.notify_all()

    def _ended(self, when: str) -> SandboxError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GONE_SECONDS)
        status = self._process.returncode
        killed = status is not None and status < 0
        how = f"was killed by signal {-status}" if killed else f"ended with exit status {status}"
        with contextlib.suppress(OSError):
            said = self._stderr_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            return SandboxError(f"the sandbox {how} {when}", details="\n".join(said))
        return SandboxError(f"the sandbox {how} {when}")


def _failure(message: Mapping[str, Any]) -> SandboxError:
    log = message.get("log") or []
    reason = str(message.get("reason") or f"{message.get('part', 'a part')} failed")
    return SandboxError(f"the sandbox failed: {reason}", details="\n".join(str(line) for line in log[:3]))
