"""The body of a diagram's fence: what the author draws by hand on top of what was read.

An overlay is YAML with the keys ``nodes`` (``{id: users, kind: users, label: {en: Readers, ja: 読者}}``), ``edges``
(``{from: users, to: Ingress/web, label: HTTPS}``) and ``notes`` (``{at: Deployment/web, text: {en: …, ja: …}}``, or
without ``at`` for a line below the picture).

An end is the ``id`` of a node of the overlay, or an object: ``Kind/name`` or ``namespace/Kind/name``, the kind as
`kubectl get` takes it. A text is a string, or one string per language.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from kubetalk.drawing.graph import Edge, EdgeKind, Graph, Node
from kubetalk.drawing.kinds import Role, names_of_kind, spec_of
from kubetalk.drawing.words import Words
from kubetalk.errors import DiagramError
from kubetalk.model import Fence, Location

HAND_KINDS = ("users", "internet", "database", "bucket", "dns", "service", "note")
_KEYS = {"": ("nodes", "edges", "notes"), "nodes": ("id", "kind", "label"), "edges": ("from", "to", "label"),
         "notes": ("at", "text")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph with an overlay, and the cluster's nodes that the overlay names."""

    graph: Graph
    named: frozenset[str]


def drawn_over(graph: Graph, body: str, fence: Fence, words: Words) -> Drawn:
    """The graph with the overlay's nodes, edges and notes.

    Raises DiagramError, with the fence's location, for YAML that cannot be read, unknown keys and names.
    """
    return _Overlay(graph, fence, words).read(body)


def check_overlay(body: str, fence: Fence, words: Words) -> None:
    """What can be told of an overlay before the cluster is known; its names of objects are not looked at.

    Raises DiagramError like `drawn_over`.
    """
    _Overlay(Graph(), fence, words, sees_cluster=False).read(body)


def closest(word: str, choices: Iterable[str]) -> str:
    """``Did you mean "x"?``, or nothing if there is nothing like it."""
    lowered = {choice.lower(): choice for choice in sorted(choices)}
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f'Did you mean "{lowered[found[0]]}"?' if found else ""


