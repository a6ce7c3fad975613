"""Which card stands in which column, panel, box and cell: of several arrangements the one that suits 16:9 best.

A page is a row of cells, a cell a stack of boxes (namespaces), a box a row of panels (columns of cards). Between them
run the channels of `channels`; their sizes decide all coordinates, so `place` is called again once they are known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kubetalk.drawing.channels import Channel
from kubetalk.drawing.graph import Edge, EdgeKind, Graph, Group, Node
from kubetalk.drawing.kinds import Role
from kubetalk.drawing.layering import Component, Slot, components, layered, ranks
from kubetalk.drawing.page import Box, Page, Panel
from kubetalk.drawing.placing import content_height, place
from kubetalk.drawing.sizes import CANVAS, PAD, Face, Header, label_width

T = TypeVar("T")

_PART_GAP = 26.0
"""Between two components of a panel."""
_GRID_GAP = 14.0
_OUTSIDE = ("<", ">")
"""Names of the two places for what is drawn outside of all namespaces; no namespace can be called so."""


def nets_of(edges: Iterable[Edge]) -> dict[Edge, str]:
    """Which edges share a line: those that leave one node, or those that enter one, whichever are more.

    An edge with a label shares a line only at its start, so that it is clear what the label belongs to.
    """
    leaving: dict[tuple[str, str], int] = defaultdict(int)
    entering: dict[tuple[str, str], int] = defaultdict(int)
    edges = list(edges)
    for edge in edges:
        style = f"{edge.kind}{edge.change}"
        leaving[edge.source, style] += 1
        entering[edge.target, style] += 0 if edge.labels else 1
    result = {}
    for edge in edges:
        style = f"{edge.kind}{edge.change}"
        alike = leaving[edge.source, style] >= entering[edge.target, style]
        result[edge] = f"{style}>{edge.source}" if edge.labels or alike else f"{style}<{edge.target}"
    return result


def arranged(graph: Graph, faces: Mapping[str, Face], headers: Mapping[str, Header]) -> Page:
    """The best of several arrangements, measured by how large the picture can be shown on a 16:9 slide."""
    nets = nets_of(graph.edges)
    sides = _sides(graph)
    members: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        members[sides.get(node.id, node.namespace)].append(node)
    busy = {end for edge in graph.edges for end in (edge.source, edge.target)}
    groups = {each.name: each for each in graph.groups if each.name or members.get("")}
    names = _sequence(groups, members, graph.edges, sides)
    best: tuple[float, Page] | None = None
    for chained in (True, False) if any(edge.kind is EdgeKind.HAND for edge in graph.edges) else (True,):
        inside = {node.id for node in graph.nodes if not node.hand}
        ranked = [
            e for e in graph.edges if chained or e.kind is not EdgeKind.HAND or not {e.source, e.target} <= inside
        ]
        materials = {
            name: _material(name, groups.get(name), members[name], graph.edges, ranked, faces, nets, busy, headers)
            for name in [*names, *_OUTSIDE] if name in groups or members[name]
        }  # fmt: skip
        plain = all(len(material.parts) < 2 and len(material.loose) < 2 for material in materials.values())
        for wish in (0.0,) if plain else (0.0, 0.6, 1.0, 1.6, 2.6):
            for count in range(1, max(1, min(len(names), 9)) + 1):
                # Channels and slots carry coordinates, so every page has boxes of its own.
                boxes = {name: _box(material, wish, faces) for name, material in materials.items()}
                page = _page([boxes[name] for name in names], count, boxes, faces)
                page.links = [(edge.source, edge.target) for edge in graph.edges]
                place(page)
                price = _price(page, graph.edges)
                if best is None or price < best[0] - 1e-9:
                    best = (price, page)
    assert best is not None  # noqa: S101 - the loops run at least once
    return best[1]


def _price(page: Page, edges: Iterable[Edge]) -> float:
    """How small the picture gets on a slide, and how far its lines have to go around; less is better."""
    small = max(page.width / CANVAS[0], page.height / CANVAS[1])
    empty = math.sqrt(page.width * page.height / (CANVAS[0] * CANVAS[1]))
    return small * (1 + 0.03 * _detours(page, edges)) + 0.12 * empty


def _sides(graph: Graph) -> dict[str, str]:
    """Which hand-drawn nodes stand left and which right of the namespaces."""
    return {node.id: _OUTSIDE[node.role is Role.CONFIG] for node in graph.nodes if node.hand}


def _sequence(groups: Mapping[str, Group], members: Mapping[str, list[Node]], edges: Sequence[Edge],
              sides: Mapping[str, str]) -> list[str]:  # fmt: skip
    """Namespaces in the order of the traffic, those without relations to others after them, empty ones last."""
    home = {node.id: name for name, nodes in members.items() for node in nodes}
    links = sorted({(home[e.source], home[e.target]) for e in edges if home[e.source] != home[e.target]})
    names = sorted(groups)
    inner = [(a, b) for a, b in links if a in groups and b in groups]
    entered = {b for a, b in links if a == _OUTSIDE[0]}
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in inner:
        following[a].append(b)
    rank = dict.fromkeys(names, 0)
    for _ in names:  # longest path; as many rounds as names end it even if there is a circle
        moved = False
        for a, b in inner:
            if rank[b] < rank[a] + 1 <= len(names):
                rank[b], moved = rank[a] + 1, True
        if not moved:
            break
    linked = {end for link in inner for end in link} | entered
    del sides

    def key(name: str) -> tuple[bool, bool, int, bool, str]:
        return (not members[name], name not in linked, rank[name], name not in entered, name)

    return sorted(names, key=key)


@dataclass(slots=True)
class _Material:
    """What a box is made of, whatever its shape."""

    name: str
    group: Group | None
    parts: list[Component]
    loose: list[Node]
    header: Header
    labels: dict[str, float]
    """Room a label needs left of a node."""


def _material(name: str, group: Group | None, nodes: Sequence[Node], edges: Sequence[Edge], ranked: Sequence[Edge],
              faces: Mapping[str, Face], nets: Mapping[Edge, str], busy: set[str],
              headers: Mapping[str, Header]) -> _Material:  # fmt: skip
    ids = {node.id for node in nodes}
    inner = [edge for edge in ranked if edge.source in ids and edge.target in ids]
    connected = [node for node in nodes if node.id in busy]
    rank = ranks(connected, inner)
    parts = []
    for part in components(connected, inner):
        members = {node.id for node in part}
        parts.append(layered(part, [e for e in inner if e.source in members], rank, faces, nets))
    parts.sort(key=lambda part: (min(part.columns), -len(part.columns)))
    labels: dict[str, float] = defaultdict(float)
    for edge in edges:
        if edge.target in ids:
            labels[edge.target] = max(labels[edge.target], label_width(edge.labels))
    loose = [node for node in nodes if node.id not in busy]
    return _Material(name, group, parts, loose, headers.get(name, Header()), labels)


def _box(material: _Material, wish: float, faces: Mapping[str, Face]) -> Box:
    """A box whose shape comes close to a wished ratio of width to height; 0 means one panel."""
    count = 1
    if wish and len(material.parts) > 1:
        wide = max(sum(max(slot.width for slot in slots) + 50 for slots in p.columns.values()) for p in material.parts)
        high = sum(part.height + _PART_GAP for part in material.parts)
        options = range(1, min(len(material.parts), 5) + 1)
        count = min(options, key=lambda n: (abs((wide * n) / (high / n) - wish), n))
    panels = [
        _panel(parts, material) for parts in balanced(material.parts, count, lambda part: part.height + _PART_GAP)
    ]
    box = Box(material.name, material.group, panels, material.loose, material.header)
    if not box.framed or not panels:
        box.top.least = box.bottom.least = 0
    if box.loose:
        wide = max(faces[node.id].width for node in box.loose) + _GRID_GAP
        inside = sum(panel.width for panel in panels)
        high = sum(faces[node.id].height + _GRID_GAP for node in box.loose) / len(box.loose)
        alone = round((len(box.loose) * high * (wish or 1.4) / wide) ** 0.5)
        box.per_row = max(1, min(len(box.loose), int((inside - 2 * PAD) // wide) if inside > wide else alone))
    return box


def _panel(parts: Sequence[Component], material: _Material) -> Panel:
    used = sorted({column for part in parts for column in part.columns})
    columns: list[list[Slot]] = [[] for _ in used]
    y = 0.0
    chains: dict[Edge, list[Slot]] = {}
    for part in parts:
        for rank, slots in part.columns.items():
            for slot in slots:
                columns[used.index(rank)].append(Slot(slot.key, slot.width, slot.height, slot.node, slot.y + y))
        y += part.height + _PART_GAP
    copies = {slot.key: slot for column in columns for slot in column}
    for part in parts:
        chains |= {edge: [copies[slot.key] for slot in chain] for edge, chain in part.chains.items()}
    widths = [max((slot.width for slot in slots if slot.node), default=0.0) for slots in columns]
    for wide, slots in zip(widths, columns, strict=True):
        for slot in slots:
            slot.width = wide
    gutters = [Channel(vertical=True, least=44, lead=14, trail=20) for _ in range(len(used) + 1)]
    for index, slots in enumerate(columns):
        gutters[index].label = max((material.labels[slot.key] for slot in slots if slot.node), default=0.0)
    framed = material.group is not None
    gutters[0].least = 18 if framed else 4
    gutters[-1].least = 18 if framed else 4
    gutters[-1].lead, gutters[-1].trail, gutters[0].lead = 12, 12, 12
    return Panel(columns, widths, y - _PART_GAP, chains, gutters)


def balanced(items: Sequence[T], count: int, size: Callable[[T], float]) -> list[list[T]]:
    """Items in their order, in at most that many parts, the largest as small as it can be."""
    sizes = [size(item) for item in items]

    def filled(room: float) -> list[list[T]]:
        parts: list[list[T]] = []
        used = room
        for item, each in zip(items, sizes, strict=True):
            if used + each > room or not parts:
                parts.append([])
                used = 0.0
            parts[-1].append(item)
            used += each
        return parts

    if not items:
        return []
    low, high = max(sizes), sum(sizes) + 1e-6
    if count == 1:
        return [list(items)]
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (low, middle) if len(filled(middle)) <= count else (middle, high)
    return filled(high)


def _page(boxes: Sequence[Box], count: int, named: Mapping[str, Box], faces: Mapping[str, Face]) -> Page:
    cells = balanced(boxes, count, lambda box: content_height(box, faces) + 54)
    for index, name in enumerate(_OUTSIDE):
        if name in named:
            cells.insert(len(cells) if index else 0, [named[name]])
    corridors = [Channel(vertical=True, least=26, lead=10, trail=10) for _ in range(len(cells) + 1)]
    corridors[0].least = corridors[-1].least = 0
    gaps = [[Channel(vertical=False, least=20, lead=10, trail=10) for _ in cell[1:]] for cell in cells]
    top, bottom = (Channel(vertical=False, lead=8, trail=10) for _ in range(2))
    page = Page(cells, faces, corridors, gaps, top, bottom)
    for index, cell in enumerate(cells):
        for box in cell:
            box.cell = index
            for panel in box.panels:
                for column, slots in enumerate(panel.columns):
                    page.homes |= {slot.key: (box, panel, column, slot) for slot in slots if slot.node}
    return page


def _detours(page: Page, edges: Iterable[Edge]) -> int:
    """How many edges have to lead back to the left or past other namespaces."""
    count = 0
    for edge in edges:
        source, target = page.homes.get(edge.source), page.homes.get(edge.target)
        if source is None or target is None:
            continue
        if source[0] is not target[0]:
            count += 0 if target[0].cell - source[0].cell == 1 else 1
        elif source[1] is target[1] and source[2] >= target[2]:
            count += 2  # a loop within its own namespace is the hardest to follow
    return count
