"""Tables as kubectl, Helm and istioctl print them: found in an output, cut into cells, masked by column.

kubectl joins cells with tabs through a tabwriter (cli-runtime/pkg/printers/tabwriter.go: three blanks between columns,
widths kept between the rows of a watch), so the header says where columns start; Helm's uitable leaves the tabs in.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kubetalk.comparing import columns as rules
from kubetalk.comparing import commands, masks
from kubetalk.comparing.commands import Hints
from kubetalk.comparing.forms import Order, Row, Table
from kubetalk.comparing.names import OPEN, Names

_COLUMN = re.compile(r"\S+(?: \S+)*")
_HEADER_WORD = re.compile(r"[A-Z][A-Z0-9()%/._#-]*(?: [(%#]?[A-Z][A-Z0-9()%/._#-]*)*|[A-Z]+\((?:cores|bytes)\)")
_DASHES = re.compile(r"\s*-{2,}(?:\s+-{2,})*\s*")
_FIRST = frozenset({
    "NAME", "NAMESPACE", "CURRENT", "REVISION", "EVENT", "TAG", "CLUSTER", "ADDRESS", "ENDPOINT", "SERVICE",
    "RESOURCE", "ATTRIBUTE", "URL", "LAST SEEN", "SERVICE FQDN", "RESOURCE NAME", "Resources",
})  # fmt: skip
_FIRST_WORDS = tuple(_FIRST)
begins = operator.methodcaller("startswith", _FIRST_WORDS)
"""Whether a line begins like the header of a second table."""
# Headers that are not all capitals: auth can-i --list (kubectl/pkg/cmd/auth/cani.go).
_MIXED = (("Resources", "Non-Resource URLs"),)
_TIME_FIELD = re.compile(r"(?:[tT]ime(?:stamp)?|lastSeen|firstSeen)$")


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table and where they start; tabs when cells are separated by tabs."""

    columns: tuple[str, ...]
    starts: tuple[int, ...]
    tabs: bool = False
    spans: tuple[tuple[int, int | None], ...] = ()


def header(line: str, hints: Hints, *, inside: bool = False, first: bool = False) -> Header | None:
    """The header in a line, or None. Inside a table only a line that surely is one counts."""
    if not line or line[0].isspace() or (inside and not begins(line)):
        return None
    if "\t" in line:
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if len(cells) > 1 and all(map(_HEADER_WORD.fullmatch, cells)) and (cells[0] in _FIRST or not inside):
            return Header(_unique(cells), (), tabs=True)
        return None
    matches = list(_COLUMN.finditer(line))
    cells = tuple(match[0] for match in matches)
    starts = tuple(match.start() for match in matches)
    found = at(_unique(cells), starts)
    if any(cells[: len(mixed)] == mixed for mixed in _MIXED):
        return found
    capitals = all(_HEADER_WORD.fullmatch(cell) for cell in cells)
    if inside:
        return found if capitals and len(cells) > 1 and cells[0] in _FIRST else None
    if capitals and (len(cells) > 1 or cells[0] in _FIRST):
        return found
    if first and hints.format == "custom-columns" and not hints.no_headers:
        wanted = tuple(column.partition(":")[0] for column in hints.template.split(","))
        if cells == wanted:
            return found
    return None


def at(columns: tuple[str, ...], starts: tuple[int, ...]) -> Header:
    """The header of columns that start there."""
    return Header(columns, starts, spans=tuple(zip(starts, (*starts[1:], None), strict=True)))


