"""When the engine asks the cluster, and what it remembers of the answers: secret values, and the charts of Helm.

It is the sandbox that is asked, not the session's shell: an alias, another context or a readonly variable must not make
a difference. A question can cost as much as a short command. So it is asked only after commands that may have made or
read a Secret, and once more at the end, if the document speaks of Secrets or Helm at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kubetalk.errors import SandboxError
from kubetalk.model import CHART, Progress, Sandbox, Session
from kubetalk.running.commands import is_installing
from kubetalk.running.eyes import Eyes
from kubetalk.running.secret_values import chart_versions, installed_charts, secret_values

_SECRET: Final = re.compile(r"(?i)secret")
_SECRET_OR_HELM: Final = re.compile(r"(?i)secret|\bhelm\b")


@dataclass(frozen=True, slots=True)
class Noticed:
    """What was learnt from the cluster up to some point of a session."""

    values: frozenset[str] = frozenset()
    """Of Secrets: not to be shown."""
    charts: frozenset[tuple[str, str]] = frozenset()
    """Name and version of what Helm installed."""


class Noticing:
    """The questions of one session."""

    def __init__(self, session: Session, sandbox: Sandbox, eyes: Eyes, progress: Progress) -> None:
        self._sandbox = sandbox
        self._eyes = eyes
        self._progress = progress
        self._charts: frozenset[tuple[str, str]] = frozenset()
        self._is_up_to_date = False
        self._has_failed = False
        layer = session.request.layer
        self._asks_at_the_end = eyes.mention(_SECRET_OR_HELM) or (
            layer is not None and any(_SECRET_OR_HELM.search(command) for command in layer.commands)
        )

    @property
    def noticed(self) -> Noticed:
        """All of it so far."""
        return Noticed(self._eyes.learnt, self._charts)

    @property
    def versions(self) -> dict[str, str]:
        """The charts as `Provenance.versions` has them."""
        return {f"{CHART}{name}": version for name, version in chart_versions(self._charts).items()}

    def go_on(self, before: Noticed) -> None:
        """Take over what an earlier run had learnt before the point where this one begins."""
        self._charts = before.charts
        self._eyes.learn(before.values)

    def after(self, source: str) -> None:
        """Look what a command has left, before its output is shown: it may have been gone again at the end."""
        self._is_up_to_date = False
        if _SECRET.search(source) or is_installing(source):
            self._ask()

    def at_the_end(self) -> None:
        """Look once more, for what scripts, functions and controllers did without a command that says so."""
        if self._asks_at_the_end and not self._is_up_to_date:
            self._ask()

    def _ask(self) -> None:
        try:
            secrets = self._sandbox.secrets()
        except SandboxError:
            if not self._has_failed:
                self._progress("the cluster's Secrets cannot be listed; their values are hidden only where they stand")
            self._has_failed = True
            return
        self._is_up_to_date = True
        self._charts |= installed_charts(secrets)
        self._eyes.learn(secret_values(secrets))
