"""A graph too large to be read -> a smaller one: "+ 14 more" instead of a picture nobody can see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from kubetalk.drawing.graph import Change, Graph, Node, in_order, merged
from kubetalk.drawing.kinds import Role
from kubetalk.drawing.words import Words

_FEW = 4
"""Fewer nodes of a kind are drawn as one only when nothing else helps."""


def shortened(graph: Graph, words: Words, protected: Collection[str]) -> Iterator[Graph]:
    """The graph itself, then ever shorter ones; the last one always has a bounded size."""
    yield graph
    size = len(graph.nodes)
    for limit, coarse in ((8, False), (5, False), (3, False), (4, True), (2, True)):
        folded = _folded(graph, limit, words, protected, _column if coarse else _kind)
        if len(folded.nodes) < size:
            yield folded
            size = len(folded.nodes)
    for few in (_FEW, 2):
        summed = _summed(graph, few, words, protected)
        if len(summed.nodes) < size:
            yield summed
            size = len(summed.nodes)
    counted = _counted(graph, words, protected)
    yield counted
    for limit in (60, 40, 24, 12):
        if len(graph.groups) > limit:
            yield _fewer_groups(counted, limit)


def _kind(node: Node) -> str:
    return node.kind


def _column(node: Node) -> str:
    return "" if node.role is Role.CONFIG else node.kind


def _folded(graph: Graph, limit: int, words: Words, protected: Collection[str],
            sort: Callable[[Node], str]) -> Graph:  # fmt: skip
    """At most ``limit`` nodes of a sort in a namespace; the rest becomes one node that stands for them.

    Those with most relations stay, and everything that changed, is missing or was named by the author.
    """
    degree = Counter(end for edge in graph.edges for end in (edge.source, edge.target))
    parts: dict[tuple[str, Role, str], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if not node.hand:
            parts[node.namespace, node.role, sort(node)].append(node)
    stands_for: dict[str, str] = {}
    extra: list[Node] = []
    for (namespace, role, _), nodes in sorted(parts.items()):
        if len(nodes) <= limit + 1:
            continue
        order = sorted(
            nodes, key=lambda n: (n.id not in protected, n.change is Change.NONE, not n.problem, -degree[n.id], n.id)
        )
        must = sum(1 for n in nodes if n.id in protected)
        folded = order[max(limit, must) :]
        if len(folded) < 2:
            continue
        kinds = Counter(node.kind for node in folded)
        more = Node(
            id=f"more/{namespace}/{role}/{'+'.join(sorted(kinds))}", namespace=namespace,
            name=words("more", count=len(folded)), kind=folded[0].kind, glyph="more", family="more", role=role,
            detail=", ".join(kind for kind, _ in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
            stands_for=tuple(node.title for node in folded), title=words("more", count=len(folded)),
        )  # fmt: skip
        extra.append(more)
        stands_for |= dict.fromkeys((node.id for node in folded), more.id)
    return _replaced(graph, stands_for, extra)


def _summed(graph: Graph, few: int, words: Words, protected: Collection[str]) -> Graph:
    """One node per kind and namespace, ``14 × Deployment``."""
    parts: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if not node.hand and node.id not in protected:
            parts[node.namespace, node.id.split("/", 1)[0]].append(node)
    stands_for: dict[str, str] = {}
    extra: list[Node] = []
    for (namespace, kind), nodes in sorted(parts.items()):
        if len(nodes) < few:
            continue
        first = nodes[0]
        title = words("say.count", count=len(nodes), kind=first.kind)
        extra.append(
            replace(
                first, id=f"sum/{namespace}/{kind}", name=title, detail="", ready="", problem="", chips=(), ghost=False,
                change=Change.NONE, change_detail="", facts={}, sidecars={}, notes=(), healthy=True, title=title,
                stands_for=tuple(node.title for node in nodes),
            )
        )  # fmt: skip
        stands_for |= dict.fromkeys((node.id for node in nodes), f"sum/{namespace}/{kind}")
    return _replaced(graph, stands_for, extra)


def _counted(graph: Graph, words: Words, protected: Collection[str]) -> Graph:
    """One node per namespace that counts what is in it; only relations between namespaces are left."""
    parts: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if not node.hand and node.id not in protected:
            parts[node.namespace].append(node)
    stands_for: dict[str, str] = {}
    extra: list[Node] = []
    for namespace, nodes in sorted(parts.items()):
        if len(nodes) == 1:
            continue
        kinds = Counter(node.kind for node in nodes)
        order = sorted(kinds, key=lambda kind: (-kinds[kind], kind))
        texts = [words("say.count", count=kinds[kind], kind=kind) for kind in order]
        first = next(node for node in nodes if node.kind == order[0])
        extra.append(
            Node(
                id=f"sum/{namespace}", namespace=namespace, name=texts[0], kind=first.kind, glyph=first.glyph,
                family=first.family, role=Role.WORKLOAD, detail=words("say.list").join(texts[1:]),
                stands_for=tuple(node.title for node in nodes), title=words("say.list").join(texts),
            )
        )  # fmt: skip
        stands_for |= dict.fromkeys((node.id for node in nodes), f"sum/{namespace}")
    return _replaced(graph, stands_for, extra)


def _replaced(graph: Graph, stands_for: dict[str, str], extra: list[Node]) -> Graph:
    nodes = in_order([*(node for node in graph.nodes if node.id not in stands_for), *extra])
    replaced = set(stands_for.values())
    edges = []
    for edge in graph.edges:
        source, target = stands_for.get(edge.source, edge.source), stands_for.get(edge.target, edge.target)
        if source == target:
            continue
        # Labels and changes of single edges would be wrong for the many.
        many = source in replaced or target in replaced
        edges.append(replace(edge, source=source, target=target, labels=() if many else edge.labels,
                             change=Change.NONE if many else edge.change))  # fmt: skip
    return replace(graph, nodes=nodes, edges=merged(edges))


def _fewer_groups(graph: Graph, limit: int) -> Graph:
    """The namespaces with most in them, the others left out and counted."""
    size = Counter(node.namespace for node in graph.nodes)
    order = sorted(graph.groups, key=lambda group: (group.change is Change.NONE, -size[group.name], group.name))
    kept = {group.name for group in order[:limit]}
    hidden = tuple(sorted(group.name for group in order[limit:]))
    groups = tuple(group for group in graph.groups if group.name in kept)
    smaller = replace(graph, groups=groups, hidden_groups=hidden)
    return smaller.with_nodes(node for node in graph.nodes if node.hand or node.namespace in kept)
