"""The canonical form: what an output says, with everything volatile reduced to its class. Shapes, printing, numbering.

Every shape keeps the raw texts beside the canonical ones (left out of equality), so that a difference can be told in
the words the reader saw. Printed, a form is again an output of the same shape: ``canonical(c, str(form)) == form``.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kubetalk.comparing.names import MARKED, OPEN, erase, erase_marked

_ORDINAL = re.compile(r"‹#(\d+)›")


class Order(StrEnum):
    """What the order of rows or lines says."""

    NONE = "none"
    """Nothing: the server's or a random order."""
    SORTED = "sorted"
    """``--sort-by`` a field, or plain text: the order is content."""
    TIME = "time"
    """``--sort-by`` a time: content, but only between rows whose times are clearly apart."""


class LineKind(StrEnum):
    """What the lines of a part are."""

    TEXT = "text"
    VERBS = "verbs"
    """``deployment.apps/web created`` and its kind."""
    MESSAGES = "messages"
    """What tools say on standard error: errors, warnings, ``No resources found``."""


# Rows and lines are made by the ten thousand, and a frozen class takes five times as long to make one.
@dataclass(slots=True, unsafe_hash=True)
class Row:
    """One row of a table; never changed."""

    cells: tuple[str, ...]
    raw: tuple[str, ...] = field(compare=False, repr=False)

    @property
    def erased(self) -> str:
        """All cells in one text, generated names made equal."""
        return erase("\t".join(self.cells))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; ``columns`` are the headers, in order."""

    kind: str
    """Singular lower-case kind of the objects (``pod``), or empty."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    order: Order = Order.NONE
    title: str = ""
    """Of the section it stands in (``Events``, ``v1/Service``)."""
    shown_header: bool = True
    watched: bool = False
    """Rows are the states that a watch printed, per object in time."""
    timeline: tuple[tuple[Row, float], ...] = field(default=(), compare=False, repr=False)
    """The rows in printed order with their ages in seconds; only for ``Order.TIME``."""

    def __str__(self) -> str:
        lines = ([self.columns] if self.shown_header else []) + [row.cells for row in self.rows]
        widths = [max((len(line[index]) for line in lines), default=0) + 3 for index in range(len(self.columns))]
        return "\n".join(
            "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )


@dataclass(slots=True, unsafe_hash=True)
class Line:
    """One line of text; never changed."""

    text: str
    raw: str = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of text; without order they are a multiset, sorted here."""

    kind: LineKind
    lines: tuple[Line, ...]
    ordered: bool = True
    title: str = ""

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``key: value`` of a tree, under its path of keys."""

    path: tuple[str, ...]
    value: str
    raw: str = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tree:
    """``kubectl describe`` of one object, or any block of ``key: value`` lines."""

    name: str
    entries: tuple[Entry, ...]
    tables: tuple[Table, ...] = ()
    style: str = "describe"

    def __str__(self) -> str:
        lines: list[str] = []
        open_path: tuple[str, ...] = ()
        for entry in self.entries:
            path = entry.path
            same = 0
            while same < min(len(path) - 1, len(open_path)) and path[same] == open_path[same]:
                same += 1
            lines.extend("  " * depth + path[depth] + ":" for depth in range(same, len(path) - 1))
            lines.append(("  " * (len(path) - 1) + f"{path[-1]}:  {entry.value}").rstrip())
            open_path = path
        for table in self.tables:
            lines.extend([f"{table.title}:"] if table.title else [])
            dashes = Row(tuple("--" + "-" * (len(column) - 2) for column in table.columns), ())
            indent = "  " if table.title else ""
            lines.extend(indent + line for line in str(replace(table, rows=(dashes, *table.rows))).split("\n"))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON or YAML document: the canonical value as JSON with sorted keys."""

    value: str
    source: str = ""
    """``# Source:`` comment of a Helm manifest."""
    raw: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Values:
    """JSON or YAML."""

    style: str
    """``json`` or ``yaml``."""
    documents: tuple[Document, ...]
    title: str = ""
    sorted: bool = False
    """By ``--sort-by``: the order of a list's items is content."""

    def __str__(self) -> str:
        texts = [json.dumps(json.loads(document.value), indent=2, ensure_ascii=False) for document in self.documents]
        if self.style == "json":
            return "\n".join(texts)
        # JSON is YAML but for characters that YAML wants escaped, which spares a second printer.
        return "\n".join(
            "---\n" + (f"# Source: {document.source}\n" if document.source else "") + _UNPRINTABLE.sub(_escape, text)
            for document, text in zip(self.documents, texts, strict=True)
        )


# YAML 1.1, 5.1: the characters a stream may hold, without the line breaks JSON leaves as they are.
_UNPRINTABLE = re.compile("[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


Part = Table | Lines | Tree | Values


@dataclass(frozen=True, slots=True)
class Canonical:
    """The canonical form of one command's output."""

    parts: tuple[Part, ...]
    exit_code: int = 0
    ignored: frozenset[str] = field(default=frozenset(), compare=False)
    """Words of ``ignore=`` that took something out of it, lower case."""
    places: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """Columns and keys of the output that ``ignore=`` could have named."""
    names: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    """Every generated name in it with its signature: all it stands in, names erased. For following one name
    through a recording."""

    def __str__(self) -> str:
        """The form as an output: reading it again gives the same form."""
        blocks = []
        for part in self.parts:
            text = str(part)
            title = getattr(part, "title", "")
            blocks.append((f"==> {title}\n{text}" if title else text) + ("\n" if not isinstance(part, Lines) else ""))
        return "\n".join(blocks)


def without_columns(table: Table, dropped: Collection[str]) -> Table:
    """The table without those columns."""
    keep = [index for index, column in enumerate(table.columns) if column not in dropped]
    if len(keep) == len(table.columns):
        return table
    rows = [Row(tuple([row.cells[i] for i in keep]), tuple([row.raw[i] for i in keep])) for row in table.rows]
    return replace(table, columns=tuple(table.columns[i] for i in keep), rows=tuple(rows), timeline=())


def _texts(part: Part) -> list[str]:
    """The units of a part in which a name can stand."""
    match part:
        case Table():
            return ["\t".join(row.cells) for row in part.rows]
        case Lines():
            return [line.text for line in part.lines]
        case Tree():
            own = [".".join(entry.path) + ": " + entry.value for entry in part.entries]
            return own + ["\t".join(row.cells) for table in part.tables for row in table.rows]
        case _:
            return [document.value for document in part.documents]


def rewrite(part: Part, change: Callable[[str], str]) -> Part:
    """The part with every canonical text changed; ``change`` may get many at once, with ``SEPARATOR`` between them."""
    match part:
        case Table():
            return _rewritten(part, change)
        case Lines():
            changed = _at_once([line.text for line in part.lines], change)
            return replace(part, lines=tuple(map(Line, changed, [line.raw for line in part.lines])))
        case Tree():
            entries = tuple(
                replace(entry, path=tuple(map(change, entry.path)), value=change(entry.value)) for entry in part.entries
            )
            tables = tuple(_rewritten(table, change) for table in part.tables)
            return replace(part, name=change(part.name), entries=entries, tables=tables)
        case _:
            return replace(
                part, documents=tuple(replace(document, value=change(document.value)) for document in part.documents)
            )


def _rewritten(table: Table, change: Callable[[str], str]) -> Table:
    columns = zip(*[row.cells for row in table.rows], strict=True)
    changed = zip(*[_at_once(cells, change) for cells in columns], strict=True)
    return replace(table, rows=tuple(map(Row, changed, [row.raw for row in table.rows])))


SEPARATOR = "\0"
"""Stands in no cleaned text."""


def _at_once(texts: Sequence[str], change: Callable[[str], str]) -> Sequence[str]:
    """All texts changed: a call for each costs more than the work itself."""
    if not texts:
        return texts
    joined = SEPARATOR.join(texts)
    changed = change(joined)
    return texts if changed is joined else changed.split(SEPARATOR)


def number(parts: tuple[Part, ...]) -> tuple[tuple[Part, ...], tuple[tuple[str, str], ...]]:
    """Give every marked name an ordinal that does not depend on its random part.

    A name's signature is all the text it stands in, with names erased. Names are numbered in the order of their
    signatures, so two runs that say the same of their pods number them alike; names with equal signatures are
    interchangeable and keep the order in which they come.
    """
    pairs = [pair for index, part in enumerate(parts) for pair in _contexts(_texts(part), f"{index} ")]
    if not pairs:
        return parts, ()
    signatures = dict(pairs)
    if len(signatures) < len(pairs):  # a name stands in several texts
        contexts: dict[str, list[str]] = {name: [] for name in signatures}
        for name, context in pairs:
            contexts[name].append(context)
        signatures = {name: "\n".join(sorted(texts)) for name, texts in contexts.items()}
    ordered = sorted(signatures, key=signatures.__getitem__)
    # Ordinals that stand in the text itself, because it is a printed form read again, are taken.
    taken = {int(found) for part in parts for text in _texts(part) if "‹#" in text for found in _free_ordinals(text)}
    free = (position for position in itertools.count(1) if position not in taken)
    ordinals = {name: f"‹#{position}›" for name, position in zip(ordered, free, strict=False)}

    def change(text: str) -> str:
        if OPEN not in text:
            return text
        # Split at a group, every second piece is a name.
        pieces = MARKED.split(text)
        pieces[1::2] = map(ordinals.__getitem__, pieces[1::2])
        return "".join(pieces)

    return tuple(rewrite(part, change) for part in parts), tuple(signatures.items())


def _free_ordinals(text: str) -> list[str]:
    return _ORDINAL.findall(MARKED.sub("", text))


def _contexts(texts: Sequence[str], prefix: str) -> Iterable[tuple[str, str]]:
    """Every marked name with each text it stands in, names erased and the prefix before it."""
    marked = [prefix + text for text in texts if OPEN in text]
    erased = _at_once(marked, erase_marked)
    names = MARKED.findall(SEPARATOR.join(marked))
    if len(names) == len(marked):  # one in each
        return zip(names, erased, strict=True)
    return [(name, context) for text, context in zip(marked, erased, strict=True) for name in MARKED.findall(text)]


def settle(part: Part) -> Part:
    """The part with everything unordered in its canonical order; ordinals break ties."""
    match part:
        case Table():
            return _settled(part)
        case Lines() if not part.ordered:
            return replace(part, lines=tuple(sorted(part.lines, key=lambda line: (erase(line.text), line.text))))
        case Tree():
            return replace(part, tables=tuple(map(_settled, part.tables)))
        case _:
            return part


def _settled(table: Table) -> Table:
    if table.order is Order.SORTED:
        return table
    texts = ["\t".join(row.cells) for row in table.rows]
    # The places decide between rows that are equal in both, so that rows themselves are never compared.
    keys = sorted(zip(_at_once(texts, erase), texts, range(len(texts)), strict=True))
    return replace(table, rows=tuple([table.rows[place] for _, _, place in keys]))
