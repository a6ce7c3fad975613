"""Where commands run: what a provider promises and what a sandbox is to the session engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from kubetalk.model.document import Layer, SandboxRequest


@dataclass(frozen=True, slots=True)
class SandboxFacts:
    """What is known of a sandbox before it is started; the root of the key chain holds all of it."""

    provider: str
    """``embedded``, ``kind``, ``context``."""
    simulated: bool
    versions: Mapping[str, str] = field(default_factory=dict)
    """Tool to version, ``kubernetes`` being the server."""
    fingerprint: str = ""
    """Changes whenever the same commands could print something else: hash of the binary's sources and flags,
    and of the layer's commands."""
    layer: Layer | None = None
    """What was done in the cluster before the session; None if nothing was."""


class Sandbox(Protocol):
    """A running throw-away cluster."""

    @property
    def facts(self) -> SandboxFacts:
        """What it is."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The whole environment of a session's shell: PATH with exactly the sandbox's tools, HOME, KUBECONFIG, …."""

    def check(self) -> None:
        """Raises SandboxError if it no longer works: the cause behind a command that suddenly fails."""

    def objects(self) -> tuple[Mapping[str, Any], ...]:
        """All cluster objects a diagram may draw, as the API returns them (JSON)."""

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        """All Secrets with their data, so that it can be hidden; asked for after many commands, so it must be cheap.

        Raises SandboxError.
        """

    def checkpoint(self, name: str) -> None:
        """Save the cluster state under a name."""

    def restore(self, name: str) -> None:
        """Put the cluster back to a checkpoint; returns when the first command works again."""

    def forget(self, name: str) -> None:
        """Remove a checkpoint."""

    def close(self) -> None:
        """Stop everything and remove every file; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


Progress = Callable[[str], None]
"""Told one short line per step of long work, for people to see."""


class Provider(Protocol):
    """Makes sandboxes."""

    def unavailable(self, request: SandboxRequest) -> str:
        """Why no sandbox for that request can be had here, in one sentence with a remedy; empty if it can."""

    def facts(self, request: SandboxRequest) -> SandboxFacts:
        """What `start` would give, without starting it."""

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> Sandbox:
        """A fresh, pristine sandbox whose files live under ``directory``.

        Raises SandboxError.
        """
