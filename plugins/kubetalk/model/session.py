"""What has to run for a document, in order: made by `reading`, carried out by `running`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubetalk.model.document import BlockOptions, Command, Location, SandboxRequest


@dataclass(frozen=True, slots=True)
class RunStep:
    """Run one command."""

    block_id: str
    index: int
    """Position of the command in its block, from 0."""
    command: Command
    options: BlockOptions
    translations: tuple[Location, ...] = ()
    """Where the other languages show the same block."""


@dataclass(frozen=True, slots=True)
class FileStep:
    """Write a file into the working directory."""

    path: str
    content: str
    location: Location


@dataclass(frozen=True, slots=True)
class SnapshotStep:
    """Read the cluster state for a diagram."""

    id: str
    location: Location


Step = RunStep | FileStep | SnapshotStep


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the document's folder that the session finds in its working directory."""

    path: str
    """Relative to the working directory, with slashes."""
    source_path: Path
    digest: str
    """SHA-256 of the content, hex."""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """All commands of one document in order: one shell, one sandbox, one working directory."""

    document_id: str
    request: SandboxRequest
    steps: tuple[Step, ...]
    files: tuple[SourceFile, ...] = ()
    """Sorted by path."""

    @property
    def commands(self) -> tuple[RunStep, ...]:
        """The steps that run something."""
        return tuple(step for step in self.steps if isinstance(step, RunStep))
