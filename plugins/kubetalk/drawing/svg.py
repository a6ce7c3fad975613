"""A placed graph -> inline SVG: real text, titles for every node, no id that could clash, nothing from elsewhere."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from html import escape

from kubetalk.drawing.glyphs import GLYPHS
from kubetalk.drawing.graph import Change, EdgeKind, Graph, Group, Node
from kubetalk.drawing.measure import width
from kubetalk.drawing.page import Box, Page
from kubetalk.drawing.routing import Line, Point
from kubetalk.drawing.sizes import (
    BADGE_ROW,
    CHIP,
    CHIP_GAP,
    CHIP_HEIGHT,
    HEADER_PAD,
    LABEL_LINE,
    NAME_LINE,
    PAD,
    SMALL,
    SMALL_LINE,
    TILE,
    Face,
    header_rows,
    label_lines,
    pill_width,
    second_line,
    text_height,
)
from kubetalk.drawing.style import style_sheet
from kubetalk.drawing.words import Words

_ARROW = 8.0
_LEGEND_ROW = 24.0
_LEAST_WIDTH = 560.0
"""So that a single card does not fill a slide."""
_MARKS = {Change.ADDED: "M-3.5 0h7M0-3.500v7", Change.REMOVED: "M-3.5 0h7",
          Change.CHANGED: "M-3.8 1c1.3-3.2 2.6-2.6 3.8-1s2.5 2.2 3.8-1"}  # fmt: skip


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class Picture:
    """Writes one SVG."""

    def __init__(self, graph: Graph, page: Page, lines: Sequence[Line], words: Words, prefix: str) -> None:
        self._graph, self._page, self._lines, self._words, self._prefix = graph, page, lines, words, prefix
        self._nodes = {node.id: node for node in graph.nodes}

    def write(self, title: str, description: str) -> tuple[str, float]:
        """The element and its ratio of width to height."""
        bottom, tail = self._bottom()
        if not self._page.boxes:
            bottom += 76
            tail = [f'<rect class="bx" {_rect(10, 6, _LEAST_WIDTH - 20, 70)} rx="14"/>',
                    _text(_LEAST_WIDTH / 2, 46, self._words("empty"), "", "middle"), *tail]  # fmt: skip
        body = [*self._boxes(), *self._edges(), *self._cards(), *self._labels(), *tail]
        page_width, height = max(self._page.width, _LEAST_WIDTH), bottom
        shift = (page_width - self._page.width) / 2 if self._page.boxes else 0.0
        if shift:
            body = [f'<g transform="translate({number(shift)} 0)">', *body, "</g>"]
        text = "".join(body)
        used = frozenset(name for names in re.findall(r'class="([^"]*)"', text) for name in names.split())
        size = f"{number(page_width)} {number(height)}"
        wide, high = size.split()
        ids = f"{self._prefix}-title {self._prefix}-desc"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="kt-diagram" id="{self._prefix}" viewBox="0 0 {size}" '
            f'width="{wide}" height="{high}" role="group" aria-labelledby="{ids}" '
            f'lang="{escape(self._words.language)}">'
            f'<title id="{self._prefix}-title">{escape(title)}</title>'
            f'<desc id="{self._prefix}-desc">{escape(description)}</desc>'
            f"<style>{style_sheet(self._prefix, used, wide)}</style>{self._definitions(text)}{text}</svg>"
        )
        return svg, round(page_width / height, 3)

    def _definitions(self, body: str) -> str:
        symbols = [
            f'<symbol id="{self._prefix}-g-{name}" viewBox="0 0 24 24">{path}</symbol>'
            for name, path in GLYPHS.items() if f'#{self._prefix}-g-{name}"' in body
        ]  # fmt: skip
        return f"<defs>{''.join(symbols)}</defs>" if symbols else ""

    def _use(self, glyph: str, x: float, y: float, size: float = 20) -> str:
        side = number(size)
        return (
            f'<use href="#{self._prefix}-g-{glyph}" class="gl" x="{number(x)}" y="{number(y)}" '
            f'width="{side}" height="{side}"/>'
        )

    # Namespaces

    def _boxes(self) -> Iterable[str]:
        for box in self._page.boxes:
            if box.group is not None:
                yield self._box(box, box.group)

    def _box(self, box: Box, group: Group) -> str:
        change = f" {group.change}" if group.change else ""
        parts = [f'<rect class="bx{change}" {_rect(box.x, box.y, box.width, box.height)} rx="14"/>']
        rows = header_rows(box.header, box.width - 2 * HEADER_PAD)
        for index, row in enumerate(rows):
            y = box.y + 24 + index * BADGE_ROW
            for style, text, offset, wide in row:
                x = box.x + HEADER_PAD + offset
                if style == "title":
                    parts.append(_text(x, y, text, "nm"))
                elif style == "badge":
                    parts.append(f'<rect class="bg" {_rect(x, y - 13, wide, 18)} rx="9"/>')
                    parts.append(_text(x + wide / 2, y, text, "mo", "middle"))
                elif style == "remark":
                    parts.append(_text(x, y, text))
                else:
                    parts.append(f'<path class="wm" d="M{number(x + 8)} {number(y - 11)}l7 12h-14zM{number(x + 8)} '
                                 f'{number(y - 6.5)}v3.500M{number(x + 8)} {number(y - 1)}v.1"/>')  # fmt: skip
                    parts.append(_text(x + 22, y, text, "wn"))
        if group.change:
            parts.append(_mark(group.change, box.x + box.width - 4, box.y + 4))
        if group.change_detail:
            parts.append(f"<title>{escape(group.change_detail)}</title>")
        return f"<g>{''.join(parts)}</g>"

    # Edges

    def _edges(self) -> Iterable[str]:
        parts = []
        for line in sorted(self._lines, key=lambda line: (line.edge.kind != EdgeKind.USES, line.edge.kind)):
            kind, change = line.edge.kind, line.edge.change
            classes = f"{kind} {change}" if change else str(kind)
            radius = 16.0 if kind is EdgeKind.HAND else 7.0
            parts.append(f'<path class="e {classes}" d="{_rounded(line.points, radius)}"/>')
            parts.append(_ending(kind, classes, line.points))
        yield f'<g aria-hidden="true">{"".join(parts)}</g>' if parts else ""

    def _labels(self) -> Iterable[str]:
        boxes = {node: home[0] for node, home in self._page.homes.items()}
        for line in self._lines:
            rows = label_lines(line.edge.labels)
            if not rows:
                continue
            wide = max(width(row, CHIP, mono=True) for row in rows) + 6
            x, y = line.points[-1]
            right = x - _ARROW - 8
            top = y - len(rows) * LABEL_LINE / 2
            back = "lb" if boxes[line.edge.target].framed else "lc"
            style = "mo ht" if line.edge.kind is EdgeKind.HAND else "mo lt"
            texts = "".join(
                _text(right - wide / 2, top + 10.8 + index * LABEL_LINE, row, style, "middle")
                for index, row in enumerate(rows)
            )
            high = len(rows) * LABEL_LINE
            rect = f'<rect class="{back}" {_rect(right - wide, top, wide, high)} rx="3"/>'
            yield f'<g aria-hidden="true">{rect}{texts}</g>'

    # Cards

    def _cards(self) -> Iterable[str]:
        for node_id, (x, y) in self._page.places.items():
            node = self._nodes.get(node_id)
            if node is not None:
                home = self._page.homes.get(node_id)
                yield self._card(node, self._page.faces[node_id], x, y, home[3].width if home else None)

    def _card(self, node: Node, face: Face, x: float, y: float, wide: float | None) -> str:
        wide = wide or face.width
        classes = [node.family, *(["gh"] if node.ghost else []), *(["hn"] if node.hand else [])]
        classes += [str(node.change)] if node.change else []
        classes += ["out"] if node.glyph == "loadbalancer" and not node.change else []
        parts = [f"<title>{escape(tooltip(node, self._words))}</title>"]
        if node.hand:
            parts.append(f'<path class="cd" d="{_wobbly(x, y, wide, face.card_height, node.id)}"/>')
        else:
            parts.append(f'<rect class="cd" {_rect(x, y, wide, face.card_height)} rx="10"/>')
        lines = text_height(len(face.name), face.detail, node.problem, beside=face.beside)
        chips = CHIP_HEIGHT + 7 if face.chips and not face.beside else 0
        middle = y + (face.card_height - chips) / 2
        parts.append(f'<rect class="tl" {_rect(x + PAD, middle - TILE / 2, TILE, TILE)} rx="8"/>')
        parts.append(self._use(node.glyph, x + PAD + (TILE - 20) / 2, middle - 10))
        left, base = x + PAD + TILE + 9, middle - lines / 2
        for line in face.name:
            parts.append(_text(left, base + 13, line, "nm ht" if node.hand else "nm"))
            base += NAME_LINE
        if face.detail:
            base += 3 if face.beside else 0
            parts.append(_text(left, base + 11.5, face.detail, ""))
            if face.beside:
                parts.append(self._chips(node, face, left + width(face.detail, SMALL) + 8, base - 0.5))
            base += SMALL_LINE
        if node.problem:
            parts.append(_text(left, base + 11.5, node.problem, "wn"))
        if node.ready:
            parts.append(self._pill(node, x + wide - PAD, middle - lines / 2 - 1))
        if face.chips and not face.beside:
            parts.append(self._chips(node, face, x + PAD, y + face.card_height - CHIP_HEIGHT - 9))
        for index, note in enumerate(face.notes):
            parts.append(_text(x + 7, y + face.card_height + 15 + index * SMALL_LINE, note, "ht"))
        if node.change:
            parts.append(_mark(node.change, x + wide - 3, y + 3))
        return f'<g class="{" ".join(classes)}" role="img">{"".join(parts)}</g>'

    def _pill(self, node: Node, right: float, top: float) -> str:
        wide = pill_width(node) - 6
        rect = f'<rect class="pl" {_rect(right - wide, top, wide, 17)} rx="8.5"/>'
        text = _text(right - wide / 2, top + 12.5, node.ready, "pt", "middle")
        start = "<g>" if node.healthy else '<g class="bad">'
        return f"{start}{rect}{text}</g>"

    @staticmethod
    def _chips(node: Node, face: Face, x: float, y: float) -> str:
        parts = []
        styles = {"own": ("ch", "mo"), "injected": ("ci", "mo ct"), "lacking": ("cl", "mo wn")}
        for chip, (text, wide) in zip(node.chips, face.chips, strict=True):
            if not text:
                continue
            frame, style = styles[chip.state]
            parts.append(f'<rect class="{frame}" {_rect(x, y, wide, CHIP_HEIGHT)} rx="5"/>')
            parts.append(_text(x + wide / 2, y + 12.3, text, style, "middle"))
            x += wide + CHIP_GAP
        if face.more_chips:
            parts.append(_text(x + 2, y + 12.3, f"+ {face.more_chips}", "mo"))
        return "".join(parts)

    # Below

    def _bottom(self) -> tuple[float, list[str]]:
        """The whole height, and notes and legend below the picture."""
        y = self._page.height
        parts = []
        if hidden := len(self._graph.hidden_groups):
            parts.append(_text(10, y + 15, self._words("namespace.more", count=hidden)))
            y += 20
        for note in self._graph.notes:
            parts.append(_text(10, y + 15, note, "ht"))
            y += 20
        x, row = 10.0, 0
        for kind, text in self._legend():
            wide = 38 + width(text, SMALL) + 18
            if x > 10 and x + wide > self._page.width:
                x, row = 10.0, row + 1
            parts.append(self._legend_item(kind, text, x, y + 14 + row * _LEGEND_ROW))
            x += wide
        if x > 10:
            y += (row + 1) * _LEGEND_ROW + 4
        return y, parts

    def _legend(self) -> Iterable[tuple[str, str]]:
        words = self._words
        kinds = {line.edge.kind for line in self._lines}
        for kind in EdgeKind:
            if kind in kinds and kind is not EdgeKind.HAND:
                yield kind, words(f"legend.{kind}")
        if any(node.ghost for node in self._graph.nodes):
            yield "ghost", words("legend.missing")
        changes = {node.change for node in self._graph.nodes} | {group.change for group in self._graph.groups}
        changes |= {line.edge.change for line in self._lines}
        for change in (Change.ADDED, Change.REMOVED, Change.CHANGED):
            if change in changes:
                yield change, words(f"legend.{change}")
        by_hand = any(node.hand or node.notes for node in self._graph.nodes) or self._graph.notes
        if by_hand or EdgeKind.HAND in kinds:
            yield EdgeKind.HAND, words("legend.hand")

    @staticmethod
    def _legend_item(kind: str, text: str, x: float, y: float) -> str:
        label = _text(x + 38, y + 4, text)
        if kind in set(Change) - {Change.NONE}:
            rect = f'<rect class="cd" {_rect(x + 4, y - 7, 22, 14)} rx="4"/>'
            return f'<g class="{kind}">{rect}{_mark(Change(kind), x + 26, y - 6)}{label}</g>'
        if kind == "ghost":
            return f'<g class="gh"><rect class="cd" {_rect(x + 4, y - 7, 22, 14)} rx="4"/>{label}</g>'
        points = [(x + 2, y), (x + 30, y)]
        sample = f'<path class="e {kind}" d="{_rounded(points, 7)}"/>{_ending(EdgeKind(kind), kind, points)}'
        return f"<g>{sample}{label}</g>"


def tooltip(node: Node, words: Words) -> str:
    """What a node is, in a line."""
    parts = [node.title, second_line(node).removeprefix(node.kind).removeprefix(" · ")]
    parts += [node.ready, node.problem, ", ".join(chip.text for chip in node.chips), node.change_detail]
    if node.change:
        parts.append(words(f"legend.{node.change}"))
    return " · ".join(part for part in parts if part)


# Shapes


def _rect(x: float, y: float, wide: float, high: float) -> str:
    return f'x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(high)}"'


def _text(x: float, y: float, text: str, classes: str = "", anchor: str = "") -> str:
    style = f' class="{classes}"' if classes else ""
    style += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{number(x)}" y="{number(y)}"{style}>{escape(text, quote=False)}</text>'


def _mark(change: Change, x: float, y: float) -> str:
    """A round sign: plus, minus or tilde."""
    return (
        f'<g transform="translate({number(x)} {number(y)})"><circle class="k-{change}" r="7.5"/>'
        f'<path class="k" d="{_MARKS[change]}"/></g>'
    )


def _ending(kind: EdgeKind, classes: str, points: Sequence[Point]) -> str:
    """What an edge ends with: an arrow for what flows or acts, a dot for a selection, a ring for a reference."""
    x, y = points[-1]
    shape = "m " + " ".join(f"m-{name}" if name == kind else name for name in classes.split())
    match kind:
        case EdgeKind.SELECTS:
            return f'<circle class="{shape}" cx="{number(x)}" cy="{number(y)}" r="3.6"/>'
        case EdgeKind.USES:
            return f'<circle class="{shape}" cx="{number(x)}" cy="{number(y)}" r="2.6"/>'
        case EdgeKind.OWNS:
            x, y = points[0]
            return f'<path class="{shape}" d="M{number(x)} {number(y)}l5-3.5 5 3.5-5 3.500z"/>'
        case _:
            return f'<path class="{shape}" d="M{number(x)} {number(y)}l-{number(_ARROW)}-4v8z"/>'


def _rounded(points: Sequence[Point], radius: float) -> str:
    """An orthogonal path with round corners."""
    path = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _length(before, corner), _length(corner, after)
        cut = min(radius, into / 2, out / 2)
        a = _towards(corner, before, cut / into if into else 0)
        b = _towards(corner, after, cut / out if out else 0)
        path.append(
            f"L{number(a[0])} {number(a[1])}Q{number(corner[0])} {number(corner[1])} {number(b[0])} {number(b[1])}"
        )
    path.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(path)


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: Point, b: Point, share: float) -> Point:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def _wobbly(x: float, y: float, wide: float, high: float, seed: str) -> str:
    """A box as a hand draws it: the same for the same thing every time."""
    state = zlib.crc32(seed.encode())

    def jitter() -> float:
        nonlocal state
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        return (state >> 8) % 1000 / 1000 * 3.2 - 1.6

    corners = [(x + 2, y + 2), (x + wide - 2, y + 2), (x + wide - 2, y + high - 2), (x + 2, y + high - 2)]
    corners = [(a + jitter(), b + jitter()) for a, b in corners]
    path = [f"M{number(corners[0][0])} {number(corners[0][1])}"]
    for a, b in zip(corners, (*corners[1:], (corners[0][0] + 4, corners[0][1] - 2)), strict=True):
        bend = ((a[0] + b[0]) / 2 + 1.6 * jitter(), (a[1] + b[1]) / 2 + 1.6 * jitter())
        path.append(f"Q{number(bend[0])} {number(bend[1])} {number(b[0])} {number(b[1])}")
    return "".join(path)
