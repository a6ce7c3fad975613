"""Coordinates for everything on a page, from the sizes of its cards and channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from kubetalk.drawing.channels import Channel
from kubetalk.drawing.page import Box, Page
from kubetalk.drawing.sizes import BADGE_ROW, HEADER, HEADER_PAD, Face, header_rows

_MARGIN = 6.0
_SIDE = 18.0
"""Between a namespace's border and what stands in it."""
_GRID_GAP = 14.0
_STRETCH = 0.4
"""How much of its own height a box may grow so that the cells of a page end at one line."""


def content_height(box: Box, faces: Mapping[str, Face]) -> float:
    """Height of a box without its header."""
    panels = max((panel.height for panel in box.panels), default=0.0)
    height = box.top.size + panels + box.bottom.size
    if box.loose:
        height += sum(_grid_rows(box, faces)) + (_GRID_GAP if box.framed else 0)
    if box.framed and not box.panels and not box.loose:
        return 4.0
    return height


def _grid_width(box: Box, faces: Mapping[str, Face]) -> float:
    return max((faces[node.id].width for node in box.loose), default=0.0) + _GRID_GAP


def _grid_rows(box: Box, faces: Mapping[str, Face]) -> list[float]:
    heights = [faces[node.id].height + _GRID_GAP for node in box.loose]
    return [max(heights[at : at + box.per_row]) for at in range(0, len(heights), box.per_row)]


def _natural_width(box: Box, faces: Mapping[str, Face]) -> float:
    panels = sum(panel.width for panel in box.panels)
    grid = box.per_row * _grid_width(box, faces) - _GRID_GAP + 2 * _SIDE if box.loose else 0.0
    return max(panels, grid, box.header.least if box.framed else 0.0)


def place(page: Page) -> None:
    """Give everything its coordinates, from the present sizes of the channels."""
    faces = page.faces
    for box in page.boxes:
        for panel in box.panels:
            for gutter in panel.gutters:
                gutter.stretch = 0.0
    x = _MARGIN
    for corridor, cell in zip(page.corridors, page.cells, strict=False):
        corridor.position = x
        x += corridor.size
        wide = max(_natural_width(box, faces) for box in cell)
        for box in cell:
            box.x, box.width = x, wide
            _widen(box, faces)
        x += wide
    page.corridors[-1].position = x
    page.width = x + page.corridors[-1].size + _MARGIN
    _stack(page)
    for box in sorted(page.boxes, key=lambda box: not box.framed):
        if not box.framed:
            _level(page, box)
        _inside(page, box)
    _span(page)


