"""One function per format; each takes a `Report` and returns the whole text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from kubetalk.errors import KubetalkError
from kubetalk.model import Comparison, Provenance, Verdict
from kubetalk.reporting.report import DocumentReport, Report

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_GAP = re.compile(r" {2,}")
_TICKS = re.compile("`+")
# What may stand in XML 1.0 (2.2, Char); a parser gives up at anything else.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9]\d*)")
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


def _shown(comparison: Comparison) -> str:
    """What it is about: ``[services] $ kubectl get services``, ``[overview] the diagram``."""
    block = f"[{comparison.block_id}] " if comparison.block_id else ""
    return block + ("the diagram" if comparison.is_diagram else f"$ {_first_line(comparison.command)}")


def _title(comparison: Comparison) -> str:
    """The same without the block: for places that have one of their own, or none."""
    return f"diagram {comparison.block_id}" if comparison.is_diagram else _first_line(comparison.command)


def _told(document: DocumentReport) -> list[Comparison]:
    """All there is a word to say of."""
    return [c for c in document.comparisons if c.verdict is not Verdict.FRESH]


def _drifted(document: DocumentReport) -> list[Comparison]:
    return [c for c in _told(document) if c.verdict is not Verdict.HISTORIC]


def _size(document: DocumentReport) -> str:
    """``3 commands, 1 diagram``: what a check is about."""
    checked = [c for c in document.comparisons if c.verdict is not Verdict.HISTORIC]
    diagrams = sum(c.is_diagram for c in checked)
    parts = [_number(len(checked) - diagrams, "command")] if len(checked) > diagrams or not diagrams else []
    return ", ".join([*parts, *([_number(diagrams, "diagram")] if diagrams else [])])


def _number(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


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
    failures = sum(bool(document.failure) and not document.is_hindered for document in report.documents)
    hindered = sum(document.is_hindered for document in report.documents)
    if failures:
        parts.append(f"{failures} failed")
    if hindered:
        parts.append(f"{hindered} could not be checked")
    return ", ".join(parts)


def _versions(provenance: Provenance) -> str:
    versions = ", ".join(f"{tool} {version}" for tool, version in sorted(provenance.versions.items()))
    return f"{provenance.verified:%Y-%m-%d %H:%M} UTC, {provenance.provider}" + (f", {versions}" if versions else "")


def _terminal(report: Report) -> str:
    lines: list[str] = []
    for document in report.documents:
        mark = "recorded for the first time" if document.is_new else _MARK[document.verdict]
        lines.append(f"{document.path}: {mark}, {_size(document)} in {document.seconds:.1f} s")
        lines.extend(f"  {line}" for line in str(document.failure or "").splitlines())
        if document.is_new:
            continue
        for comparison in _told(document):
            where = f"{comparison.location}: " if comparison.location else ""
            lines.append(f"  {where}{_shown(comparison)}  ({comparison.verdict.value})")
            if comparison.verdict is Verdict.HISTORIC:
                continue  # its reason stands on the page, and it never is news
            lines.extend(f"      {reason}" for reason in _reasons(comparison))
            if texts := document.texts.get(comparison.key):
                lines.extend(f"        {line}" for line in _changed_lines(*texts))
        if document.recorded and _drifted(document):
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


def _code(text: str) -> str:
    """Code in a line of Markdown, whatever backticks are in it (CommonMark, 6.1)."""
    ticks = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    return f"{ticks} {text} {ticks}" if len(ticks) > 1 else f"`{text}`"


def _fenced(text: str) -> list[str]:
    text = _ANSI.sub("", text)
    fence = "`" * max(3, max(map(len, _TICKS.findall(text)), default=0) + 1)
    return [fence, text, fence]


def _markdown(report: Report) -> str:
    lines = ["# Is everything on the site still true?", "", _counts(report), ""]
    lines += ["| document | checked | verdict | recorded |", "| --- | --- | --- | --- |"]
    for document in report.documents:
        recorded = _versions(document.recorded) if document.recorded else "never"
        lines.append(f"| {document.path} | {_size(document)} | {document.verdict.value} | {_escape_cell(recorded)} |")
    for document in report.documents:
        told = _told(document)
        if not told and not document.failure:
            continue
        lines += ["", f"## {document.path}", ""]
        if document.failure:
            lines += [*_fenced(str(document.failure)), ""]
        for comparison in told:
            where = f" ({comparison.location})" if comparison.location else ""
            lines.append(f"- {_code(_title(comparison))}{where}: {comparison.verdict.value}")
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
                "failure": str(document.failure or ""),
                "problems": [
                    {
                        "where": problem.where,
                        "message": problem.message,
                        "remedy": problem.remedy,
                        "details": problem.details,
                    }
                    for problem in _problems(document)
                ],
                "recorded": _provenance_object(document.recorded),
                "current": _provenance_object(document.current),
                "commands": [
                    {
                        "kind": "diagram" if comparison.is_diagram else "command",
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


def _problems(document: DocumentReport) -> tuple[KubetalkError, ...]:
    return document.failure.problems if document.failure else ()


def _place(where: object) -> tuple[str, str]:
    """File and line of a location or of an error's place; empty for what is no line of a file."""
    found = _PLACE.fullmatch(str(where or ""))
    return (found["file"], found["line"]) if found else ("", "")


