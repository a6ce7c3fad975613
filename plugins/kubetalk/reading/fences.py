"""Finds the fenced code blocks of a Markdown text with exact line numbers, wherever they are indented.

Rules: CommonMark 0.31 section 4.5 for the fences themselves; for indentation the habits of Python-Markdown, where
lists, admonitions (``!!!``, ``???``), content tabs (``===``), footnotes and definitions hold a fence indented by one to
seven columns more than their marker. Deeper, or four columns without a container, it is an indented code block and
shows the fence as text. Fences inside HTML comments are text too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_OPEN = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_QUOTE = re.compile(r"(?:[ \t]*>)+[ ]?")
_CONTAINER = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)|(?:!!!|\?\?\?\+?|===[!+]?)[ \t]|:[ \t]|\[\^[^\]]+\]:")
_BLOCK_START = re.compile(r"#{1,6}[ \t]|`{3}|~{3}|-{3,}$|>|<")
_CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_LONG = 2000
"""Characters of a line that are looked at where the look may cost more than one pass."""
_TAB = 4
_CONTENT = 8
"""Columns behind a container's marker from which on its content is code: 4 for its own indent, 4 for the code's."""


@dataclass(frozen=True, slots=True)
class RawFence:
    """A fenced block as it stands in the text."""

    line: int
    """1-based line of the opening fence."""
    end_line: int
    """1-based line of the closing fence, or the last line it swallowed if it is not closed."""
    prefix: str
    """What stands before the opening fence: white space, or ``> `` in a quotation."""
    info: str
    lines: tuple[str, ...]
    """The content without the prefix."""
    closed: bool
    outside: tuple[int, ...] = ()
    """1-based lines of the content that are indented less than the fence."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What `scan` found."""

    fences: tuple[RawFence, ...]
    fenced: frozenset[int]
    """1-based lines that belong to a fence."""
    opaque: frozenset[int]
    """These, and the lines of comments that span several: nothing else is looked for in them."""


def scan(lines: Sequence[str], swallowed: Callable[[str], bool], start: int = 0) -> Scan:
    """All fences of a text, in one pass.

    ``swallowed`` tells an info string that cannot have been meant as content of another fence: an opening fence with it
    inside a fence of the same kind means that the outer one was never closed. Lines before index ``start`` are skipped.
    """
    return _Scanner(lines, swallowed).scan(start)