def _widen(box: Box, faces: Mapping[str, Face]) -> None:
    """Use the width of a cell that is wider than the box needs."""
    if box.loose and box.framed:
        fits = int((box.width - 2 * _SIDE + _GRID_GAP) // _grid_width(box, faces))
        box.per_row = max(1, min(len(box.loose), max(box.per_row, fits)))
    inner = [gutter for panel in box.panels for gutter in panel.gutters[1:-1]]
    inner += [gutter for panel in box.panels[1:] for gutter in panel.gutters[:1]]
    spare = box.width - sum(panel.width for panel in box.panels)
    for gutter in inner:
        gutter.stretch = max(0.0, min(56.0, spare / len(inner)))
    box.header_height = 0.0
    if box.group is not None:
        rows = header_rows(box.header, box.width - 2 * HEADER_PAD)
        box.header_height = HEADER + (len(rows) - 1) * BADGE_ROW


def _stack(page: Page) -> None:
    faces = page.faces
    page.top.position = _MARGIN
    start = _MARGIN + page.top.size
    ends = []
    for gaps, cell in zip(page.gaps, page.cells, strict=True):
        y = start
        for index, box in enumerate(cell):
            box.y, box.height = y, box.header_height + content_height(box, faces)
            y += box.height
            if index < len(gaps):
                gaps[index].position = y
                y += gaps[index].size
        ends.append(y)
    end = max(ends, default=start)
    for gaps, cell, bottom in zip(page.gaps, page.cells, ends, strict=True):
        growing = [box for box in cell if box.panels and box.framed]
        spare = end - bottom
        if not growing or not 0 < spare <= _STRETCH * sum(box.height for box in growing):
            continue
        moved = 0.0
        for index, box in enumerate(cell):
            box.y += moved
            if box in growing:
                box.height += spare / len(growing)
                moved += spare / len(growing)
            if index < len(gaps):
                gaps[index].position += moved
    page.bottom.position = end
    page.height = end + page.bottom.size + _MARGIN


def _level(page: Page, box: Box) -> None:
    """Put what stands outside of the namespaces at the height of what it is related to."""
    mine = {slot.key for panel in box.panels for column in panel.columns for slot in column}
    others = [b if a in mine else a for a, b in page.links if (a in mine) != (b in mine)]
    heights = [page.places[key][1] + page.faces[key].height / 2 for key in others if key in page.places]
    if heights:
        top, bottom = page.top.position + page.top.size, page.bottom.position
        wished = sum(heights) / len(heights) - box.height / 2
        box.y = max(top, min(wished, bottom - box.height))


def _inside(page: Page, box: Box) -> None:
    """Coordinates within a box."""
    faces = page.faces
    spare = box.height - box.header_height - content_height(box, faces)
    box.top.position = box.y + box.header_height
    grid = sum(_grid_rows(box, faces)) + (_GRID_GAP if box.framed else 0) if box.loose else 0.0
    high = max((panel.height for panel in box.panels), default=0.0)
    box.bottom.position = box.y + box.height - grid - box.bottom.size - (spare / 2 if grid else 0.0)
    x = box.x + max(0.0, (box.width - sum(panel.width for panel in box.panels)) / 2)
    for panel in box.panels:
        panel.x = x
        panel.y = box.top.position + box.top.size + (spare + high - panel.height) / 2
        for index, gutter in enumerate(panel.gutters):
            gutter.position = x
            x += gutter.size
            if index < len(panel.columns):
                for slot in panel.columns[index]:
                    slack = panel.widths[index] - slot.width
                    page.places[slot.key] = (x + slack / 2, panel.y + slot.y)
                x += panel.widths[index]
    y = box.bottom.position + box.bottom.size
    rows, wide = _grid_rows(box, faces), _grid_width(box, faces)
    left = box.x + (_SIDE if box.framed else 0)
    if box.panels and box.framed:
        used = min(box.per_row, len(box.loose)) * wide - _GRID_GAP
        beneath = box.panels[0].x + box.panels[0].gutters[0].size
        left = max(left, min(beneath, box.x + box.width - _SIDE - used))
    if not box.panels:
        left = box.x + (box.width - box.per_row * wide + _GRID_GAP) / 2
    for index, node in enumerate(box.loose):
        row, column = divmod(index, box.per_row)
        page.places[node.id] = (left + column * wide, y + sum(rows[:row]))


def _span(page: Page) -> None:
    """How far each channel reaches, and which others it meets."""
    for channel in page.channels:
        channel.crossing = []
    for corridor in page.corridors:
        corridor.start, corridor.end = page.top.position, page.bottom.position + page.bottom.size
    for end in (page.top, page.bottom):
        end.start, end.end = page.corridors[0].position, page.width - _MARGIN
        _meet(end, page.corridors)
    for gaps, cell, sides in zip(page.gaps, page.cells, _pairs(page.corridors), strict=True):
        for gap in gaps:
            gap.start, gap.end = sides[0].position, sides[1].position + sides[1].size
            _meet(gap, sides)
        for box in cell:
            gutters = [gutter for panel in box.panels for gutter in panel.gutters]
            for lane in (box.top, box.bottom):
                lane.start, lane.end = sides[0].position, sides[1].position + sides[1].size
                if gutters:
                    _meet(lane, [sides[0], *gutters, sides[1]])
            for gutter in gutters:
                gutter.start, gutter.end = box.top.position, box.bottom.position + box.bottom.size


def _pairs(corridors: Sequence[Channel]) -> list[tuple[Channel, Channel]]:
    return list(pairwise(corridors))


def _meet(channel: Channel, others: Iterable[Channel]) -> None:
    for other in others:
        channel.crossing.append(other)
        other.crossing.append(channel)