def _words(problem: KubetalkError) -> str:
    """A problem without its place, for those who show that themselves."""
    return str(KubetalkError(problem.message, remedy=problem.remedy, details=problem.details))


def _junit(report: Report) -> str:
    xml = JUnitXml("kubetalk")
    suites: list[tuple[TestSuite, float]] = []
    for document in report.documents:
        suite = TestSuite(document.path)
        for problem in _problems(document):
            kind = Error if document.is_hindered else Failure
            result = kind(_xml(problem.message), type(problem).__name__)
            result.text = _xml(str(problem))
            suite.add_testcase(_case("session", document, problem.where, result))
        for comparison in document.comparisons:
            text = _xml("; ".join(_reasons(comparison)))
            outcome: Failure | Skipped | None = None
            if comparison.verdict in (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR):
                outcome = Failure(text, comparison.verdict.value)
            elif comparison.verdict in (Verdict.UNVERIFIED, Verdict.HISTORIC):
                outcome = Skipped(text, comparison.verdict.value)
            name = f"{comparison.block_id}[{comparison.index}] {_first_line(comparison.command)}"
            name = _title(comparison) if comparison.is_diagram or not comparison.block_id else name
            suite.add_testcase(_case(name, document, comparison.location, outcome))
        xml.add_testsuite(suite)
        suites.append((suite, document.seconds))
    xml.update_statistics()
    # The cases have no times of their own: a session is what was timed.
    for suite, seconds in suites:
        suite.time = round(seconds, 3)
    xml.time = round(sum(seconds for _, seconds in suites), 3)
    text = xml.tostring()
    return (text.decode() if isinstance(text, bytes) else str(text)) + "\n"


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", text))


def _case(name: str, document: DocumentReport, where: object, result: Error | Failure | Skipped | None) -> TestCase:
    case = TestCase(_xml(name), classname=document.document_id)
    file, line = _place(where)
    if file:
        # pytest's xunit1 has these two, and the services that show JUnit files read them.
        for attribute, value in (("file", file), ("line", line)):
            case._elem.set(attribute, value)  # noqa: SLF001  junitparser has no other way to them
    if result is not None:
        case.result = [result]
    return case


def _escape_annotation(text: str, *, is_property: bool = False) -> str:
    """GitHub's workflow command escapes (actions/toolkit, packages/core/src/command.ts)."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def _annotation(level: str, where: object, title: str, text: str) -> str:
    file, line = _place(where)
    place = f"file={_escape_annotation(file, is_property=True)},line={line}," if file else ""
    title, text = _escape_annotation(title, is_property=True), _escape_annotation(_ANSI.sub("", text))
    return f"::{level} {place}title={title}::{text}\n"


def _annotations(report: Report) -> str:
    return "".join(line for document in report.documents for line in _document_annotations(document))


def _document_annotations(document: DocumentReport) -> Iterator[str]:
    """The failure, then each drift; what is not verified is told once per reason.

    GitHub shows ten errors and ten warnings of a step and drops the rest ("Usage limits", workflow annotations).
    """
    told: set[str] = set()
    title = "could not be checked" if document.is_hindered else "session failed"
    for problem in _problems(document):
        more = [
            reason
            for comparison in _drifted(document)
            if comparison.differences and str(comparison.location) == problem.where
            for reason in _reasons(comparison)
            if reason != problem.message
        ]
        told.add(problem.where)
        yield _annotation("error", problem.where, title, "\n".join([_words(problem), *more]))
    unverified: dict[str, list[Comparison]] = {}
    for comparison in _drifted(document):
        if comparison.verdict is Verdict.UNVERIFIED:
            unverified.setdefault(comparison.reason, []).append(comparison)
        elif str(comparison.location) not in told:
            level = "error" if comparison.verdict is Verdict.DRIFT_MAJOR else "warning"
            title = f"{comparison.verdict.value}: {_title(comparison)}"
            yield _annotation(level, comparison.location, title, "\n".join(_reasons(comparison)))
    for reason, comparisons in unverified.items():
        first, *others = comparisons
        title = f"unverified: {_title(first)}" + (f" and {len(others)} more" if others else "")
        yield _annotation("warning", first.location, title, "\n".join([reason, *(_shown(c) for c in others)]))


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "json": _json,
    "junit": _junit,
    "annotations": _annotations,
}
"""Name of a format, as ``--format`` takes it, to its function."""
