"""How large things are, in units of the picture (about a CSS pixel at natural size)."""

from __future__ import annotations

from dataclasses import dataclass

from kubetalk.drawing.graph import Node
from kubetalk.drawing.measure import cut, width, wrap

NAME, SMALL, CHIP = 14.0, 11.5, 11.0
"""Font sizes: names; second lines, labels and the legend; containers and badges. Nothing is smaller than the last."""
NAME_LINE, SMALL_LINE = 17.0, 15.5

CARD_MIN, CARD_MAX = 124.0, 252.0
TILE = 30.0
PAD = 10.0
CHIP_HEIGHT, CHIP_GAP = 17.0, 5.0
PITCH = 9.0
"""Between two parallel lines."""
ROW_GAP = 14.0
LABEL_LINE = 14.0
LABEL_MAX = 150.0
HEADER = 36.0
HEADER_PAD = 14.0
BADGE_ROW = 22.0
CANVAS = (1440.0, 810.0)
"""Larger pictures are summarised: on a 1080 line slide the smallest type then is 13 px high or more."""


@dataclass(frozen=True, slots=True)
class Face:
    """A card's texts, broken into lines, and the room they take."""

    name: tuple[str, ...]
    detail: str
    chips: tuple[tuple[str, float], ...]
    """Text and width of each chip; the state is the node's. Empty texts are left out for lack of room."""
    more_chips: int
    beside: bool
    """Whether the chips stand on the second line, behind the kind."""
    notes: tuple[str, ...]
    width: float
    card_height: float
    height: float
    """With the notes below."""


def second_line(node: Node) -> str:
    """Kind and detail."""
    if node.hand or node.stands_for:
        return node.detail
    kind = node.word or node.kind
    return f"{kind} · {node.detail}" if node.detail else kind


def pill_width(node: Node) -> float:
    """Room the ready count takes on the first line."""
    return width(node.ready, SMALL) + 20 if node.ready else 0.0


def face(node: Node) -> Face:
    """The face of a card."""
    left = PAD + TILE + 9
    room = CARD_MAX - left - PAD
    pill = pill_width(node) + (6 if node.ready else 0)
    name = wrap(node.name, NAME, room - pill, 2)
    detail = cut(second_line(node), SMALL, room)
    widest = max([width(line, NAME) + (pill if index == 0 else 0) for index, line in enumerate(name)])
    widest = max(widest, width(detail, SMALL), width(node.problem, SMALL) if node.problem else 0)
    chips, more, row = _chips(node)
    beside = len(node.chips) == 2 and node.chips[0].state == "own" and node.chips[1].state != "own"
    if beside:  # the one container of the author's is the workload itself
        chips = (("", 0.0), chips[1])
        row = 0.0
        widest = max(widest, width(detail, SMALL) + 8 + chips[1][1])
    total = min(CARD_MAX, max(CARD_MIN, left + widest + PAD, row + 2 * PAD))
    lines = text_height(len(name), detail, node.problem, beside=beside)
    card = max(TILE, lines) + 2 * PAD + (CHIP_HEIGHT + 7 if chips and not beside else 0)
    notes = tuple(line for note in node.notes for line in wrap(note, SMALL, total - 14, 3))
    height = card + (len(notes) * SMALL_LINE + 6 if notes else 0)
    return Face(name, detail, chips, 0 if beside else more, beside, notes, total, card, height)


def text_height(names: int, detail: str, problem: str, *, beside: bool) -> float:
    """Height of a card's lines; a chip needs a little more than a line."""
    return names * NAME_LINE + (SMALL_LINE if detail else 0) + (SMALL_LINE if problem else 0) + (5 if beside else 0)


def _chips(node: Node) -> tuple[tuple[tuple[str, float], ...], int, float]:
    """As many containers as fit into a row, how many are left over, and the row's width."""
    texts = [(chip.text, width(chip.text, CHIP, mono=True) + 12) for chip in node.chips]
    room = CARD_MAX - 2 * PAD
    # An injected or lacking proxy says more than the third container of the author's.
    wanted = sorted(range(len(texts)), key=lambda index: (node.chips[index].state == "own", index))
    taken: set[int] = set()
    used = 0.0
    for index in wanted:
        if used + texts[index][1] + CHIP_GAP + (32 if len(taken) + 1 < len(texts) else 0) <= room:
            used += texts[index][1] + CHIP_GAP
            taken.add(index)
    more = len(texts) - len(taken)
    chosen = tuple(texts[index] if index in taken else ("", 0.0) for index in range(len(texts)))
    return chosen, more, used + (32 if more else 0)


def badge_width(text: str) -> float:
    """A namespace's label as a badge."""
    return width(text, CHIP, mono=True) + 16


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a namespace."""

    title: str = ""
    badges: tuple[str, ...] = ()
    warning: str = ""
    remark: str = ""
    """Beside the title of an empty one."""

    @property
    def least(self) -> float:
        """The width below which a part of it would not fit even in a row of its own."""
        parts = [width(self.title, NAME) + 34, *(badge_width(text) + 28 for text in self.badges)]
        return max([*parts, width(self.warning, SMALL) + 58 if self.warning else 0.0])


def header_rows(header: Header, room: float) -> list[list[tuple[str, str, float, float]]]:
    """The header of a namespace in rows of (style, text, x, width); badges that do not fit wrap into another row."""
    parts = [("title", header.title, width(header.title, NAME) + 4)]
    parts += [("badge", text, badge_width(text)) for text in header.badges]
    if header.warning:
        parts.append(("warning", header.warning, width(header.warning, SMALL) + 30))
    if header.remark:
        parts.append(("remark", header.remark, width(header.remark, SMALL) + 4))
    rows: list[list[tuple[str, str, float, float]]] = [[]]
    x = 0.0
    for style, text, wide in parts:
        if rows[-1] and x + wide > room:
            rows.append([])
            x = 0.0
        rows[-1].append((style, text, x, wide))
        x += wide + 8
    return rows


def label_lines(labels: tuple[str, ...]) -> tuple[str, ...]:
    """An edge's label as at most three lines."""
    lines = [cut(text, CHIP, LABEL_MAX, mono=True) for text in labels[:3]]
    if len(labels) > 3:
        lines = [*lines[:2], f"+ {len(labels) - 2}"]
    return tuple(lines)


def label_width(labels: tuple[str, ...]) -> float:
    """Room an edge's label takes, 0 without one."""
    lines = label_lines(labels)
    return max(width(line, CHIP, mono=True) for line in lines) + 8 if lines else 0.0
