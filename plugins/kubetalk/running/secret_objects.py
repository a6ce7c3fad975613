"""Where the data of Kubernetes Secrets stands in printed YAML and JSON, whole or cut off, alone or in lists.

The output is scanned, not parsed and printed again: what is not secret keeps every byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

Span = tuple[int, int]

_KIND_LINE: Final = re.compile(r"^(?P<lead>[ ]*(?:- +)*)kind: [\"']?Secret[\"']?[ \t]*$", re.MULTILINE)
_DATA_KEYS: Final = ("data", "stringData")
_ENTRY: Final = re.compile(r"(?P<lead>[ ]*(?:- +)*)(?P<key>[^\s:][^:]*):(?:[ \t]+(?P<value>\S.*?))?[ \t]*$")
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]:,]')
_EMBEDDED: Final = re.compile(r'\\"kind\\":\s*\\"Secret\\"')


def secret_object_spans(text: str) -> Iterator[Span]:
    """The values below ``data`` and ``stringData`` of every object of kind Secret."""
    if "Secret" not in text:
        return
    yield from _yaml_spans(text)
    yield from _json_spans(text)


def _yaml_spans(text: str) -> Iterator[Span]:
    if not _KIND_LINE.search(text):
        return
    rows: list[tuple[int, str]] = []
    offset = 0
    for row in text.split("\n"):
        rows.append((offset, row))
        offset += len(row) + 1
    for number, (_, row) in enumerate(rows):
        if match := _KIND_LINE.match(row):
            yield from _secret_mapping(rows, number, len(match["lead"]))


def _secret_mapping(rows: list[tuple[int, str]], number: int, column: int) -> Iterator[Span]:
    """The data values of the mapping whose keys start at ``column`` and one of whose lines is ``number``."""
    first = number
    while first > 0 and not _starts_item(rows[first][1], column) and _within(rows[first - 1][1], column):
        first -= 1
    last = number
    while last + 1 < len(rows) and _within(rows[last + 1][1], column) and not _starts_item(rows[last + 1][1], column):
        last += 1
    inside = False
    position = first
    while position <= last:
        offset, row = rows[position]
        entry = _ENTRY.match(row)
        start = len(entry["lead"]) if entry else len(row) - len(row.lstrip(" "))
        if entry and start == column:
            inside = entry["key"].strip("\"'") in _DATA_KEYS
            if inside and entry["value"] and not entry["value"].startswith(("#", "{}")):
                yield offset + entry.start("value"), offset + entry.end("value")
        elif inside and entry and start > column:
            end = position
            while end < last and _deeper(rows[end + 1][1], start):
                end += 1
            if entry["value"] and entry["value"] != '""':
                yield offset + entry.start("value"), rows[end][0] + len(rows[end][1])
            position = end
        position += 1


def _within(row: str, column: int) -> bool:
    """Whether a line belongs to a mapping at that column: blank, deeper, or one of its keys."""
    return not row.strip() or (not row.startswith("---") and _column(row) >= column)


def _deeper(row: str, column: int) -> bool:
    return not row.strip() or len(row) - len(row.lstrip(" ")) > column


def _column(row: str) -> int:
    """Where the first key of a line stands, list dashes left out."""
    return len(row) - len(re.sub(r"^[ ]*(?:- +)*", "", row))


def _starts_item(row: str, column: int) -> bool:
    """Whether the line is the first of a list item whose keys stand at that column."""
    return _column(row) == column and "-" in row[:column]


@dataclass(slots=True)
class _Frame:
    """An open JSON object or array."""

    key: str = ""
    is_object: bool = True
    is_secret: bool = False
    pending: str = ""
    """The key whose value comes next."""
    strings: list[Span] = field(default_factory=list)
    data: list[Span] = field(default_factory=list)

    def take(self, string: str, span: Span) -> None:
        """A string as value of the pending key, or as an item."""
        inner = (span[0] + 1, span[1] - 1)
        if self.pending == "kind" and string == '"Secret"':
            self.is_secret = True
        elif self.pending in _DATA_KEYS:
            self.data.append(inner)
        self.strings.append(inner)


def _json_spans(text: str) -> Iterator[Span]:
    """A scanner instead of a parser: output may hold JSON between other text, and may be cut off."""
    if '"Secret"' not in text and '\\"Secret\\"' not in text:
        return
    frames: list[_Frame] = []
    name = ""
    for match in _JSON_TOKEN.finditer(text):
        top = frames[-1] if frames else None
        match match[0]:
            case "{" | "[":
                frames.append(_Frame(key=top.pending if top else "", is_object=match[0] == "{"))
            case "}" | "]" if frames:
                yield from _closed(frames)
            case ":" if top and name:
                top.pending, name = name, ""
            case "," if top:
                top.pending, name = "", ""
            case string if string[0] == '"':
                if _EMBEDDED.search(string):
                    yield match.start() + 1, match.end() - 1
                if top and top.is_object and not top.pending:
                    name = string[1:-1]
                elif top:
                    top.take(string, match.span())
    while frames:
        yield from _closed(frames)


def _closed(frames: list[_Frame]) -> Iterator[Span]:
    frame = frames.pop()
    if frame.is_secret:
        yield from frame.data
    if frames and frame.key in _DATA_KEYS:
        frames[-1].data += frame.strings
