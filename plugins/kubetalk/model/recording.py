"""What a session printed, and what a comparison of two such recordings says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubetalk.model.document import Location


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
    """Wall time; not stored in recording.yml."""


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
    """Tool to version: ``kubernetes`` (the server), ``kubectl``, ``helm``, ``istioctl``, and charts."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a session printed, with exit codes and versions."""

    document_id: str
    provenance: Provenance
    blocks: tuple[BlockRecord, ...]
    snapshots: tuple[Snapshot, ...] = ()

    def block(self, block_id: str) -> BlockRecord | None:
        """The record of that block."""
        return next((block for block in self.blocks if block.id == block_id), None)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that diagram."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == snapshot_id), None)


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
    """The verdict on one command."""

    block_id: str
    index: int
    command: str
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    location: Location | None = None
    reason: str = ""
    """Why it is unverified or historic."""
