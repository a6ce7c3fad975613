"""The functions behind `kubetalk sandbox up`, `status` and so on: each does one thing and returns what came of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxRequest
from kubetalk.sandbox.binaries import ensure_binary
from kubetalk.sandbox.istio import needs_istio_binary
from kubetalk.sandbox.keeper import KeptSandbox
from kubetalk.sandbox.kept import all_places, ask, find_kept, is_up, load, one_at_a_time, place_of, start_keeper


@dataclass(frozen=True, slots=True)
class Part:
    """One process of a sandbox."""

    name: str
    pid: int
    state: str
    """``running``, or ``loaded`` when it waits for the next restore."""
    pss: int
    """Bytes; 0 where the system does not tell."""
    rss: int


@dataclass(frozen=True, slots=True)
class Status:
    """A sandbox that is up, as it is now."""

    kept: KeptSandbox
    parts: tuple[Part, ...]
    bytes: int
    """On disk."""
    checkpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartLog:
    """The end of one part's log."""

    part: str
    lines: tuple[str, ...]
    """Without their line ends."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of a sandbox that was saved or put back."""

    name: str
    """Of the sandbox."""
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A sandbox that is no longer up."""

    name: str
    notes: tuple[str, ...]
    """What it said at its end, such as what stays on an existing cluster."""


def up(settings: ProviderSettings, request: SandboxRequest, name: str, progress: Progress) -> KeptSandbox:
    """Starts a sandbox that stays until `down`.

    Raises SandboxError, also when that name is taken.
    """
    path = place_of(name)
    with one_at_a_time(path):
        if is_up(path):
            raise SandboxError(
                f"the sandbox {name!r} is up already", remedy="Use it with `kubetalk sandbox shell`, or give --name"
            )
        if settings.name == "embedded":
            # Here, not in the keeper: a build has a progress bar and Ctrl-C.
            ensure_binary(settings, progress)
            if needs_istio_binary(request):
                ensure_binary(settings, progress, module="istio")
        start_keeper(settings, request, name, progress)
    return load(path)


def status() -> tuple[Status, ...]:
    """Every sandbox that is up, by name.

    Raises SandboxError if one of them does not answer.
    """
    found = []
    for path in all_places():
        if not is_up(path):
            continue
        kept = load(path)
        try:
            answer = ask(kept, "status")
        except SandboxError:
            # It may have ended in this very moment.
            if is_up(path):
                raise
            continue
        parts = tuple(Part(*(part[key] for key in Part.__slots__)) for part in answer["parts"])
        found.append(Status(kept, parts, answer["bytes"], tuple(answer["checkpoints"])))
    return tuple(found)


def logs(name: str, part: str = "", lines: int = 40) -> tuple[PartLog, ...]:
    """The last lines of the logs of one part, or of all.

    Raises SandboxError if there is no such sandbox or part.
    """
    folder = Path(find_kept(name).directory) / "box" / "logs"
    files = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if part and part not in files:
        raise SandboxError(f"there is no part {part!r}", remedy=f"It is one of {', '.join(files)}" if files else "")
    found = []
    for stem, path in files.items():
        if part in {"", stem}:
            with path.open(encoding="utf-8", errors="replace") as file:
                found.append(PartLog(stem, tuple(line.rstrip("\n") for line in deque(file, lines))))
    return tuple(found)


def checkpoint(name: str, label: str) -> Moment:
    """Saves the state of a sandbox that is up.

    Raises SandboxError.
    """
    ask(find_kept(name), "checkpoint", name=label)
    return Moment(name, label)


def restore(name: str, label: str) -> Moment:
    """Puts a sandbox that is up back to a checkpoint.

    Raises SandboxError.
    """
    ask(find_kept(name), "restore", name=label)
    return Moment(name, label)


def down(name: str) -> Ended:
    """Ends a sandbox that is up and removes its files.

    Raises SandboxError if there is none of that name, or if something of it could not be removed.
    """
    answer = ask(find_kept(name), "down")
    return Ended(name, tuple(str(note) for note in answer.get("notes", ())))