def _unique(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Equal headers (a label column named like another) told apart by number."""
    seen: dict[str, int] = {}
    result = []
    for cell in cells:
        seen[cell] = seen.get(cell, 0) + 1
        result.append(cell if seen[cell] == 1 else f"{cell}#{seen[cell]}")
    return tuple(result)


def cut(line: str, head: Header) -> tuple[str, ...]:
    """The cells of a row; empty cells are kept."""
    width = len(head.columns)
    if head.tabs:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) > width:
            cells = [*cells[: width - 1], " ".join(cells[width - 1 :])]
        return tuple(cells + [""] * (width - len(cells)))
    starts, length = head.starts, len(line)
    sliced: tuple[str, ...] = ()
    for start in starts[1:]:
        if start < length and line[start - 1] not in " \t":
            break
    else:
        sliced = tuple([line[start:end].strip() for start, end in head.spans])
        if "  ".join(sliced).count("  ") < width:  # no cell holds a gap itself
            return sliced
    # A watch widened a column after the header was printed (tabwriter.RememberWidths), or a person wrote the row.
    cells = re.split(r"\s{2,}", line.strip())
    if len(cells) == width:
        return tuple(cells)
    return sliced or _cut_loosely(line, starts)


def cut_all(lines: Sequence[str], head: Header) -> list[tuple[str, ...]]:
    """The cells of all rows; most rows of most tables are one word for each column, and those take a short way."""
    width, last = len(head.columns), head.starts[-1] if head.starts else 0
    if width < 3 or head.tabs:
        return [cut(line, head) for line in lines]
    begin = operator.itemgetter(*head.starts[1:])
    before = operator.itemgetter(*[start - 1 for start in head.starts[1:]])
    blanks = (" ",) * (width - 1)
    rows = []
    for line in lines:
        words = line.split()
        plain = len(words) == width and len(line) > last and line.isascii() and "\t" not in line
        if plain and before(line) == blanks and " " not in begin(line):
            rows.append(tuple(words))
        else:
            rows.append(cut(line, head))
    return rows


def _cut_loosely(line: str, starts: tuple[int, ...]) -> tuple[str, ...]:
    """Cells of a row that fits no header: every word run goes to the last column that starts before it."""
    cells: list[list[str]] = [[] for _ in starts]
    for match in _COLUMN.finditer(line):
        index = max((i for i, start in enumerate(starts) if start <= match.start()), default=0)
        cells[index].append(match[0])
    return tuple(" ".join(cell) for cell in cells)


def order(hints: Hints, *, kubectl: bool = True) -> Order:
    """What the order of rows says under this command."""
    if hints.sort_by and not hints.sorts_by_chance:
        return Order.TIME if _TIME_FIELD.search(hints.sort_by) else Order.SORTED
    return Order.NONE if kubectl else Order.SORTED


def kind(head: tuple[str, ...], rows: list[tuple[str, ...]], hints: Hints) -> str:
    """The kind of a table's objects: from ``pod/`` before the names, the columns, or the command."""
    if "NAME" in head and rows:
        at = head.index("NAME")
        prefix, slash, _ = rows[0][at].partition("/")
        if slash and all(row[at].startswith(prefix + slash) for row in rows):  # else the first row is chance
            return prefix.partition(".")[0].lower()
    if head[:2] == ("NAME", "CLUSTER") or "ISTIOD" in head:
        return "proxy"
    if hints.runs("kubectl", "api-resources"):
        return "resource"
    told = rules.kind_by_columns(head)
    if told:
        return told
    kinds = [kind for kind in hints.kinds if kind != "all"]
    if hints.runs("kubectl", "top"):
        return "node" if hints.invocations[0].words[1:2] in {("node",), ("nodes",), ("no",)} else "pod"
    return kinds[0] if len(kinds) == 1 else ""


def build(
    head: Header, lines: list[str], hints: Hints, names: Names, title: str = "", *, shown_header: bool = True
) -> Table:
    """The table under a header."""
    raw = cut_all(lines, head)
    return assemble(head.columns, raw, hints, names, title, shown_header=shown_header)


def assemble(
    head: tuple[str, ...],
    raw: list[tuple[str, ...]],
    hints: Hints,
    names: Names,
    title: str = "",
    *,
    shown_header: bool = True,
    known_kind: str | None = None,
) -> Table:
    """The table of rows that are cut already."""
    of = kind(head, raw, hints) if known_kind is None else known_kind
    _learn(head, raw, of, names)
    paths = _paths(hints)
    cells = rules.Cells(of, head, names, paths)
    ordered = order(hints, kubectl=bool(hints.tools & commands.TOOLS))
    rows = tuple(map(Row, cells.rows(raw), raw))
    if of in {"pod", ""} and "NAME" in head:
        rows = _placed(head, rows, names, paths)
    if hints.watch:
        rows = _last_states(head, rows)
    if of == "pod" and "STATUS" in head and "NAME" in head:
        rows = _without_leaving(rows, head.index("NAME"), head.index("STATUS"))
    timeline = _timeline(head, rows) if ordered is Order.TIME else ()
    return Table(of, head, rows, ordered, title, shown_header, hints.watch, timeline)


def _placed(head: tuple[str, ...], rows: tuple[Row, ...], names: Names, paths: dict[str, str]) -> tuple[Row, ...]:
    """The rows with the nodes of pods that the author put somewhere as they are."""
    at = head.index("NAME")
    places = [
        place
        for place, column in enumerate(head)
        if column in {"NODE", "NODENAME"} or paths.get(column, "").endswith(".nodeName")
    ]
    if not places or not any(names.manifests.nodes_of(row.raw[at].rpartition("/")[2]) for row in rows):
        return rows
    placed = []
    for row in rows:
        pod, cells = row.raw[at].rpartition("/")[2], list(row.cells)
        for place in places if names.manifests.nodes_of(pod) else ():
            cells[place] = names.node(row.raw[place], pod)
        placed.append(Row(tuple(cells), row.raw))
    return tuple(placed)


def _timeline(head: tuple[str, ...], rows: tuple[Row, ...]) -> tuple[tuple[Row, float], ...]:
    ages = [index for index, column in enumerate(head) if column in {"AGE", "LAST SEEN"}]
    if not ages:
        return ()
    known = ((row, masks.seconds(row.raw[ages[0]])) for row in rows)
    return tuple((row, age) for row, age in known if age is not None)


def _without_leaving(rows: tuple[Row, ...], name: int, status: int) -> tuple[Row, ...]:
    """Rows without the generated pods that are just being removed, as long as others are there.

    A rollout is complete before its old pods are gone (kubectl rollout_status.go counts replicas, not deletions), so
    whether one is still listed is chance. A pod with a name of its own is content also while it goes.
    """
    staying = tuple(row for row in rows if row.cells[status] != "Terminating" or OPEN not in row.cells[name])
    return staying or rows


def _paths(hints: Hints) -> dict[str, str]:
    if hints.format != "custom-columns":
        return {}
    pairs = (column.partition(":") for column in hints.template.split(","))
    return {name: path for name, colon, path in pairs if colon}


def _learn(head: tuple[str, ...], raw: list[tuple[str, ...]], of: str, names: Names) -> None:
    if "NAME" not in head:
        if of == "event" and "OBJECT" in head:
            at = head.index("OBJECT")
            names.learn((prefix.lower(), name) for prefix, _, name in (row[at].partition("/") for row in raw))
        return
    at = head.index("NAME")
    names.learn((of, row[at].rpartition("/")[2]) for row in raw if of not in {"event", "resource", "proxy"})
    if of == "service" and "CLUSTER-IP" in head:
        address = head.index("CLUSTER-IP")
        for row in raw:
            if masks.ip_class(row[address]) and "‹" not in row[address]:
                version = masks.ip_class(row[address]).strip("‹›")
                names.addresses[row[address]] = f"‹{version} of {row[at].rpartition('/')[2]}›"


def _last_states(head: tuple[str, ...], rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The last state of every object and each that tells of trouble: how many others a watch sees is chance."""
    passing = re.compile(
        r"Pending|ContainerCreating|PodInitializing|Init:\d+/\d+|Running|Terminating|Completed|ADDED|MODIFIED|"
    )
    keys = [index for index, column in enumerate(head) if column in {"NAMESPACE", "NAME"}]
    if not keys:
        return rows
    status = head.index("STATUS") if "STATUS" in head else -1
    last: dict[tuple[str, ...], Row] = {}
    kept: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        key = tuple(row.cells[index] for index in keys)
        previous = last.get(key)
        trouble = kept.setdefault(key, [])
        if previous is not None and status >= 0 and not passing.fullmatch(previous.cells[status]):
            trouble.append(previous)
        last[key] = row
    return tuple(
        row for key, final in last.items() for row in (*kept.get(key, []), final) if row is final or row != final
    )


def headerless(lines: list[str], hints: Hints, names: Names) -> Table | None:
    """Rows without a header (``--no-headers``, ``| grep``, ``| tail -n +2``) whose columns follow from the command."""
    kinds = [kind for kind in hints.kinds if kind in rules.NARROW]
    if len(kinds) != 1 or not hints.runs("kubectl", "get") or not lines:
        return None
    known = rules.WIDE[kinds[0]] if hints.format == "wide" else rules.NARROW[kinds[0]]
    if hints.format not in {"", "wide"}:
        return None
    head = (("NAMESPACE",) if hints.all_namespaces else ()) + known
    calls = [call for call in hints.invocations if call.tool == "kubectl"]
    extra = tuple(
        key.rpartition("/")[2].upper()
        for call in calls
        for key in call.flags.get("label-columns", "").split(",")
        if key
    )
    head += extra + (("LABELS",) if any("show-labels" in call.flags for call in calls) else ())
    rows = []
    for line in lines:
        cells = tuple(re.split(r"\s{2,}", line.strip()))
        if len(cells) != len(head):
            return None
        rows.append(cells)
    return assemble(_unique(head), rows, hints, names, shown_header=False, known_kind=kinds[0])


def is_dashes(line: str) -> bool:
    """The line under a header in describe."""
    return bool(line) and _DASHES.fullmatch(line) is not None
