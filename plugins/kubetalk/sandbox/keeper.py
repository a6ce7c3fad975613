"""The small process behind `kubetalk sandbox up`: holds a sandbox open after the command has ended, and answers for it.

Other commands reach it through a Unix socket in the sandbox's private directory, one JSON object per line: a request
``{"op": "status" | "checkpoint" | "restore" | "down", "name": …}`` and its answer ``{"ok": true, …}`` or
``{"ok": false, "error": …, "remedy": …}``. The answer to ``down`` has ``notes``, a list of what was said at the end.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kubetalk.errors import KubetalkError, SandboxError
from kubetalk.model import Layer, Location, ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedSandbox
from kubetalk.sandbox.places import cache_dir
from kubetalk.sandbox.providers import AnySandbox, make_provider

_LOOK_SECONDS = 2.0
_CLIENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class KeptSandbox:
    """What is known of a sandbox that was started with `up`: the content of its state file."""

    name: str
    pid: int
    socket: str
    directory: str
    provider: str
    simulated: bool
    context: str
    """Of an existing cluster; empty for those that were made for it."""
    since: str
    """UTC, ISO 8601."""
    nodes: int
    layer: str = ""
    """What it began with; empty for the empty cluster."""
    versions: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def state_file(name: str) -> Path:
    """Where the keeper of that name writes down what it keeps."""
    folder = cache_dir() / "up"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{name}.json"


def main(job: Mapping[str, Any]) -> int:
    """Detaches, starts, tells on standard output how it went, and stays until it is asked to end."""
    if os.fork():
        # Whoever waits for this process is done with it; the one that stays is a child of init.
        os._exit(0)
    settings, request = ProviderSettings(**job["provider"]), _request(job["request"])
    notes: list[str] = []
    is_up = False

    def progress(line: str) -> None:
        # Once it is up nobody listens any more; what is said at the end is for who asks for it.
        notes.append(line) if is_up else _tell(progress=line)

    try:
        sandbox = make_provider(settings).start(request, Path(tempfile.gettempdir()), progress)
    except KubetalkError as error:
        _tell(error=error.message, where=str(error.where or ""), remedy=error.remedy, details=error.details)
        return 1
    path = state_file(job["name"])
    with sandbox, socket.socket(socket.AF_UNIX) as server:
        address = sandbox.directory / "keeper.sock"
        server.bind(str(address))
        server.listen()
        server.settimeout(_LOOK_SECONDS)
        kept = KeptSandbox(
            name=job["name"],
            pid=os.getpid(),
            socket=str(address),
            directory=str(sandbox.directory),
            provider=sandbox.facts.provider,
            simulated=sandbox.facts.simulated,
            context=settings.context if sandbox.facts.provider == "context" else "",
            since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            nodes=request.nodes,
            layer=request.layer.name if request.layer else "",
            versions=dict(sandbox.facts.versions),
            environment=dict(sandbox.environment),
        )
        unfinished = path.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(kept), indent=2), encoding="utf-8")
        unfinished.replace(path)
        asker: socket.socket | None = None
        failure: SandboxError | OSError | None = None
        try:
            _tell(up=job["name"])
            # The command that started us may now end; nothing here may ever write to its pipe again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            is_up = True
            asker = _serve(server, sandbox)
            sandbox.close()
        except (SandboxError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            failure = error
        finally:
            path.unlink(missing_ok=True)
    if asker is None:
        return 1
    # Last of all: whoever hears this finds nothing of the sandbox any more, and may start another of that name.
    with asker, contextlib.suppress(OSError):
        _send(asker, _refusal("end", failure) if failure else {"ok": True, "notes": notes})
    return 1 if failure else 0


def _request(told: Mapping[str, Any]) -> SandboxRequest:
    """From what JSON makes of a request."""
    layer = told["layer"]
    asked = SandboxRequest(**{key: value for key, value in told.items() if key != "layer"})
    if layer is None:
        return asked
    where = Location(**layer["location"]) if layer["location"] else None
    return replace(asked, layer=Layer(layer["name"], tuple(layer["commands"]), where))


def _serve(server: socket.socket, sandbox: AnySandbox) -> socket.socket | None:
    """Answers until it is asked to end the sandbox, or until that dies; returns who asked and waits to hear of it."""
    while True:
        try:
            client, _ = server.accept()
        except TimeoutError:
            if isinstance(sandbox, EmbeddedSandbox):
                try:
                    sandbox.check()
                except SandboxError as error:
                    sys.stderr.write(f"{error}\n")
                    return None
            continue
        with contextlib.ExitStack() as stack:
            stack.enter_context(client)
            client.settimeout(_CLIENT_SECONDS)
            try:
                request = json.loads(client.makefile(encoding="utf-8").readline())
            except (OSError, ValueError):
                continue  # somebody only looked whether we are here
            if request.get("op") == "down":
                stack.pop_all()
                return client
            answer = _answer(sandbox, request)
            with contextlib.suppress(OSError):
                _send(client, answer)


def _send(client: socket.socket, answer: Mapping[str, Any]) -> None:
    client.sendall(json.dumps(answer).encode() + b"\n")


def _answer(sandbox: AnySandbox, request: Mapping[str, Any]) -> Mapping[str, Any]:
    name, operation = str(request.get("name", "")), str(request.get("op"))
    try:
        match operation:
            case "status":
                return {"ok": True, **sandbox.status()}
            case "checkpoint":
                sandbox.checkpoint(name)
            case "restore":
                sandbox.restore(name)
            case unknown:
                return {"ok": False, "error": f"unknown request {unknown!r}", "remedy": ""}
    except (SandboxError, OSError) as error:
        return _refusal(operation, error)
    return {"ok": True}


def _refusal(operation: str, error: SandboxError | OSError) -> Mapping[str, Any]:
    if isinstance(error, SandboxError):
        return {"ok": False, "error": error.message, "remedy": error.remedy}
    return {"ok": False, "error": f"the sandbox cannot {operation}: {error}", "remedy": ""}


def _tell(**message: str) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
