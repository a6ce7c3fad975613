"""What a diagram consists of before it has coordinates: namespaces, nodes and edges, in a stable order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kubetalk.drawing.kinds import KindSpec, Role


class EdgeKind(StrEnum):
    """How a relation is known; the line's style and the verb of the description follow from it."""

    ROUTE = "route"
    """Declared by an Ingress, a Gateway or a route."""
    SELECTS = "selects"
    """A Service's selector matches the workload's pods."""
    SERVES = "serves"
    """The workload whose pods an Istio Gateway's selector names carries out that Gateway."""
    USES = "uses"
    """A reference to configuration or storage."""
    APPLIES = "applies"
    """A DestinationRule's host."""
    OWNS = "owns"
    """An ownerReference."""
    SCALES = "scales"
    """An autoscaler's target."""
    HAND = "hand"
    """Drawn by the author."""


class Change(StrEnum):
    """What became of a thing between two snapshots."""

    NONE = ""
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Chip:
    """A container in a node."""

    text: str
    state: str = "own"
    """``own``, ``injected`` into every pod, ``lacking`` in some pods that should have it."""


@dataclass(frozen=True, slots=True)
class Node:
    """One box."""

    id: str
    """``Deployment.apps/blog/web``; of hand-drawn ones ``hand//users``."""
    namespace: str
    """Empty for what stands outside of namespaces."""
    name: str
    kind: str
    """The word for its kind: ``Deployment``."""
    glyph: str
    family: str
    role: Role
    word: str = ""
    """What the second line says instead of the kind: ``LoadBalancer``, ``HPA``."""
    detail: str = ""
    """What follows it."""
    ready: str = ""
    """``2/3``."""
    healthy: bool = True
    problem: str = ""
    """A line of warning."""
    chips: tuple[Chip, ...] = ()
    pods: int = 0
    sidecars: Mapping[str, int] = field(default_factory=dict)
    """Injected containers, and how many of the pods carry each."""
    ghost: bool = False
    """Referred to, but not there."""
    hand: bool = False
    notes: tuple[str, ...] = ()
    """Written by hand below it."""
    change: Change = Change.NONE
    change_detail: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What two states of it are compared by, in Kubernetes' words."""
    stands_for: tuple[str, ...] = ()
    """Ids of the nodes a "+ 14 more" replaces."""
    title: str = ""
    """``Deployment blog/web``, how sentences call it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One relation, drawn from left to right."""

    source: str
    target: str
    kind: EdgeKind
    labels: tuple[str, ...] = ()
    change: Change = Change.NONE


@dataclass(frozen=True, slots=True)
class Group:
    """A namespace, or the cluster-wide objects when its name is empty."""

    name: str
    badges: tuple[str, ...] = ()
    """Labels worth seeing, ``istio-injection=enabled``."""
    missing_proxies: int = 0
    proxied_pods: int = 0
    """Pods that should carry the proxy."""
    change: Change = Change.NONE
    change_detail: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything that is drawn."""

    groups: tuple[Group, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    notes: tuple[str, ...] = ()
    """Hand-written lines that belong to no node."""
    hidden_groups: tuple[str, ...] = ()
    """Namespaces left out for lack of room."""

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """The same with other nodes; edges whose ends are gone go with them."""
        kept = tuple(nodes)
        ids = {node.id for node in kept}
        return replace(self, nodes=kept, edges=tuple(e for e in self.edges if e.source in ids and e.target in ids))


def node_id(spec: KindSpec, namespace: str, name: str) -> str:
    """The id of an object's node."""
    return f"{spec.id}/{namespace}/{name}"


def in_order(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes by namespace, column, kind and name."""
    return tuple(sorted(nodes, key=lambda node: (node.namespace, node.role, node.kind, node.name, node.id)))


def merged(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Edges in order, those with equal ends and kind made one with all their labels."""
    found: dict[tuple[str, str, EdgeKind], Edge] = {}
    for edge in edges:
        key = (edge.source, edge.target, edge.kind)
        previous = found.get(key)
        labels = tuple(dict.fromkeys((*(previous.labels if previous else ()), *edge.labels)))
        found[key] = replace(edge, labels=labels)
    return tuple(found[key] for key in sorted(found))
