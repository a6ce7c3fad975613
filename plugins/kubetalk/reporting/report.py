"""What a check found, document by document: the one input of every format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kubetalk.model import Comparison, Provenance, StepKey, Verdict

EXIT_FRESH = 0
EXIT_DRIFT = 1
EXIT_ERROR = 2

_RANK = {
    Verdict.FRESH: 0,
    Verdict.HISTORIC: 0,
    Verdict.UNVERIFIED: 1,
    Verdict.DRIFT_MINOR: 1,
    Verdict.DRIFT_MAJOR: 2,
}


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """The comparison of one document's recording with a fresh run."""

    document_id: str
    path: str
    """The document's folder or file, relative to the project folder."""
    comparisons: tuple[Comparison, ...]
    seconds: float = 0.0
    recorded: Provenance | None = None
    """What recording.yml says; None if there is none."""
    current: Provenance | None = None
    """What ran now; None if nothing could run."""
    failure: str = ""
    """Why the session could not be finished, as `KubetalkError` prints it."""
    is_new: bool = False
    """Just recorded, and there was no recording before."""
    texts: Mapping[StepKey, tuple[str, str]] = field(default_factory=dict)
    """Old and new output of commands whose texts are to be shown, by (block id, index)."""

    def count(self, verdict: Verdict) -> int:
        """How many commands got that verdict."""
        return sum(comparison.verdict is verdict for comparison in self.comparisons)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its commands."""
        if self.failure:
            return Verdict.DRIFT_MAJOR
        return max((c.verdict for c in self.comparisons), key=lambda v: _RANK[v], default=Verdict.FRESH)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole check."""

    documents: tuple[DocumentReport, ...]

    def count(self, verdict: Verdict) -> int:
        """How many commands got that verdict."""
        return sum(document.count(verdict) for document in self.documents)


def exit_code(verdicts: Iterable[Verdict], fail_on: Verdict) -> int:
    """0 if nothing reaches ``fail_on`` (``DRIFT_MINOR`` or ``DRIFT_MAJOR``), else 1.

    Something that could not be verified counts like a minor drift: a green check must mean that everything was run.
    """
    return EXIT_DRIFT if any(_RANK[verdict] >= _RANK[fail_on] for verdict in verdicts) else EXIT_FRESH
