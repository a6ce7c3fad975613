"""A diagram block and its snapshot -> the finished diagram; the order of the steps of this room."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from kubetalk.drawing.build import graph_of, viewed, within
from kubetalk.drawing.changes import compared
from kubetalk.drawing.describe import described
from kubetalk.drawing.graph import Graph
from kubetalk.drawing.layout import arranged
from kubetalk.drawing.overlay import check_overlay, closest, drawn_over
from kubetalk.drawing.page import Page
from kubetalk.drawing.routing import Line, routed
from kubetalk.drawing.sizes import CANVAS, PAD, Face, Header, face
from kubetalk.drawing.summary import shortened
from kubetalk.drawing.svg import Picture
from kubetalk.drawing.words import Words
from kubetalk.errors import DiagramError
from kubetalk.model import Diagram, DiagramBlock, Snapshot

VIEWS = ("all", "traffic", "config")
_HOPELESS = 1.3
"""A picture so many times too large is not worth arranging."""
_TOLERANCE = 1.1
"""How much too large a picture may become by the room its lines take."""


def draw(block: DiagramBlock, snapshot: Snapshot, *, before: Snapshot | None, language: str,
         strings: Mapping[str, str]) -> Diagram:  # fmt: skip
    """The picture of a snapshot in one language; with ``before``, of what changed since that one.

    ``strings`` holds the texts of the language under ``diagram.``. Raises DiagramError, with the fence's location, for
    an unknown view or namespace and for an overlay that cannot be read or names what is not there.
    """
    words = Words(language, strings)
    graph, protected = _graph(block, snapshot, before, words)
    page, lines, graph = fitting(graph, words, protected)
    title = block.title or words(f"title.{block.view}")
    if before is not None and not block.title:
        title = words("title.compare", title=title)
    sentences = described(graph, words, compares=before is not None)
    picture = Picture(graph, page, lines, words, _prefix(block.id, language))
    svg, aspect = picture.write(title, words.together(sentences))
    return Diagram(block.id, svg, sentences, aspect)


def check(block: DiagramBlock, *, language: str, strings: Mapping[str, str]) -> None:
    """What is wrong with a block whatever the cluster holds, before anything has run for it.

    Raises DiagramError as `draw` does, for an unknown view, and for an overlay that cannot be read or whose own names
    do not fit together.
    """
    _check_view(block)
    check_overlay(block.overlay, block.fence, Words(language, strings))


def _check_view(block: DiagramBlock) -> None:
    if block.view not in VIEWS:
        remedy = closest(block.view, VIEWS) or f"Known views: {', '.join(VIEWS)}."
        message = f'the diagram "{block.id}" has the unknown view "{block.view}"'
        raise DiagramError(message, where=block.fence.location, remedy=remedy)


def _graph(block: DiagramBlock, snapshot: Snapshot, before: Snapshot | None,
           words: Words) -> tuple[Graph, frozenset[str]]:  # fmt: skip
    where = block.fence.location
    _check_view(block)
    graph = graph_of(snapshot, words)
    if before is not None:
        graph = compared(graph_of(before, words), graph)
    known = [group.name for group in graph.groups if group.name]
    asked = [str(i["metadata"]["name"]) for i in snapshot.objects if i["kind"] == "Namespace"]
    for name in block.namespaces:
        if name not in known and name not in asked:
            raise DiagramError(
                f'the diagram "{block.id}" asks for the namespace "{name}", which does not exist at this point',
                where=where,
                remedy=closest(name, {*known, *asked}) or f"There are: {', '.join(known) or 'none'}.",
            )
    drawn = drawn_over(within(graph, block.namespaces), block.overlay, block.fence, words)
    graph = viewed(drawn.graph, block.view, drawn.named)
    return graph, drawn.named


def fitting(graph: Graph, words: Words, protected: frozenset[str]) -> tuple[Page, list[Line], Graph]:
    """The first arrangement that can be read on a slide, or the smallest there is."""
    tried: list[tuple[float, Page, list[Line] | None, Graph]] = []
    faces: dict[str, Face] = {}
    for smaller in shortened(graph, words, protected):
        headers = _headers(smaller, words)
        for node in smaller.nodes:
            if node.id not in faces:
                faces[node.id] = face(node)
        if _area(smaller, faces) > _HOPELESS**2 * CANVAS[0] * CANVAS[1]:
            continue
        page = arranged(smaller, faces, headers)
        tried.append((_scale(page), page, None, smaller))
        if _scale(page) <= 1:
            lines = routed(page, smaller.edges)
            if _scale(page) <= _TOLERANCE:
                return page, lines, smaller
            tried[-1] = (_scale(page), page, lines, smaller)
    if not tried:  # even the shortest is large: better that than nothing
        tried.append((0.0, arranged(smaller, faces, headers), None, smaller))
    # Leaving out more is right only if it makes the rest larger.
    least = min(scale for scale, *_ in tried)
    _, page, found, graph = next(each for each in tried if each[0] <= max(_TOLERANCE, least * 1.2))
    return page, routed(page, graph.edges) if found is None else found, graph


def _headers(graph: Graph, words: Words) -> dict[str, Header]:
    inhabited = {node.namespace for node in graph.nodes}
    return {
        each.name: Header(
            each.name or words("cluster_scope"),
            each.badges,
            words("injection", missing=each.missing_proxies, total=each.proxied_pods) if each.missing_proxies else "",
            "" if each.name in inhabited else words("namespace.empty"),
        )
        for each in graph.groups
    }


def _area(graph: Graph, faces: Mapping[str, Face]) -> float:
    """What the cards of a graph take at least."""
    return sum((faces[node.id].width + PAD) * (faces[node.id].height + PAD) for node in graph.nodes)


def _scale(page: Page) -> float:
    return max(page.width / CANVAS[0], page.height / CANVAS[1])


def _prefix(block_id: str, language: str) -> str:
    """An id that is valid everywhere and different for every diagram and language of a page."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", block_id)
    if plain != block_id:
        plain += f"-{zlib.crc32(block_id.encode()):08x}"
    return f"kt-{plain}-{language}"
