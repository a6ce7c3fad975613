"""What is wrong, where, and what to do: the common currency of checks and reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kubetalk.model.document import Location


class Severity(StrEnum):
    """How bad a finding is; `reporting` maps it to exit codes and annotation levels."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem in a document or on the site."""

    severity: Severity
    rule: str
    """A stable, greppable name: ``drift-major``, ``slide-count``, ``hreflang``."""
    message: str
    location: Location | None = None
    document_id: str = ""
    block_id: str = ""
    remedy: str = ""
