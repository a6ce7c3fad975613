"""The sandboxes that `kubetalk sandbox up` started: finding them, asking their keepers, and starting one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxRequest
from kubetalk.sandbox.keeper import KeptSandbox, state_file

DEFAULT_NAME = "default"

_ASK_SECONDS = 120.0
# Deleting the namespaces of a session on an existing cluster may take 200 s, a cluster in Docker two minutes.
_DOWN_SECONDS = 300.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def place_of(name: str) -> Path:
    """The state file of a sandbox of that name, there or not.

    Raises SandboxError for what cannot be a name.
    """
    if not _NAME.fullmatch(name):
        raise SandboxError(f"{name!r} cannot be a sandbox's name", remedy="Use small letters, digits and hyphens")
    return state_file(name)


def all_places() -> list[Path]:
    """The state files that there are, those of killed keepers included."""
    return sorted(state_file(DEFAULT_NAME).parent.glob("*.json"))


def name_option(name: str) -> str:
    """How a command is told that name."""
    return "" if name == DEFAULT_NAME else f" --name {name}"


def find_kept(name: str) -> KeptSandbox:
    """The sandbox of that name that is up.

    Raises SandboxError if there is none.
    """
    path = place_of(name)
    if not is_up(path):
        raise SandboxError(
            f"no sandbox {name!r} is up", remedy=f"Start it with `kubetalk sandbox up{name_option(name)}`"
        )
    return load(path)


def is_up(path: Path) -> bool:
    """Whether its keeper still answers; what a killed keeper left is removed."""
    try:
        kept = load(path)
    except FileNotFoundError:
        return False
    except SandboxError:
        path.unlink(missing_ok=True)
        return False
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(kept.socket)
    except OSError:
        path.unlink(missing_ok=True)
        return False
    return True


def load(path: Path) -> KeptSandbox:
    """What the state file says.

    Raises SandboxError if it cannot be used, FileNotFoundError if there is none.
    """
    try:
        return KeptSandbox(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise SandboxError(f"the state file cannot be used: {error}", where=path) from error


def ask(kept: KeptSandbox, operation: str, **keys: str) -> Mapping[str, Any]:
    """The keeper's answer (see keeper.py).

    Raises SandboxError if it refuses, fails or does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_DOWN_SECONDS if operation == "down" else _ASK_SECONDS)
            client.connect(kept.socket)
            client.sendall(json.dumps({"op": operation, **keys}).encode() + b"\n")
            line = client.makefile(encoding="utf-8").readline()
            if not line:
                raise SandboxError(
                    f"the sandbox {kept.name!r} ended during {operation!r}",
                    remedy=f"Start another one with `kubetalk sandbox up{name_option(kept.name)}`",
                )
            answer = json.loads(line)
    except (OSError, ValueError) as error:
        raise SandboxError(f"the sandbox {kept.name!r} did not answer {operation!r}: {error}") from error
    if not answer.pop("ok"):
        raise SandboxError(answer["error"], remedy=answer["remedy"])
    return dict(answer)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Keeps others from starting a sandbox of that name meanwhile.

    Raises SandboxError if another command does already.
    """
    try:
        with FileLock(path.with_suffix(".lock"), timeout=0.1, mode=0o600):
            yield
    except Timeout:
        raise SandboxError(f"the sandbox {path.stem!r} is being started by another command") from None


def start_keeper(settings: ProviderSettings, request: SandboxRequest, name: str, progress: Progress) -> None:
    """Starts a keeper with its sandbox and waits until it is up.

    Raises SandboxError, as the provider's start.
    """
    job = {"name": name, "provider": asdict(settings), "request": asdict(request)}
    log = state_file(name).with_suffix(".log")
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "kubetalk.sandbox.keeper", json.dumps(job)],
            cwd="/",
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101  for the type checker
    try:
        # The provider's own time limits end the wait: the keeper tells how it went, or ends.
        for line in process.stdout:
            match json.loads(line):
                case {"progress": str(step)}:
                    progress(step)
                case {"up": _}:
                    return
                case {"error": str(message), "where": str(where), "remedy": str(remedy), "details": str(details)}:
                    raise SandboxError(message, where=where, remedy=remedy, details=details)
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise SandboxError("the keeper of the sandbox ended while it was starting", details="\n".join(said))
    except (KeyboardInterrupt, SystemExit):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise
    finally:
        process.stdout.close()
        process.wait(30)
