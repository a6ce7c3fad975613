"""What a session printed, and what a comparison of two such recordings says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from kubetalk.errors import RunError
from kubetalk.model.document import Layer, Location
from kubetalk.model.session import RunStep

CHART: Final = "chart "
"""What stands before the name of a Helm chart in `Provenance.versions`, so that none is taken for a tool."""

StepKey = tuple[str, int] | str
"""What the key chain is asked for: (block id, index of the command) or the id of a snapshot."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One command's result."""

    command: str
    """`Command.source`."""
    output: str
    """Standard output and error in true order, redacted, CRLF and erased lines resolved, ANSI colours kept."""
    exit_code: int
    key: str = ""
    """Its link of the key chain (design, 4.5), hex; empty in a recording written by hand."""
    seconds: float = 0.0
    """Wall time, all tries of a polled command together; not stored in recording.yml."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """The results of a live block's commands, in order."""

    id: str
    commands: tuple[CommandRecord, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The part of the cluster state a diagram needs: plain objects, pruned (no Secret data, no env values)."""

    id: str
    objects: tuple[Mapping[str, Any], ...]
    """Sorted by apiVersion, kind, namespace, name."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where, when and with what a session ran."""

    verified: dt.datetime
    """UTC, aware."""
    provider: str
    """``embedded``, ``kind``, ``context``."""
    simulated: bool
    """True when pods are simulated, so that the page says so."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Tool to version: ``kubernetes`` (the server), ``kubectl``, ``helm``, ``istioctl``; and ``chart NAME`` (`CHART`)
    to the version that the session, or its layer, installed, several of them with commas between."""
    layer: Layer | None = None
    """The layer that the session began on; None for the empty cluster."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a session printed, with exit codes and versions."""

    document_id: str
    provenance: Provenance
    blocks: tuple[BlockRecord, ...]
    snapshots: tuple[Snapshot, ...] = ()
    content: str = ""
    """Digest of the session's commands and files when it was recorded, hex; the sandbox is not in it. Tells a replay
    that a text or a manifest was changed since; empty in a recording written by hand."""

    def block(self, block_id: str) -> BlockRecord | None:
        """The record of that block."""
        return next((block for block in self.blocks if block.id == block_id), None)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that diagram."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == snapshot_id), None)


@dataclass(frozen=True, slots=True)
class SessionResult:
    """What became of a session: all of it, or the part before the failure."""

    completed: Recording
    """What ended as its block says, in the order of the session; the whole session if there is no failure."""
    failure: RunError | None = None
    unverified: tuple[RunStep, ...] = ()
    """The commands that did not run because of the failure."""
    failed: RunStep | None = None
    """The command that the failure is about; None if it is about something else, such as a file."""
    failed_record: CommandRecord | None = None
    """What that command printed and how it ended; None if it did not end by itself, or never began."""
    seconds: float = 0.0
    """Wall time of the whole run, the shell's start included; that of each command is in its record."""
    resumed: int = 0
    """How many of the session's steps were taken over from an earlier run instead of being run again."""

    @property
    def recording(self) -> Recording:
        """The whole recording.

        Raises the RunError of the command that failed: half a session is never recorded.
        """
        if self.failure:
            raise self.failure
        return self.completed


class Origin(StrEnum):
    """Where the outputs on a page come from; the page says which."""

    VERIFIED = "verified"
    """Run on this machine with the same commands, files, tools and sandbox: during this build or by an earlier one."""
    RECORDED = "recorded"
    """Replayed from recording.yml."""


class Verdict(StrEnum):
    """What a comparison says of one command (design, 1)."""

    FRESH = "fresh"
    DRIFT_MINOR = "drift-minor"
    DRIFT_MAJOR = "drift-major"
    UNVERIFIED = "unverified"
    HISTORIC = "historic"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed, in words."""

    verdict: Verdict
    """``DRIFT_MINOR`` or ``DRIFT_MAJOR``."""
    message: str
    """``STATUS of ratings-v1: Running -> CrashLoopBackOff``."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict on one command, or on one diagram."""

    block_id: str
    """Empty for a historic block, which has none."""
    index: int
    command: str
    """Empty for a diagram."""
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    location: Location | None = None
    reason: str = ""
    """Why it is unverified or historic."""

    @property
    def is_diagram(self) -> bool:
        """Whether it is about a diagram's snapshot."""
        return not self.command

    @property
    def key(self) -> StepKey:
        """What it is about, as the session names its steps."""
        return self.block_id if self.is_diagram else (self.block_id, self.index)
