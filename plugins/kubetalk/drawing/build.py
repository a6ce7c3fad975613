"""A snapshot -> the graph of everything in it, and the part of that graph a view shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from kubetalk.drawing.cards import called, card, ghost, group
from kubetalk.drawing.graph import Edge, EdgeKind, Graph, Group, Node, in_order, merged
from kubetalk.drawing.kinds import Role
from kubetalk.drawing.relations import Cluster, claims_of, identify, is_traffic, relations
from kubetalk.drawing.words import Words
from kubetalk.model import Snapshot

_TRAFFIC = frozenset({EdgeKind.ROUTE, EdgeKind.SELECTS, EdgeKind.SERVES, EdgeKind.APPLIES, EdgeKind.HAND})
_CONFIG = frozenset({EdgeKind.USES, EdgeKind.SCALES, EdgeKind.OWNS, EdgeKind.HAND})


def graph_of(snapshot: Snapshot, words: Words) -> Graph:
    """Everything a snapshot holds, ghosts of what is missing included."""
    cluster = Cluster(snapshot.objects)
    edges = relations(cluster)
    nodes = {identify(item): card(item, cluster, words) for item in cluster.objects}
    nodes |= {missing: ghost(*found, words) for missing, found in cluster.missing.items()}
    edges, nodes = _claims_as_one(cluster, edges, nodes)
    groups = {str(item["metadata"]["name"]): group(item, cluster) for item in cluster.namespaces}
    for node in nodes.values():
        groups.setdefault(node.namespace, Group(node.namespace))
    inhabited = {node.namespace for node in nodes.values()}
    shown = [each for name, each in sorted(groups.items()) if name in inhabited or name != "default" or each.labels]
    return Graph(tuple(shown), in_order(nodes.values()), merged(edges))


def _claims_as_one(cluster: Cluster, edges: Sequence[Edge],
                   nodes: dict[str, Node]) -> tuple[tuple[Edge, ...], dict[str, Node]]:  # fmt: skip
    """The claims of one volumeClaimTemplate as one node, ``data-db-0…2``."""
    stands_for: dict[str, str] = {}
    for item in cluster.objects:
        for template in item.get("spec", {}).get("claimTemplates", ()):
            claims = sorted((identify(claim) for claim in claims_of(cluster, item, template)), key=_ordinal)
            if len(claims) < 2:
                continue
            first = nodes[claims[0]]
            name = f"{first.name}…{_ordinal(claims[-1])}"
            title = called(first.kind, first.namespace, name)
            nodes[claims[0]] = replace(first, name=name, title=title, facts={**first.facts, "claims": str(len(claims))})
            stands_for |= dict.fromkeys(claims[1:], claims[0])
    kept = {key: node for key, node in nodes.items() if key not in stands_for}
    moved = (replace(edge, target=stands_for.get(edge.target, edge.target)) for edge in edges)
    return tuple(moved), kept


def _ordinal(claim: str) -> int:
    return int(claim.rpartition("-")[2])


def viewed(graph: Graph, view: str, named: Collection[str] = ()) -> Graph:
    """The part of a graph that a view shows; ``named`` nodes stay in any case."""
    if view == "all":
        return graph
    kinds = _TRAFFIC if view == "traffic" else _CONFIG
    edges = tuple(edge for edge in graph.edges if edge.kind in kinds)
    touched = {end for edge in edges for end in (edge.source, edge.target)} | set(named)

    def belongs(node: Node) -> bool:
        if node.id in touched or node.hand:
            return True
        if view == "traffic":
            return is_traffic(node.role) and node.family == "traffic"
        return node.role is Role.CONFIG or node.family in {"config", "custom"}

    kept = tuple(node for node in graph.nodes if belongs(node))
    inhabited = {node.namespace for node in kept}
    groups = tuple(each for each in graph.groups if each.name in inhabited)
    return replace(graph, edges=edges, groups=groups).with_nodes(kept)


def within(graph: Graph, namespaces: Collection[str]) -> Graph:
    """The part of a graph in some namespaces; empty means all of it."""
    if not namespaces:
        return graph
    groups = tuple(each for each in graph.groups if each.name in namespaces)
    return replace(graph, groups=groups).with_nodes(n for n in graph.nodes if n.hand or n.namespace in namespaces)
