"""From an output to its canonical form: clean the text, find the shapes in it, number the names."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

from kubetalk.comparing import blocks, commands, describe, masks, structured, tables, text
from kubetalk.comparing.commands import Hints
from kubetalk.comparing.forms import (
    Canonical,
    Line,
    LineKind,
    Lines,
    Part,
    Table,
    Tree,
    Values,
    number,
    rewrite,
    settle,
    without_columns,
)
from kubetalk.comparing.names import CLOSE, OPEN, Names
from kubetalk.model import BlockOptions, Match

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{OPEN}{CLOSE}]")
_COMMENT = re.compile(r"(?m)^[ \t]*#(?! Source: )")
_DEFAULT = BlockOptions()


def clean(output: str) -> str:
    """The text as it is compared: no colours or control characters, Unix line ends, no blanks at line ends."""
    plain = _ANSI.sub("", output.replace("\r\n", "\n"))
    plain = _CONTROL.sub("", plain)
    return "\n".join(line.rstrip() for line in plain.split("\n")).rstrip("\n")


def canonical(
    command: str,
    output: str,
    *,
    exit_code: int = 0,
    options: BlockOptions = _DEFAULT,
    names: Names | None = None,
) -> Canonical:
    """The canonical form of what a command printed.

    ``names`` is the page-wide state of its recording and learns from the output; without it the output stands alone.
    Of ``options`` only ``match`` and ``ignore`` count: ``none`` gives an empty form, ``exact`` the lines as they are,
    ``lines`` the masked lines as a set, ``json`` the values.
    """
    names = Names() if names is None else names
    names.read_command(command)
    hints = commands.read(command)
    plain = clean(output)
    parts: tuple[Part, ...] = _by_match(plain, hints, names, options.match)
    ignored: frozenset[str] = frozenset()
    places = frozenset(itertools.chain.from_iterable(map(_places, parts))) if options.ignore else ignored
    if options.ignore:
        parts, ignored = _ignoring(parts, options.ignore, {place.lower() for place in places})
    numbered, signatures = number(tuple(parts))
    return Canonical(tuple(settle(part) for part in numbered), exit_code, ignored, places, signatures)


def _by_match(plain: str, hints: Hints, names: Names, match: Match) -> tuple[Part, ...]:
    match match:
        case Match.NONE:
            return ()
        case Match.EXACT:
            return (Lines(LineKind.TEXT, tuple(Line(line, line) for line in plain.split("\n"))),) if plain else ()
        case Match.LINES:
            lines = [Line(text.mask_line(line, hints, names), line) for line in plain.split("\n") if line.strip()]
            return (Lines(LineKind.TEXT, tuple(lines), ordered=False),) if lines else ()
        case Match.JSON:
            values = structured.read(plain, "json", hints, names)
            if values is not None:
                return (values,)
    return tuple(parts_of(plain, hints, names))


def parts_of(plain: str, hints: Hints, names: Names) -> list[Part]:
    """The shapes in a cleaned text."""
    if not plain.strip():
        return []
    ours = bool(hints.tools & commands.TOOLS)
    lines = text.without_chance(plain.split("\n"), hints)
    messages: list[str] = []
    if ours and not hints.runs("kubectl", "logs", "exec", "attach", "run", "explain"):
        messages = [line for line in lines if text.is_message(line)]
        if messages:
            lines = [line for line in lines if not text.is_message(line)]
    if ours:
        lasting = [line for line in lines if not text.is_progress(line)]
        lines = lasting if messages or any(line.strip() for line in lasting) else lines[-1:]
    parts: list[Part] = [text.lines(messages, hints, names, LineKind.MESSAGES)] if messages else []
    return parts + _rest(lines, hints, names)


def _rest(lines: list[str], hints: Hints, names: Names) -> list[Part]:
    body = "\n".join(lines).strip("\n")
    if not body.strip():
        return []
    style = _style(body, hints)
    if style:
        values = structured.read(body, style, hints, names)
        if values is not None:
            return [values]
    if hints.runs("kubectl", "describe"):
        return list(describe.read(lines, hints, names))
    if hints.runs("helm") or "==> " in body:
        return blocks.read(lines, hints, names, segments)
    return segments(lines, hints, names)


def _style(body: str, hints: Hints) -> str:
    """``json`` or ``yaml`` if the output should be that, else empty."""
    if body[0] in "{[" and hints.format != "yaml":
        return "json"
    if hints.runs("helm") and _COMMENT.search(body):
        return ""  # a chart's comments are shown, so they are compared: as text
    if (
        hints.format == "yaml"
        or hints.runs("kubectl", "kustomize")
        or (hints.runs("kubectl", "config") and "view" in hints.command)
    ):
        return "yaml"
    if hints.runs("helm", "template", "show") or (
        hints.runs("helm", "get") and re.search(r"\bget\s+(?:manifest|hooks)", hints.command)
    ):
        return "yaml"
    return "yaml" if hints.runs("istioctl", "manifest") and "generate" in hints.command else ""


def segments(lines: list[str], hints: Hints, names: Names, title: str = "") -> list[Part]:
    """Tables and runs of text in the order they come."""
    wordy = hints.runs("kubectl", "logs", "exec", "explain", "diff", "options", "attach") or "--help" in hints.command
    foreign = not hints.tools & commands.TOOLS
    if not wordy:
        lines = _unindented(lines, hints, foreign=foreign)
    parts: list[Part] = []
    run: list[str] = []

    def flush() -> None:
        if any(line.strip() for line in run):
            table = None if wordy else tables.headerless([line for line in run if line.strip()], hints, names)
            parts.append(table or text.lines(list(run), hints, names, title=title))
        run.clear()

    position = 0
    while position < len(lines):
        line = lines[position]
        head = None if wordy else tables.header(line, hints, inside=foreign, first=not parts and not any(run))
        if head is None:
            run.append(line)
            position += 1
            continue
        flush()
        rows = list(itertools.takewhile(str.strip, itertools.islice(lines, position + 1, None)))
        if any(map(tables.begins, rows)):
            rows = list(itertools.takewhile(lambda row: tables.header(row, hints, inside=True) is None, rows))
        position += 1 + len(rows)
        parts.append(tables.build(head, rows, hints, names, title))
    flush()
    return parts


def _unindented(lines: list[str], hints: Hints, *, foreign: bool) -> list[str]:
    """The lines, an indented header inside a table put where it stands once the table is printed."""
    if not any(line[:1] == " " and tables.begins(line.lstrip()) for line in lines):
        return lines
    result: list[str] = []
    inside = seen = False
    for line in lines:
        bare = line.lstrip()
        if not bare:
            inside = False
        elif not inside:
            inside = tables.header(line, hints, inside=foreign, first=not seen) is not None
        elif line[0] == " " and tables.header(bare, hints, inside=True):
            line = bare  # noqa: PLW2901  what is added to the result
        seen = seen or bool(bare)
        result.append(line)
    return result


def _ignoring(
    parts: tuple[Part, ...], ignore: tuple[str, ...], places: set[str]
) -> tuple[tuple[Part, ...], frozenset[str]]:
    """The parts without what the author does not care for, and the words that took something out.

    A word is a column or key if the output has one of that name, else a kind of value to be masked in all texts.
    """
    dropped = {word.lower() for word in ignore}
    hit = dropped & places
    thin = tuple(_without(part, dropped) for part in parts)
    for word in dropped - hit:
        pattern = masks.EXTRA.get(word)
        if pattern is None:
            continue

        def mask(value: str, pattern: re.Pattern[str] = pattern, word: str = word) -> str:
            return pattern.sub(f"‹{word}›", value)

        masked = tuple(rewrite(part, mask) for part in thin)
        hit |= {word} if masked != thin else set()
        thin = masked
    return thin, frozenset(hit)


def _places(part: Part) -> set[str]:
    """The columns, keys and section titles of a part."""
    match part:
        case Table():
            return set(part.columns)
        case Tree():
            keys = {key for entry in part.entries for key in entry.path}
            return keys | {name for table in part.tables for name in (table.title, *table.columns)}
        case Values():
            return {key for document in part.documents for key in structured.keys(json.loads(document.value))}
        case _:
            return set()


def _without(part: Part, dropped: set[str]) -> Part:
    match part:
        case Table():
            return without_columns(part, {column for column in part.columns if column.lower() in dropped})
        case Tree():
            entries = tuple(entry for entry in part.entries if not any(key.lower() in dropped for key in entry.path))
            kept = [table for table in part.tables if table.title.lower() not in dropped]
            thin = [without_columns(t, {column for column in t.columns if column.lower() in dropped}) for t in kept]
            return replace(part, entries=entries, tables=tuple(thin))
        case Values():
            return replace(part, documents=tuple(structured.without_keys(d, dropped) for d in part.documents))
        case _:
            return part
