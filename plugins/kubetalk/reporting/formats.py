"""One function per format; each takes a `Report` and returns the whole text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from kubetalk.model import Comparison, Provenance, Verdict
from kubetalk.reporting.report import DocumentReport, Report

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_GAP = re.compile(r" {2,}")
_MARK = {
    Verdict.FRESH: "ok",
    Verdict.DRIFT_MINOR: "minor",
    Verdict.DRIFT_MAJOR: "MAJOR",
    Verdict.UNVERIFIED: "not verified",
    Verdict.HISTORIC: "historic",
}


def render_report(report: Report, style: str) -> str:
    """The report in one of `FORMATS`; ends with a newline."""
    return FORMATS[style](report)


def _first_line(command: str) -> str:
    line, _, rest = command.partition("\n")
    return f"{line} …" if rest else line


def _drifted(document: DocumentReport) -> Iterator[Comparison]:
    return (c for c in document.comparisons if c.verdict not in (Verdict.FRESH, Verdict.HISTORIC))


def _reasons(comparison: Comparison) -> tuple[str, ...]:
    return tuple(difference.message for difference in comparison.differences) or (
        (comparison.reason,) if comparison.reason else ()
    )


def _counts(report: Report) -> str:
    parts = [
        f"{report.count(verdict)} {verdict.value}"
        for verdict in Verdict
        if report.count(verdict) or verdict is Verdict.FRESH
    ]
    failures = sum(bool(document.failure) for document in report.documents)
    if failures:
        parts.append(f"{failures} failed")
    return ", ".join(parts)


def _versions(provenance: Provenance) -> str:
    versions = ", ".join(f"{tool} {version}" for tool, version in sorted(provenance.versions.items()))
    return f"{provenance.verified:%Y-%m-%d %H:%M} UTC, {provenance.provider}" + (f", {versions}" if versions else "")


def _terminal(report: Report) -> str:
    lines: list[str] = []
    for document in report.documents:
        count = len(document.comparisons)
        mark = "recorded for the first time" if document.is_new else _MARK[document.verdict]
        lines.append(f"{document.path}: {mark}, {count} commands in {document.seconds:.1f} s")
        lines.extend(f"  {line}" for line in document.failure.splitlines())
        if document.is_new:
            continue
        for comparison in _drifted(document):
            where = f"{comparison.location}: " if comparison.location else ""
            command = f"[{comparison.block_id}] $ {_first_line(comparison.command)}"
            lines.append(f"  {where}{command}  ({comparison.verdict.value})")
            lines.extend(f"      {reason}" for reason in _reasons(comparison))
            if texts := document.texts.get((comparison.block_id, comparison.index)):
                lines.extend(f"        {line}" for line in _changed_lines(*texts))
        if document.recorded and list(_drifted(document)):
            lines.append(f"  recorded {_versions(document.recorded)}")
            if document.current:
                lines.append(f"  now      {_versions(document.current)}")
    lines.append(_counts(report))
    return "\n".join(lines) + "\n"


def _changed_lines(old: str, new: str) -> Iterator[str]:
    """Both texts as one diff with two lines around each change; a column that only got wider is none."""
    before, after = (_ANSI.sub("", text).splitlines() for text in (old, new))
    narrow = [[_GAP.sub("  ", line.rstrip()) for line in lines] for lines in (before, after)]
    matcher = SequenceMatcher(None, narrow[0], narrow[1], autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(2)):
        if number:
            yield "..."
        for tag, first, last, begin, end in group:
            if tag == "equal":
                yield from (f" {line}" for line in after[begin:end])
            else:
                yield from (f"-{line}" for line in before[first:last])
                yield from (f"+{line}" for line in after[begin:end])


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _markdown(report: Report) -> str:
    lines = ["# Is everything on the site still true?", "", _counts(report), ""]
    lines += ["| document | commands | verdict | recorded |", "| --- | --- | --- | --- |"]
    for document in report.documents:
        recorded = _versions(document.recorded) if document.recorded else "never"
        lines.append(
            f"| {document.path} | {len(document.comparisons)} | {document.verdict.value} | {_escape_cell(recorded)} |"
        )
    for document in report.documents:
        drifted = list(_drifted(document))
        if not drifted and not document.failure:
            continue
        lines += ["", f"## {document.path}", ""]
        if document.failure:
            lines += ["```", document.failure, "```", ""]
        for comparison in drifted:
            where = f" ({comparison.location})" if comparison.location else ""
            lines.append(f"- `{_first_line(comparison.command)}`{where}: {comparison.verdict.value}")
            lines += [f"    - {_escape_cell(reason)}" for reason in _reasons(comparison)]
    return "\n".join(lines) + "\n"


def _provenance_object(provenance: Provenance | None) -> Mapping[str, object] | None:
    if provenance is None:
        return None
    return {
        "verified": provenance.verified.isoformat(),
        "provider": provenance.provider,
        "simulated": provenance.simulated,
        "versions": dict(sorted(provenance.versions.items())),
    }


def _json(report: Report) -> str:
    content = {
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "documents": [
            {
                "id": document.document_id,
                "path": document.path,
                "verdict": document.verdict.value,
                "seconds": round(document.seconds, 3),
                "failure": document.failure,
                "recorded": _provenance_object(document.recorded),
                "current": _provenance_object(document.current),
                "commands": [
                    {
                        "block": comparison.block_id,
                        "index": comparison.index,
                        "command": comparison.command,
                        "verdict": comparison.verdict.value,
                        "where": str(comparison.location or ""),
                        "differences": [
                            {"verdict": difference.verdict.value, "message": difference.message}
                            for difference in comparison.differences
                        ],
                        "reason": comparison.reason,
                    }
                    for comparison in document.comparisons
                ],
            }
            for document in report.documents
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _junit(report: Report) -> str:
    xml = JUnitXml("kubetalk")
    for document in report.documents:
        suite = TestSuite(document.path)
        if document.failure:
            case = TestCase("session", classname=document.document_id)
            case.result = [Failure(document.failure.splitlines()[0])]
            suite.add_testcase(case)
        for comparison in document.comparisons:
            case = TestCase(
                f"{comparison.block_id}[{comparison.index}] {_first_line(comparison.command)}",
                classname=document.document_id,
            )
            text = "; ".join(_reasons(comparison))
            if comparison.verdict in (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR):
                case.result = [Failure(text, comparison.verdict.value)]
            elif comparison.verdict is Verdict.UNVERIFIED:
                case.result = [Skipped(text)]
            suite.add_testcase(case)
        xml.add_testsuite(suite)
    xml.update_statistics()
    text = xml.tostring()
    return (text.decode() if isinstance(text, bytes) else str(text)) + "\n"


def _escape_annotation(text: str, *, is_property: bool = False) -> str:
    """GitHub's workflow command escapes (actions/toolkit, packages/core/src/command.ts)."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def _annotations(report: Report) -> str:
    lines: list[str] = []
    for document in report.documents:
        if document.failure:
            lines.append(f"::error title=session failed::{_escape_annotation(document.failure)}")
        for comparison in _drifted(document):
            level = "error" if comparison.verdict is Verdict.DRIFT_MAJOR else "warning"
            place = ""
            if comparison.location:
                path = _escape_annotation(comparison.location.path, is_property=True)
                place = f"file={path},line={comparison.location.line},"
            title = _escape_annotation(
                f"{comparison.verdict.value}: {_first_line(comparison.command)}", is_property=True
            )
            lines.append(f"::{level} {place}title={title}::{_escape_annotation(chr(10).join(_reasons(comparison)))}")
    return "".join(line + "\n" for line in lines)


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "json": _json,
    "junit": _junit,
    "annotations": _annotations,
}
"""Name of a format, as ``--format`` takes it, to its function."""
