"""The nodes of one namespace -> columns, an order within each column, and a height for every row.

The classic steps of a layered drawing (Sugiyama et al. 1981): ranks, dummies where an edge passes a column,
barycentre order, then y coordinates by isotonic regression, which is exact for a given order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kubetalk.drawing.graph import Edge, Node
from kubetalk.drawing.sizes import PITCH, ROW_GAP, Face

_SWEEPS = 6


@dataclass(slots=True)
class Slot:
    """A place in a column: a node, or a gap through which an edge passes."""

    key: str
    """Id of the node, or net and column of the edge."""
    width: float
    height: float
    node: Node | None = None
    y: float = 0.0
    """Top, relative to the panel."""

    @property
    def middle(self) -> float:
        """Its centre line."""
        return self.y + self.height / 2


@dataclass(slots=True)
class Component:
    """Nodes that hang together, in columns."""

    columns: dict[int, list[Slot]]
    height: float
    chains: dict[Edge, list[Slot]] = field(default_factory=dict)
    """The slots an edge passes: source, gaps, target."""


def ranks(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """The column of each node: its role's, or further right so that edges lead rightwards.

    Edges that close a circle are ignored; they are drawn around.
    """
    following: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        following[edge.source].append(edge.target)
    order: list[str] = []
    state: dict[str, int] = {}
    for node in sorted(nodes, key=lambda node: (node.role, node.id)):
        if node.id in state:
            continue
        stack = [(node.id, iter(following[node.id]))]
        state[node.id] = 1
        while stack:
            current, rest = stack[-1]
            for target in rest:
                if state.get(target) == 1:
                    following[current] = [each for each in following[current] if each != target]
                elif target not in state:
                    state[target] = 1
                    stack.append((target, iter(list(following[target]))))
                    break
            else:
                state[current] = 2
                order.append(current)
                stack.pop()
    result = {node.id: int(node.role) for node in nodes}
    for current in reversed(order):
        for target in following[current]:
            result[target] = max(result[target], result[current] + 1)
    used = {rank: index for index, rank in enumerate(sorted(set(result.values())))}
    return {key: used[rank] for key, rank in result.items()}


def components(nodes: Sequence[Node], edges: Iterable[Edge]) -> list[list[Node]]:
    """Nodes that hang together, each part and the parts themselves in the order of the nodes."""
    parent = {node.id: node.id for node in nodes}

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for edge in edges:
        parent[find(edge.source)] = find(edge.target)
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(find(node.id), []).append(node)
    return list(found.values())


def layered(nodes: Sequence[Node], edges: Sequence[Edge], rank: Mapping[str, int], faces: Mapping[str, Face],
            nets: Mapping[Edge, str]) -> Component:  # fmt: skip
    """One component with its order and rows. Only edges that lead rightwards get a chain of slots."""
    columns: dict[int, list[Slot]] = defaultdict(list)
    slots: dict[str, Slot] = {}
    for node in nodes:
        slots[node.id] = Slot(node.id, faces[node.id].width, faces[node.id].height, node)
        columns[rank[node.id]].append(slots[node.id])
    chains: dict[Edge, list[Slot]] = {}
    links: set[tuple[int, str, str]] = set()
    for edge in edges:
        start, end = rank[edge.source], rank[edge.target]
        if start >= end:
            continue
        chain = [slots[edge.source]]
        for column in range(start + 1, end):
            key = f"{nets[edge]}@{column}"
            if key not in slots:
                slots[key] = Slot(key, 0.0, 2.0)
                columns[column].append(slots[key])
            chain.append(slots[key])
        chain.append(slots[edge.target])
        chains[edge] = chain
        links |= {(start + index, a.key, b.key) for index, (a, b) in enumerate(pairwise(chain))}
    ordered = dict(sorted(columns.items()))
    left, right = _neighbours(sorted(links))
    _order(ordered, left, right)
    height = _rows(ordered, left, right, slots)
    return Component(ordered, height, chains)


def _neighbours(links: Iterable[tuple[int, str, str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    left: dict[str, list[str]] = defaultdict(list)
    right: dict[str, list[str]] = defaultdict(list)
    for _, a, b in links:
        right[a].append(b)
        left[b].append(a)
    return left, right


def _order(columns: dict[int, list[Slot]], left: Mapping[str, list[str]], right: Mapping[str, list[str]]) -> None:
    """Sort each column by the mean place of its neighbours, back and forth; keep the order with fewest crossings."""
    best = {column: list(slots) for column, slots in columns.items()}
    fewest = _crossings(columns, right)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        sequence = list(columns) if forward else list(reversed(columns))
        for previous, column in pairwise(sequence):
            place = {slot.key: index for index, slot in enumerate(columns[previous])}
            near = left if forward else right
            weights = {}
            for index, slot in enumerate(columns[column]):
                places = [place[key] for key in near.get(slot.key, ()) if key in place]
                weights[slot.key] = sum(places) / len(places) if places else float(index)
            columns[column].sort(key=lambda slot: weights[slot.key])
        crossings = _crossings(columns, right)
        if crossings < fewest:
            fewest, best = crossings, {column: list(slots) for column, slots in columns.items()}
    for column, slots in best.items():
        columns[column][:] = slots


def _crossings(columns: Mapping[int, list[Slot]], right: Mapping[str, list[str]]) -> int:
    total = 0
    sequence = list(columns)
    for column, following in pairwise(sequence):
        place = {slot.key: index for index, slot in enumerate(columns[following])}
        ends = [sorted(place[k] for k in right.get(slot.key, ()) if k in place) for slot in columns[column]]
        flat = [end for each in ends for end in each]
        total += _inversions(flat)
    return total


def _inversions(values: list[int]) -> int:
    if len(values) < 2:
        return 0
    tree = [0] * (max(values) + 2)
    count = 0
    for seen, value in enumerate(values):
        index, before = value + 1, 0
        while index > 0:
            before += tree[index]
            index -= index & -index
        count += seen - before
        index = value + 1
        while index < len(tree):
            tree[index] += 1
            index += index & -index
    return count


def _gap(a: Slot, b: Slot) -> float:
    return ROW_GAP if a.node and b.node else PITCH + 3


def _rows(columns: Mapping[int, list[Slot]], left: Mapping[str, list[str]], right: Mapping[str, list[str]],
          slots: Mapping[str, Slot]) -> float:  # fmt: skip
    for column in columns.values():
        y = 0.0
        for index, slot in enumerate(column):
            slot.y = y
            y += slot.height + (_gap(slot, column[index + 1]) if index + 1 < len(column) else 0)
    sequence = list(columns.values())
    for sweep in range(2 * _SWEEPS):
        forward = sweep % 2 == 0
        near: Collection[Mapping[str, list[str]]] = (left,) if forward else (right,)
        if sweep >= 2 * _SWEEPS - 2:
            near = (left, right)
        for column in sequence if forward else reversed(sequence):
            _settle(column, near, slots)
    for column in sequence[1:]:  # what follows something stands beside it, so that most lines are straight
        _settle(column, (left,), slots)
    top = min(slot.y for column in sequence for slot in column)
    for column in sequence:
        for slot in column:
            slot.y -= top
    return max(slot.y + slot.height for column in sequence for slot in column)


def _settle(column: list[Slot], near: Collection[Mapping[str, list[str]]], slots: Mapping[str, Slot]) -> None:
    """Move a column's slots as close to their neighbours as their order and gaps allow (pool adjacent violators)."""
    offset = 0.0
    blocks: list[tuple[float, float, int]] = []  # wished place of the first slot, weight, number of slots
    offsets = []
    for index, slot in enumerate(column):
        offsets.append(offset)
        found = [slots[key].middle for sides in near for key in sides.get(slot.key, ())]
        wished = sum(found) / len(found) if found else slot.middle
        weight = (4.0 if slot.node is None else 1.0) * (1.0 if found else 0.05)
        block = (wished - slot.height / 2 - offset, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            last = blocks.pop()
            total = last[1] + block[1]
            block = ((last[0] * last[1] + block[0] * block[1]) / total, total, last[2] + block[2])
        blocks.append(block)
        if index + 1 < len(column):
            offset += slot.height + _gap(slot, column[index + 1])
    index = 0
    for start, _, count in blocks:
        for _ in range(count):
            column[index].y = start + offsets[index]
            index += 1
