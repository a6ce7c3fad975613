"""``kubectl describe``: trees of ``key: value`` lines with tables inside (kubectl/pkg/describe/describe.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kubetalk.comparing import cells, columns, masks, tables
from kubetalk.comparing.commands import Hints
from kubetalk.comparing.forms import Entry, Table, Tree
from kubetalk.comparing.names import Names, erase

_KEY = re.compile(r"(?P<key>[^\s:][^:]*(?::[^\s:][^:]*)*?):(?:\s+(?P<value>\S.*))?$")
_BARE = "-"
"""Key of a line without one: a mount, an argument, a line of data."""

_ADDRESS_KEYS = frozenset(
    {"IP", "IPs", "InternalIP", "ExternalIP", "Address", "LoadBalancer Ingress", "External IPs", "Pod IP"}
)
_OPAQUE_KEYS = frozenset({"Machine ID", "System UUID", "Boot ID"})
_SERVER_KEYS = frozenset(
    {"Resource Version", "UID", "Generation", "Observed Generation", "Self Link", "Managed Fields"}
)
_MAP_KEYS = frozenset({"Labels", "Selector", "Node-Selectors", "Node-Selector", "Match Labels"})
_METRIC = re.compile(r"^\d[\w.%]*(?: \([^)]*\))?(?= / )")


@dataclass(slots=True)
class _Open:
    indent: int
    path: tuple[str, ...]
    column: int
    """Where its value starts; -1 without a value."""


class _Reader:
    def __init__(self, lines: list[str], hints: Hints, names: Names) -> None:
        self.lines = lines
        self.hints = hints
        self.names = names
        self.kind = hints.kinds[0] if len(hints.kinds) == 1 else ""
        self.trees: list[Tree] = []
        self._start()

    def _start(self) -> None:
        self.entries: list[Entry] = []
        self.found: list[Table] = []
        self.stack: list[_Open] = []
        self.name = ""
        self.raw_name = ""

    def read(self) -> list[Tree]:
        position = 0
        while position < len(self.lines):
            position = self._step(position)
        self._close()
        return self.trees

    def _close(self) -> None:
        if self.entries or self.found:
            self.trees.append(Tree(self.name, tuple(self.entries), tuple(self.found)))
        self._start()

    def _step(self, position: int) -> int:
        line = self.lines[position]
        if not line.strip():
            return position + 1
        indent = len(line) - len(line.lstrip())
        if self._starts_table(position, line):
            return self._table(position, indent)
        text = line.strip()
        last = self.stack[-1] if self.stack else None
        if last is not None and last.column > 0 and indent == last.column:
            self._add(last.path, text)
            return position + 1
        while self.stack and self.stack[-1].indent >= indent:
            self.stack.pop()
        parent = self.stack[-1].path if self.stack else ()
        match = _KEY.match(text)
        if match is None and _KEY.match(f"{text}:") and self._is_heading(position, indent):
            self.stack.append(_Open(indent, (*parent, self._mask(text)), -1))
            self._add(self.stack[-1].path, "")
            return position + 1
        if match is None:
            self._add((*parent, _BARE), text)
            return position + 1
        key, value = match["key"], match["value"] or ""
        begins = key == "Name" and bool(value) and not parent
        if begins and self.entries:
            self._close()
        column = indent + match.start("value") if value else -1
        path = (*parent, self._mask(key))
        self.stack.append(_Open(indent, path, column))
        if begins and not self.name:
            self.names.own(self.kind, value)
            self.raw_name = value
            self.name = self._value(path, value)
        self._add(path, value)
        return position + 1

    def _is_heading(self, position: int, indent: int) -> bool:
        """Whether the next line is indented below this one: "Resource Quotas" has no colon (describe.go)."""
        following = self.lines[position + 1] if position + 1 < len(self.lines) else ""
        return bool(following.strip()) and len(following) - len(following.lstrip()) > indent

    def _starts_table(self, position: int, line: str) -> bool:
        following = self.lines[position + 1] if position + 1 < len(self.lines) else ""
        if line.rstrip().endswith(":"):
            return False
        if tables.is_dashes(following):
            return len(following) - len(following.lstrip()) == len(line) - len(line.lstrip())
        # describePod prints these two without a line below (describe.go, "Conditions:\n  Type\tStatus\n").
        return re.fullmatch(r"\s+Type\s+Status\s*", line) is not None

    def _table(self, position: int, indent: int) -> int:
        matches = list(re.finditer(r"\S+(?: \S+)*", self.lines[position][indent:]))
        head = tables.at(tuple(match[0] for match in matches), tuple(match.start() for match in matches))
        position += 1
        if position < len(self.lines) and tables.is_dashes(self.lines[position]):
            position += 1
        rows: list[str] = []
        while position < len(self.lines):
            line = self.lines[position]
            if not line.strip() or len(line) - len(line.lstrip()) < indent:
                break
            if indent == 0 and rows and _KEY.match(line) and not re.search(r"\s{2,}", line):
                break
            rows.append(line[indent:])
            position += 1
        while self.stack and self.stack[-1].indent >= max(indent, 1):
            self.stack.pop()
        section = self.stack[-1].path if self.stack and indent else ()
        title = ".".join(section)
        if self.entries and self.entries[-1].path == section and not self.entries[-1].value:
            self.entries.pop()  # the table carries its section's title
        self.found.append(self._build(head, rows, title))
        return position

    def _build(self, head: tables.Header, lines: list[str], title: str) -> Table:
        if title == "Non-terminated Pods":
            # Which pods a node got, and so what they ask for, is the scheduler's choice among equals.
            lines = []
        raw = [tables.cut(line, head) for line in lines]
        if title == "Events":
            kind = "event"
            for row in raw:
                self._learn_event(row[-1])
        else:
            kind = "section"
        plain = replace(self.hints, sort_by="", watch=False, format="")
        table = tables.assemble(head.columns, raw, plain, self.names, title, known_kind=kind)
        if title == "Allocated resources":
            rows = tuple(
                replace(row, cells=(row.cells[0], *(_requests(cell) for cell in row.cells[1:]))) for row in table.rows
            )
            table = replace(table, rows=rows)
        return table

    def _learn_event(self, message: str) -> None:
        match = re.fullmatch(r"(?:Created|Deleted) pod: (\S+)", message)
        if match is not None:
            self.names.know(match[1], "pod")

    def _mask(self, text: str) -> str:
        names = self.names
        return names.mask(masks.text(names.symbolise(text), names.literals, names.addresses))

    def _add(self, path: tuple[str, ...], raw: str) -> None:
        if path[-1] in _SERVER_KEYS and (path[0] in {"Metadata", "Status"} or path[-1] == "Observed Generation"):
            return
        value = self._value(path, self.names.symbolise(raw))
        self.entries.append(Entry(path, value, raw))

    def _value(self, path: tuple[str, ...], raw: str) -> str:
        key, names = path[-1], self.names
        if not raw or raw[0] == "<":
            return raw if key != "NodePort" else _node_port(raw, names)
        if key in {"Node", "Hostname"} and path[0] == "Node" and "/" in raw:
            node, _, address = raw.partition("/")
            return f"{names.node(node, self.raw_name)}/{cells.addresses(address)}"
        if key in _ADDRESS_KEYS:
            return raw if raw in names.literals else cells.addresses(raw.split(" (", 1)[0])
        if key == "Endpoints":
            return columns.endpoints(raw)
        if key == "NodePort":
            return _node_port(raw, names)
        if key in _OPAQUE_KEYS and path[0] == "System Info":
            return masks.OPAQUE
        if path in {("PodCIDR",), ("PodCIDRs",)}:
            return masks.CIDR
        if path == ("Duration",):  # of a Job; a custom resource's fields stand below Spec and Status
            return masks.age(raw)
        if key == "Restart Count":
            return masks.restarts(raw)
        if key == "Name" and len(path) == 1:
            return names.know(raw, self.kind) if names.know(raw, self.kind) != raw else self._mask(raw)
        if key in _MAP_KEYS:
            return names.mask(columns.labels(raw))
        if key == "Non-terminated Pods":
            return re.sub(r"\d+", masks.NUMBER, raw)
        if path[0] == "Metrics":
            raw = _METRIC.sub(masks.NUMBER, raw)
        return self._mask(raw)


def _node_port(raw: str, names: Names) -> str:
    return re.sub(
        r"(?<!\S)(\d{5})(?=/)",
        lambda match: masks.PORT if int(match[1]) in masks.NODE_PORTS and match[1] not in names.literals else match[1],
        raw,
    )


def _requests(cell: str) -> str:
    return re.sub(r"\d+[a-zA-Z]*(?: \(\d+%\))?", masks.NUMBER, cell) if cell[:1].isdigit() else cell


def read(lines: list[str], hints: Hints, names: Names) -> list[Tree]:
    """The objects described, in canonical order."""
    trees = _Reader(lines, hints, names).read()
    if len(trees) > 1:
        # What stands before the first name belongs to none and stays there.
        trees.sort(key=lambda tree: (bool(tree.name), erase(str(tree)), str(tree)))
    return trees
