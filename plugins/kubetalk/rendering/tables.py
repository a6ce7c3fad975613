"""The geometry of the tables that kubectl, helm and istioctl print, so that a page can hide columns and pin the first.

kubectl pads with at least three spaces (k8s.io/cli-runtime printers.GetNewTabWriter), istioctl likewise, helm with tabs
(gosuri/uitable). Only where cells begin is read here; the text itself is never changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A header cell: capitals, digits and a few signs, words separated by one space (`NOMINATED NODE`, `CPU(cores)`).
HEADER_CELL = re.compile(r"[A-Z][A-Z0-9_%/.-]*(?:\([A-Za-z%]+\))?(?: [A-Z][A-Z0-9_%/.-]*(?:\([A-Za-z%]+\))?)*")
GAP = re.compile(r" *\t| {2,}")


@dataclass(frozen=True, slots=True)
class Table:
    """One table in an output: which lines it takes and where its columns begin."""

    first: int
    """Index of the header line."""
    last: int
    """Index of the last row's line."""
    headers: tuple[str, ...]
    starts: tuple[int, ...] | None
    """Character position of each column; None when cells are separated by tabs."""

    def cells(self, line: str) -> tuple[tuple[int, int], ...]:
        """Start and end of each cell of one of the table's lines, its padding included; together they are the line."""
        if self.starts is None:
            edges = [0, *(match.end() for match in re.finditer("\t", line))]
        else:
            edges = [min(start, len(line)) for start in self.starts]
        return tuple(zip(edges, [*edges[1:], len(line)], strict=True))


def find_tables(lines: tuple[str, ...]) -> tuple[Table, ...]:
    """The tables of an output, in order; an output that merely looks like one is left alone."""
    tables: list[Table] = []
    index = 0
    while index < len(lines):
        header = read_header(lines[index])
        last = index
        if header:
            headers, starts = header
            while last + 1 < len(lines) and fits(lines[last + 1], starts):
                last += 1
            if last > index:
                tables.append(Table(index, last, headers, starts))
        index = last + 1
    return tuple(tables)


def read_header(line: str) -> tuple[tuple[str, ...], tuple[int, ...] | None] | None:
    """Names and positions of a header line's columns, or None if it is not one. Needs two columns at least."""
    if not line or not line[0].isupper():
        return None
    text = line.rstrip()
    cells: list[str] = []
    starts: list[int] = []
    position = 0
    for gap in [*GAP.finditer(text), None]:
        cell = text[position : gap.start() if gap else len(text)]
        if not HEADER_CELL.fullmatch(cell):
            return None
        cells.append(cell)
        starts.append(position)
        position = gap.end() if gap else len(text)
    if len(cells) < 2:
        return None
    return tuple(cells), (None if "\t" in text else tuple(starts))


def fits(line: str, starts: tuple[int, ...] | None) -> bool:
    """Whether a line is a row: something in it, and every column begins after a space."""
    if not line.strip():
        return False
    if starts is None:
        return "\t" in line
    if read_header(line):
        return False
    return all(line[start - 1] == " " for start in starts[1:] if start <= len(line)) and len(line) > starts[1] - 1