class _Scanner:
    def __init__(self, lines: Sequence[str], swallowed: Callable[[str], bool]) -> None:
        self._lines = lines
        self._swallowed = swallowed
        self._containers: list[int] = []
        self._fences: list[RawFence] = []
        self._fenced: set[int] = set()
        self._opaque: set[int] = set()
        self._comment_end = _next_index(lines, lambda line: "-->" in line)
        self._blank = _next_index(lines, lambda line: not line.strip())

    def scan(self, index: int) -> Scan:
        after_blank = True
        while index < len(self._lines):
            line = self._lines[index]
            if not line.strip():
                after_blank = True
                index += 1
                continue
            commented = self._comment(index)
            following = commented or self._fence(index)
            if following:
                lines = range(index + 1, following + 1)
                self._opaque.update(lines)
                self._fenced.update(() if commented else lines)
                index = following
            else:
                self._track(line, after_blank=after_blank)
                index += 1
            after_blank = bool(following)
        return Scan(tuple(self._fences), frozenset(self._fenced), frozenset(self._opaque))

    def _track(self, line: str, *, after_blank: bool) -> None:
        """Follows which containers the next line can belong to."""
        columns = _columns(line)
        text = line.lstrip()
        marker = _CONTAINER.match(text)
        if after_blank or marker or _BLOCK_START.match(text):
            self._leave(columns)
        if marker and columns < self._limit():
            self._containers.append(columns)

    def _leave(self, columns: int) -> None:
        while self._containers and self._containers[-1] >= columns:
            self._containers.pop()

    def _limit(self) -> int:
        return self._containers[-1] + _CONTENT if self._containers else _TAB

    def _comment(self, index: int) -> int:
        """Index behind a comment that opens in this line and ends in a later one, else 0."""
        line = self._lines[index]
        text = line.lstrip()
        if "<!--" not in line or (text == line[_columns(line) :] and _columns(line) >= self._limit()):
            return 0
        if text.startswith("<!--"):
            rest = text[4:]
            last = len(self._lines)
        else:
            prose = _CODE_SPAN.sub("", line[:_LONG])
            rest = prose.rpartition("<!--")[2] if "<!--" in prose else "-->"
            last = self._blank[index]  # inside a paragraph a comment ends with it
        if "-->" in rest or index + 1 >= len(self._lines):
            return 0
        end = self._comment_end[index + 1]
        return end + 1 if end < last else 0

    def _fence(self, index: int) -> int:
        """Index behind the fence that opens in this line, else 0."""
        line = self._lines[index]
        quote = _QUOTE.match(line)
        depth = quote.group().count(">") if quote else 0
        inner = line[quote.end() :] if quote else line
        opening = _OPEN.match(inner.lstrip())
        if not opening or (opening["fence"][0] == "`" and "`" in opening["info"]):
            return 0
        columns = _columns(inner)
        if quote:
            if columns >= _TAB:
                return 0
        else:
            self._leave(columns)
            if columns >= self._limit():
                return 0
        prefix = line[: len(line) - len(inner.lstrip())]
        self._read(index, prefix, depth, columns, opening["fence"], opening["info"].strip())
        return self._fences[-1].end_line

    def _read(self, index: int, prefix: str, depth: int, columns: int, fence: str, info: str) -> None:
        content: list[str] = []
        outside: list[int] = []
        closed = False
        end = len(self._lines)
        for place in range(index + 1, len(self._lines)):
            raw = self._lines[place]
            if depth:
                unquoted = _unquote(raw, depth)
                if unquoted is None:
                    end = place
                    break
                raw = unquoted
            mark = _OPEN.match(raw.lstrip()) if fence[:3] in raw else None
            if mark and mark["fence"].startswith(fence):
                if not mark["info"].strip() and _columns(raw) < columns + _TAB:
                    closed = True
                    end = place + 1
                    break
                if self._swallowed(mark["info"].strip()) and "`" not in mark["info"]:
                    end = place
                    break
            if raw.strip() and _columns(raw) < columns:
                outside.append(place + 1)
            content.append(_strip_columns(raw, columns))
        self._fences.append(RawFence(index + 1, end, prefix, info, tuple(content), closed, tuple(outside)))


def _unquote(line: str, depth: int) -> str | None:
    """The line without ``depth`` quotation marks; None if it has fewer, which ends the quotation."""
    marks = re.match(rf"(?:[ \t]*>){{{depth}}} ?", line)
    return line[marks.end() :] if marks else None


def _columns(line: str) -> int:
    """Width of the white space a line starts with, tabs reaching to the next multiple of four."""
    width = 0
    for char in line:
        if char == " ":
            width += 1
        elif char == "\t":
            width += _TAB - width % _TAB
        else:
            break
    return width


def _strip_columns(line: str, columns: int) -> str:
    """The line without up to that many columns of white space; a tab that reaches further leaves blanks."""
    width = 0
    for place, char in enumerate(line):
        if width >= columns or char not in " \t":
            return " " * (width - columns) + line[place:]
        width += 1 if char == " " else _TAB - width % _TAB
    return " " * max(0, width - columns) if line.strip(" \t") else ""


def _next_index(lines: Sequence[str], wanted: Callable[[str], bool]) -> list[int]:
    """For each index the first one from there on whose line is wanted; the number of lines if there is none."""
    found = [len(lines)] * (len(lines) + 1)
    for index in range(len(lines) - 1, -1, -1):
        found[index] = index if wanted(lines[index]) else found[index + 1]
    return found
