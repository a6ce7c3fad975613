"""What a check found, document by document: the one input of every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubetalk.errors import KubetalkError, RunError
from kubetalk.model import Comparison, Provenance, StepKey, Verdict

EXIT_FRESH = 0
EXIT_DRIFT = 1
EXIT_ERROR = 2

_RANK = {
    Verdict.HISTORIC: 0,
    Verdict.FRESH: 1,
    Verdict.UNVERIFIED: 2,
    Verdict.DRIFT_MINOR: 3,
    Verdict.DRIFT_MAJOR: 4,
}


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """The comparison of one document's recording with a fresh run."""

    document_id: str
    path: str
    """The document's folder or file, relative to the project folder."""
    comparisons: tuple[Comparison, ...]
    """Of its commands and diagrams, then of its historic commands."""
    seconds: float = 0.0
    recorded: Provenance | None = None
    """What recording.yml says; None if there is none."""
    current: Provenance | None = None
    """What ran now; None if nothing could run."""
    failure: KubetalkError | None = None
    """Why the session could not be finished, or not be compared."""
    is_new: bool = False
    """Just recorded, and there was no recording before."""
    texts: Mapping[StepKey, tuple[str, str]] = field(default_factory=dict)
    """Old and new output of commands whose texts are to be shown, by (block id, index)."""

    def count(self, verdict: Verdict) -> int:
        """How many commands and diagrams got that verdict."""
        return sum(comparison.verdict is verdict for comparison in self.comparisons)

    @property
    def is_hindered(self) -> bool:
        """Whether something else than its commands kept it from being checked: that is no news of the document."""
        return self.failure is not None and not all(isinstance(error, RunError) for error in self.failure.problems)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its commands and diagrams; a session that failed has drifted."""
        verdicts = {comparison.verdict for comparison in self.comparisons} or {Verdict.FRESH}
        if self.failure:
            verdicts.add(Verdict.UNVERIFIED if self.is_hindered else Verdict.DRIFT_MAJOR)
        return max(verdicts, key=lambda verdict: _RANK[verdict])


@dataclass(frozen=True, slots=True)
class Report:
    """A whole check."""

    documents: tuple[DocumentReport, ...]

    def count(self, verdict: Verdict) -> int:
        """How many commands and diagrams got that verdict."""
        return sum(document.count(verdict) for document in self.documents)


def exit_code(report: Report, fail_on: Verdict) -> int:
    """0 if all is as recorded, 1 if something reaches ``fail_on`` (``DRIFT_MINOR`` or ``DRIFT_MAJOR``), else 2.

    2 is for a document that could not be checked, while nothing that could has drifted. What has no verdict though its
    document was checked, such as a command that is not recorded yet, is 1 whatever ``fail_on`` says: a green check must
    mean that everything was run.
    """
    checked = [document for document in report.documents if not document.is_hindered]
    if any(report.count(verdict) for verdict in (Verdict.DRIFT_MAJOR, fail_on)):
        return EXIT_DRIFT
    if any(document.failure or document.count(Verdict.UNVERIFIED) for document in checked):
        return EXIT_DRIFT
    return EXIT_FRESH if len(checked) == len(report.documents) else EXIT_ERROR
