"""Recorded output to what a page shows: lines, tables with a pinned NAME column, elided rows and columns that open."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from kubetalk.rendering.ansi import Line, cut, plain, styled_lines, to_html
from kubetalk.rendering.tables import Table, find_tables

if TYPE_CHECKING:
    from kubetalk.model import BlockOptions

BLANK_END = re.compile(r"\n\s*\Z")
CELLS = re.compile(r"\S(?: {2,}|\t)\s*\S")
"""Two words that are more than a space apart stand in columns."""
WRAPPED_FROM = 24
"""Columns that any page has room for; a shorter line needs no markup."""
ONE_LINE = 96
"""Columns up to which a slide sets smaller type to keep a sentence on one line."""
DEEPEST = 8
"""Columns of a line's own indentation that its continuations repeat; more leaves no room on a phone."""
SEVERAL_LINES = 84
"""Columns of a line on a slide when a sentence or a command takes several lines anyway."""
LONG_NAME = 24
"""A pinned column wider than this many characters leaves no room on a phone and is not pinned there."""


@dataclass(frozen=True, slots=True)
class Part:
    """A run of lines that is shown, or waits behind "37 more lines"."""

    html: Markup
    lines: int
    elided: bool = False


@dataclass(frozen=True, slots=True)
class OutputView:
    """An output ready for the template."""

    parts: tuple[Part, ...]
    lines: int
    full: Markup = Markup("")
    """The whole output when columns are left out, else empty."""
    columns: tuple[str, ...] = ()
    """The columns that are shown, when some are left out."""
    column_count: int = 0
    width: int = 0
    """Columns that the output needs at once, wide characters counted twice; a sentence can take several lines."""
    shown_lines: int = 0


def view_output(text: str, options: BlockOptions) -> OutputView:
    """What a reader sees of an output under the block's display options; the comparison always covers everything."""
    # Helm ends its outputs with blank lines; they say nothing and cost a slide its room.
    lines = styled_lines(BLANK_END.sub("\n", text))
    tables = find_tables(tuple(plain(line) for line in lines))
    shown, kept = keep_columns(lines, tables, options.columns)
    # The cells that are left have moved, so what remains is read again for its own geometry.
    left = find_tables(tuple(plain(line) for line in shown)) if kept else tables
    parts = elide(rows_html(shown, left), options.head, options.tail)
    rooms = [
        room_of(plain(line), in_table=table is not None)
        for line, table, visible in zip(shown, by_line(left, len(shown)), visibility(parts), strict=True)
        if visible
    ]
    return OutputView(
        parts=parts,
        lines=len(lines),
        full=join(rows_html(lines, tables)) if kept else Markup(""),
        columns=kept,
        column_count=max((len(table.headers) for table in tables), default=0),
        width=max((room for room, _ in rooms), default=0),
        shown_lines=sum(count for _, count in rooms),
    )


def keep_columns(
    lines: tuple[Line, ...], tables: tuple[Table, ...], wanted: tuple[str, ...]
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """The lines with only the wanted columns of each table, and their names; nothing is left out of other lines."""
    if not wanted:
        return lines, ()
    names = {name.upper() for name in wanted}
    kept: tuple[str, ...] = ()
    result: list[Line] = []
    for line, table in zip(lines, by_line(tables, len(lines)), strict=True):
        positions = [i for i, header in enumerate(table.headers) if header in names] if table else []
        if table is None or not positions or len(positions) == len(table.headers):
            result.append(line)
            continue
        kept = kept or tuple(table.headers[i] for i in positions)
        cells = table.cells(plain(line))
        result.append(tuple(run for i in positions if i < len(cells) for run in cut(line, *cells[i])))
    return tuple(result), kept


def by_line(tables: tuple[Table, ...], count: int) -> tuple[Table | None, ...]:
    """For each line the table it belongs to."""
    owners: list[Table | None] = [None] * count
    for table in tables:
        owners[table.first : table.last + 1] = [table] * (table.last + 1 - table.first)
    return tuple(owners)


def rows_html(lines: tuple[Line, ...], tables: tuple[Table, ...]) -> list[Markup]:
    """Each line with its newline: a table's row has its name pinned, a long sentence may take several lines."""
    heads = {table.first for table in tables}
    return [
        line_html(line) if table is None else row_html(line, table, is_head=index in heads)
        for index, (line, table) in enumerate(zip(lines, by_line(tables, len(lines)), strict=True))
    ]


def line_html(line: Line) -> Markup:
    """One line that is no row of a table. Where it ends on the page may differ; its characters never do."""
    html = to_html(line) + "\n"
    text = plain(line)
    return wrapping(html, text) if width(text) > WRAPPED_FROM and wraps(text) else Markup(html)  # noqa: S704


def wraps(text: str) -> bool:
    """Whether a line that is too long goes on below itself; one with columns in it keeps them and is scrolled."""
    return not CELLS.search(text)


def wrapping(html: str, text: str) -> Markup:
    """A line, given as HTML and as text, whose continuations are indented below it and marked by a rule.

    After a tab there is no indentation: tab stops are counted from where the continuations begin.
    """
    if "\t" in text:
        return Markup(f'<span class="kt-line kt-tabbed">{html}</span>')  # noqa: S704
    own = min(len(text) - len(text.lstrip(" ")), DEEPEST)
    style = f' style="--kt-in:{own}"' if own else ""
    css = "kt-line kt-dense" if own and len(text.split(maxsplit=1)[0]) > WRAPPED_FROM // 2 else "kt-line"
    return Markup(f'<span class="{css}"{style}>{html}</span>')  # noqa: S704


def room_of(text: str, *, in_table: bool) -> tuple[int, int]:
    """Columns and lines that one line of an output takes on a slide."""
    columns = width(text)
    if in_table or columns <= ONE_LINE or not wraps(text):
        return columns, 1
    return SEVERAL_LINES, -(-columns // SEVERAL_LINES)


def row_html(line: Line, table: Table, *, is_head: bool) -> Markup:
    """One row of a table."""
    # kubectl puts NAMESPACE before NAME with -A: both are needed to know what a row is about.
    pinned = 2 if table.headers[:2] == ("NAMESPACE", "NAME") else 1
    cells = table.cells(plain(line))
    end = cells[min(pinned, len(cells)) - 1][1]
    css = "kt-row kt-head" if is_head else "kt-row"
    name = "kt-name kt-name-long" if end > LONG_NAME else "kt-name"
    first, rest = to_html(cut(line, 0, end)), to_html(cut(line, end))
    return Markup(f'<span class="{css}"><span class="{name}">{first}</span>{rest}\n</span>')  # noqa: S704


def elide(rows: list[Markup], head: int, tail: int) -> tuple[Part, ...]:
    """Head, what waits in the middle, and tail; everything is one part when nothing would be gained by hiding."""
    hidden = len(rows) - head - tail
    # A line "1 more line" takes the place of the one it hides.
    if not (head or tail) or hidden <= 1:
        return (Part(join(rows), len(rows)),) if rows else ()
    parts = [
        Part(join(rows[:head]), head),
        Part(join(rows[head : head + hidden]), hidden, elided=True),
        Part(join(rows[head + hidden :]), tail),
    ]
    return tuple(part for part in parts if part.lines)


def visibility(parts: tuple[Part, ...]) -> list[bool]:
    """For each line whether it is shown without opening anything."""
    return [not part.elided for part in parts for _ in range(part.lines)]


def join(rows: list[Markup]) -> Markup:
    """Lines to one text."""
    return Markup("").join(rows)


def width(text: str) -> int:
    """Terminal columns of a text: East Asian wide and full-width characters take two (UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
