"""Two graphs -> one that shows what was added, removed and changed between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kubetalk.drawing.graph import Change, Edge, Graph, Group, Node, in_order, merged


def compared(before: Graph, after: Graph) -> Graph:
    """The union of both: what is in both is shown as it is afterwards."""
    old_nodes, new_nodes = {n.id: n for n in before.nodes}, {n.id: n for n in after.nodes}
    old_edges, new_edges = {_key(e): e for e in before.edges}, {_key(e): e for e in after.edges}
    old_groups, new_groups = {g.name: g for g in before.groups}, {g.name: g for g in after.groups}
    nodes = [_node(old_nodes.get(key), new_nodes.get(key)) for key in sorted({*old_nodes, *new_nodes})]
    edges = [_edge(old_edges.get(key), new_edges.get(key)) for key in sorted({*old_edges, *new_edges})]
    groups = [_group(old_groups.get(key), new_groups.get(key)) for key in sorted({*old_groups, *new_groups})]
    return Graph(tuple(groups), in_order(nodes), merged(edges))


def _key(edge: Edge) -> tuple[str, str, str]:
    return (edge.source, edge.target, edge.kind)


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """``image: nginx:1.28 → nginx:1.29; ready: 1/1 → 3/3``."""
    keys = [key for key in dict.fromkeys((*new, *old)) if old.get(key) != new.get(key)]
    return "; ".join(f"{key}: {old.get(key, '–')} → {new.get(key, '–')}" for key in keys)


def _node(old: Node | None, new: Node | None) -> Node:
    if new is None:
        assert old is not None  # noqa: S101 - the key came from one of the two
        # A ghost that is gone means that nobody refers to it any more: not an object that was removed.
        return replace(old, change=Change.REMOVED, healthy=True, problem="")
    if old is None or (old.ghost and not new.ghost):
        return new if new.ghost else replace(new, change=Change.ADDED)
    if new.ghost:
        return new if old.ghost else replace(new, change=Change.REMOVED)
    detail = _differences(old.facts, new.facts)
    return replace(new, change=Change.CHANGED, change_detail=detail) if detail else new


def _edge(old: Edge | None, new: Edge | None) -> Edge:
    if new is None:
        assert old is not None  # noqa: S101 - the key came from one of the two
        return replace(old, change=Change.REMOVED)
    if old is None:
        return replace(new, change=Change.ADDED)
    return new if old.labels == new.labels else replace(new, change=Change.CHANGED)


def _group(old: Group | None, new: Group | None) -> Group:
    if new is None:
        assert old is not None  # noqa: S101 - the key came from one of the two
        return replace(old, change=Change.REMOVED)
    if old is None:
        return replace(new, change=Change.ADDED)
    detail = _differences(old.labels, new.labels)
    return replace(new, change=Change.CHANGED, change_detail=detail) if detail else new
