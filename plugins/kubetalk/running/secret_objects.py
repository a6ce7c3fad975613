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
_LEAD: Final = re.compile(r"[ ]*(?:- +)*")
_ENTRY: Final = re.compile(r"(?P<lead>[ ]*(?:- +)*)(?P<key>[^\s:][^:]*):(?:[ \t]+(?P<value>\S.*?))?[ \t]*$")
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]:,]')
_EMBEDDED: Final = re.compile(r'\\"kind\\":\s*\\"Secret\\"')


def secret_object_spans(text: str) -> Iterator[Span]:
    """The values below ``data`` and ``stringData`` of every object of kind Secret."""
    if "Secret" not in text:
        return
    yield from _yaml_spans(text)
    yield from _json_spans(text)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of YAML, looked at once."""

    offset: int
    text: str
    column: int
    """Where its first key stands, list dashes left out."""
    indent: int
    """Where its first character other than a blank stands."""
    blank: bool

    def within(self, column: int) -> bool:
        """Whether it belongs to a mapping whose keys stand at that column."""
        return self.blank or (self.column >= column and not self.text.startswith("---"))

    def starts_item(self, column: int) -> bool:
        """Whether it is the first line of a list item whose keys stand at that column."""
        return self.column == column and self.indent < column


def _yaml_spans(text: str) -> Iterator[Span]:
    if not _KIND_LINE.search(text):
        return
    rows: list[_Row] = []
    offset = 0
    for line in text.split("\n"):
        column = len(line) - len(_LEAD.sub("", line, count=1))
        rows.append(_Row(offset, line, column, len(line) - len(line.lstrip(" ")), blank=not line.strip()))
        offset += len(line) + 1
    # The last line of the mapping found last at each column: a second `kind` in it must not cost another scan.
    seen: dict[int, int] = {}
    for number, row in enumerate(rows):
        if _KIND_LINE.match(row.text) and number > seen.get(row.column, -1):
            first, last = _mapping_around(rows, number, row.column)
            seen[row.column] = last
            yield from _data_values(rows[first : last + 1], row.column)


def _mapping_around(rows: list[_Row], number: int, column: int) -> tuple[int, int]:
    """The first and last line of the mapping with keys at that column to which a line belongs."""
    first = last = number
    while first > 0 and not rows[first].starts_item(column) and rows[first - 1].within(column):
        first -= 1
    while last + 1 < len(rows) and rows[last + 1].within(column) and not rows[last + 1].starts_item(column):
        last += 1
    return first, last


def _data_values(rows: list[_Row], column: int) -> Iterator[Span]:
    """The values below the data keys of one mapping; a block literal counts with all its lines."""
    inside = False
    position = 0
    while position < len(rows):
        row = rows[position]
        entry = _ENTRY.match(row.text)
        if entry and row.column == column:
            inside = entry["key"].strip("\"'") in _DATA_KEYS
            if inside and entry["value"] and not entry["value"].startswith(("#", "{}")):
                yield row.offset + entry.start("value"), row.offset + entry.end("value")
        elif entry and inside and row.column > column:
            end = position
            while end + 1 < len(rows) and (rows[end + 1].blank or rows[end + 1].indent > row.column):
                end += 1
            while rows[end].blank:
                end -= 1
            if entry["value"] and entry["value"] != '""':
                yield row.offset + entry.start("value"), rows[end].offset + len(rows[end].text)
            position = end
        position += 1


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
