"""Findings of the site check, as a person or a program reads them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from kubetalk.model import Finding, Severity
from kubetalk.reporting.report import EXIT_DRIFT, EXIT_FRESH

FINDING_FORMATS = ("terminal", "json")


def render_findings(findings: Sequence[Finding], style: str) -> str:
    """One line per finding and a count, or a JSON list; ends with a newline."""
    if style == "json":
        found = [
            {
                "severity": finding.severity.value,
                "rule": finding.rule,
                "where": str(finding.location or ""),
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in findings
        ]
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    lines = [_line(finding) for finding in findings]
    counts = Counter(finding.severity for finding in findings)
    told = [f"{counts[severity]} {severity.value}s" for severity in Severity if counts[severity]]
    return "\n".join([*lines, ", ".join(told) or "nothing found"]) + "\n"


def findings_exit_code(findings: Sequence[Finding]) -> int:
    """1 if there is an error among them, else 0."""
    return EXIT_DRIFT if any(finding.severity is Severity.ERROR for finding in findings) else EXIT_FRESH


def _line(finding: Finding) -> str:
    remedy = f". {finding.remedy}" if finding.remedy else ""
    return f"{finding.location}: {finding.severity.value}: {finding.message}{remedy}  ({finding.rule})"
