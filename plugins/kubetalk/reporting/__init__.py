"""Findings and verdicts as text for people, Markdown for a job summary, JSON, JUnit XML and CI annotations."""

from kubetalk.reporting.findings import FINDING_FORMATS, findings_exit_code, render_findings
from kubetalk.reporting.formats import FORMATS, render_report
from kubetalk.reporting.report import EXIT_DRIFT, EXIT_ERROR, EXIT_FRESH, DocumentReport, Report, exit_code

__all__ = [
    "EXIT_DRIFT",
    "EXIT_ERROR",
    "EXIT_FRESH",
    "FINDING_FORMATS",
    "FORMATS",
    "DocumentReport",
    "Report",
    "exit_code",
    "findings_exit_code",
    "render_findings",
    "render_report",
]