class _Overlay:
    def __init__(self, graph: Graph, fence: Fence, words: Words, *, sees_cluster: bool = True) -> None:
        self._graph, self._fence, self._words = graph, fence, words
        self._sees_cluster = sees_cluster
        self._objects = {node.id: node for node in graph.nodes}
        self._hand: dict[str, Node] = {}
        self._named: set[str] = set()

    def _error(self, message: str, remedy: str = "", line: int = 0) -> DiagramError:
        at = self._fence.location
        return DiagramError(message, where=Location(at.path, at.line + line) if at.line else at, remedy=remedy)

    def read(self, body: str) -> Drawn:
        try:
            content = yaml.safe_load(body)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or "not YAML"
            raise self._error(
                f"the diagram's overlay cannot be read: {problem}", "Mend the YAML.", mark.line + 1 if mark else 0
            ) from error
        if content is None:
            return Drawn(self._graph, frozenset())
        if not isinstance(content, Mapping):
            raise self._error("the diagram's overlay is not a mapping", "Write nodes:, edges: or notes:.")
        self._check(content, "")
        for item in self._items(content, "nodes"):
            self._node(item)
        edges = [self._edge(item) for item in self._items(content, "edges")]
        notes: list[str] = []
        for item in self._items(content, "notes"):
            self._note(item, notes)
        nodes = (*self._objects.values(), *self._sided(edges))
        graph = replace(self._graph, nodes=nodes, edges=(*self._graph.edges, *edges), notes=tuple(notes))
        return Drawn(graph, frozenset(self._named))

    def _items(self, content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        items = content.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise self._error(f'"{key}" of the diagram\'s overlay is not a list of mappings')
        for item in items:
            self._check(item, key)
        return items

    def _check(self, item: Mapping[str, Any], place: str) -> None:
        for key in item:
            if key not in _KEYS[place]:
                known = ", ".join(_KEYS[place])
                inside = f' in "{place}"' if place else ""
                raise self._error(
                    f'unknown key "{key}"{inside} of the diagram\'s overlay',
                    closest(str(key), _KEYS[place]) or f"Known keys: {known}.",
                )

    def _required(self, item: Mapping[str, Any], key: str, place: str) -> Any:
        if item.get(key) in (None, ""):
            raise self._error(f'an entry of "{place}" in the diagram\'s overlay lacks "{key}"')
        return item[key]

    def _text(self, value: object, place: str) -> str:
        if isinstance(value, Mapping):
            if self._words.language not in value:
                raise self._error(
                    f'a text of "{place}" in the diagram\'s overlay has no "{self._words.language}"',
                    "Write it in every language, or once as plain text.",
                )
            value = value[self._words.language]
        return " ".join(str(value).split())

    def _node(self, item: Mapping[str, Any]) -> None:
        name = str(self._required(item, "id", "nodes"))
        if name in self._hand or "/" in name:
            problem = "is there twice" if name in self._hand else 'must not hold a "/"'
            raise self._error(f'the id "{name}" in the diagram\'s overlay {problem}')
        kind = str(item.get("kind", "service"))
        if kind not in HAND_KINDS:
            raise self._error(
                f'unknown kind "{kind}" of "{name}" in the diagram\'s overlay',
                closest(kind, HAND_KINDS) or f"Known kinds: {', '.join(HAND_KINDS)}.",
            )
        word = self._words(f"hand.{kind}")
        label = self._text(item["label"], "nodes") if item.get("label") else word
        self._hand[name] = Node(
            id=f"hand//{name}", namespace="", name=label, kind=word, glyph=kind if kind != "service" else "box",
            family="by", role=Role.ENTRY, hand=True,
            title=label if word.lower() in label.lower() else f"{word} {label}",
        )  # fmt: skip

    def _edge(self, item: Mapping[str, Any]) -> Edge:
        source, target = (self._end(str(self._required(item, key, "edges"))) for key in ("from", "to"))
        if source == target:
            raise self._error(f'an edge of the diagram\'s overlay leads from "{item["from"]}" to itself')
        label = self._text(item["label"], "edges") if item.get("label") else ""
        return Edge(source, target, EdgeKind.HAND, (label,) if label else ())

    def _note(self, item: Mapping[str, Any], free: list[str]) -> None:
        text = self._text(self._required(item, "text", "notes"), "notes")
        if not item.get("at"):
            free.append(text)
            return
        end = self._end(str(item["at"]))
        for nodes in (self._objects, self._hand):
            for key, node in nodes.items():
                if node.id == end:
                    nodes[key] = replace(node, notes=(*node.notes, text))

    def _end(self, reference: str) -> str:
        """The id of the node a reference names."""
        if reference in self._hand:
            return self._hand[reference].id
        parts = [part.strip() for part in reference.split("/")]
        if len(parts) == 1:
            raise self._error(
                f'the diagram\'s overlay names "{reference}", which it does not define',
                closest(reference, self._hand) or "Add it to nodes:, or name an object as Kind/name.",
            )
        if not self._sees_cluster:
            return reference
        *place, kind, name = parts
        found = [node for node in self._graph.nodes if self._is(node, place, kind, name)]
        if len(found) == 1:
            self._named.add(found[0].id)
            return found[0].id
        if found:
            choices = ", ".join(f"{node.namespace}/{node.kind}/{node.name}" for node in found)
            raise self._error(f'the diagram\'s overlay names "{reference}", which is {choices}', "Add the namespace.")
        known = [self._written(node, with_place=bool(place)) for node in self._graph.nodes]
        raise self._error(
            f'the diagram\'s overlay names "{reference}", which the cluster does not hold at this point',
            closest(reference, known) or "See kubectl get all at this point of the session.",
        )

    @staticmethod
    def _written(node: Node, *, with_place: bool) -> str:
        return f"{node.namespace}/{node.kind}/{node.name}" if with_place else f"{node.kind}/{node.name}"

    @staticmethod
    def _is(node: Node, place: list[str], kind: str, name: str) -> bool:
        if node.name != name or (place and node.namespace != place[0]) or len(place) > 1:
            return False
        group = node.id.split("/", 1)[0].partition(".")[2]
        spec = spec_of({"apiVersion": f"{group}/v1" if group else "v1", "kind": node.kind})
        return kind.lower() in names_of_kind(spec)

    def _sided(self, edges: list[Edge]) -> list[Node]:
        """The overlay's nodes; those that the cluster leads to stand on the right, all others on the left."""
        sources = {edge.source for edge in edges}
        reached = {edge.target for edge in edges if edge.source in self._objects}
        return [
            replace(node, role=Role.CONFIG) if node.id in reached and node.id not in sources else node
            for node in self._hand.values()
        ]
