"""Edges -> lines: which channels each edge takes, where it leaves and enters a card, and the corners of its path.

Lines run only in channels, and from a card straight to the channel beside it, so no line ever crosses a card.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kubetalk.drawing.channels import Channel
from kubetalk.drawing.graph import Edge
from kubetalk.drawing.layering import Slot
from kubetalk.drawing.layout import nets_of
from kubetalk.drawing.page import Box, Page, Panel
from kubetalk.drawing.placing import place
from kubetalk.drawing.sizes import LABEL_LINE, PITCH, label_lines

Point = tuple[float, float]

_BEND = 40.0
"""What a corner costs beside a way's length."""


@dataclass(slots=True)
class Line:
    """A drawn edge."""

    edge: Edge
    net: str
    points: list[Point]
    """Corners from card to card, orthogonal."""


@dataclass(slots=True)
class _Way:
    """The legs of an edge: vertical channels with what joins two of them, a gap of a column or a horizontal channel."""

    edge: Edge
    net: str
    legs: list[Channel | Slot]
    panel: Panel | None = None


@dataclass(slots=True)
class _Ports:
    """Where lines leave or enter one side of a card, relative to its middle."""

    wants: dict[str, float] = field(default_factory=dict)
    """Net to the height at which its other end is."""
    room: dict[str, float] = field(default_factory=dict)
    offsets: dict[str, float] = field(default_factory=dict)
    edges: dict[str, int] = field(default_factory=dict)

    def share_out(self, height: float) -> None:
        order = sorted(self.wants, key=lambda net: (self.wants[net], net))
        total = sum(self.room[net] for net in order)
        squeeze = min(1.0, (height - 12) / total) if total > 0 else 1.0
        y = -total * squeeze / 2
        for net in order:
            step = self.room[net] * squeeze
            self.offsets[net] = y + step / 2
            y += step


def routed(page: Page, edges: Sequence[Edge]) -> list[Line]:
    """Lines for all edges. Changes the page's coordinates to make room for them."""
    nets = nets_of(edges)
    ways = _ways(page, edges, nets)
    # Sizes of channels and places of ports depend on each other; the second round sees the final coordinates.
    for _ in range(2):
        ports = _ports(page, ways)
        _assign(page, ways, ports)
        place(page)
    ports = _ports(page, ways)
    _assign(page, ways, ports, resize=False)
    return [Line(way.edge, way.net, _points(page, way, ports)) for way in ways]


# Ways


def _ways(page: Page, edges: Sequence[Edge], nets: Mapping[Edge, str]) -> list[_Way]:
    chains = {
        edge: (panel, chain) for box in page.boxes for panel in box.panels for edge, chain in panel.chains.items()
    }
    network = _Network(page)
    result = []
    for edge in edges:
        if edge in chains:
            panel, chain = chains[edge]
            first = page.homes[edge.source][2]
            legs: list[Channel | Slot] = []
            for index in range(len(chain) - 1):
                legs.append(panel.gutters[first + index + 1])
                if index < len(chain) - 2:
                    legs.append(chain[index + 1])
            result.append(_Way(edge, nets[edge], legs, panel))
        else:
            result.append(_Way(edge, nets[edge], list(network.way(edge))))
    return result


class _Network:
    """All channels, to find the shortest way through them."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._channels = page.channels
        self._number = {id(channel): index for index, channel in enumerate(self._channels)}
        self._next = [[self._number[id(o)] for o in channel.crossing] for channel in self._channels]
        self._middle = [channel.middle for channel in self._channels]
        self._known: dict[str, tuple[list[float], list[float], list[int]]] = {}

    def way(self, edge: Edge) -> list[Channel]:
        if edge.source not in self._known:
            self._known[edge.source] = self._explore(edge.source)
        cost, entry, previous = self._known[edge.source]
        box, panel, column, slot = self._page.homes[edge.target]
        x, y = self._page.places[edge.target]
        y += slot.height / 2
        ends = [self._number[id(channel)] for channel in _beside(self._page, box, panel, column, right=False)]
        end = min(ends, key=lambda n: (cost[n] + abs(y - entry[n]) + abs(x - self._middle[n]), n))
        legs = [end]
        while previous[legs[-1]] >= 0:
            legs.append(previous[legs[-1]])
        return [self._channels[number] for number in reversed(legs)]

    def _explore(self, source: str) -> tuple[list[float], list[float], list[int]]:
        """Cost of reaching each channel, where along it one enters, and the channel before."""
        count = len(self._channels)
        cost, entry, previous = [float("inf")] * count, [0.0] * count, [-1] * count
        box, panel, column, slot = self._page.homes[source]
        x, y = self._page.places[source]
        x, y = x + slot.width, y + slot.height / 2
        queue: list[tuple[float, int]] = []
        for channel in _beside(self._page, box, panel, column, right=True):
            number = self._number[id(channel)]
            cost[number], entry[number] = abs(self._middle[number] - x), y
            queue.append((cost[number], number))
        heapq.heapify(queue)
        while queue:
            reached, number = heapq.heappop(queue)
            if reached > cost[number]:
                continue
            for other in self._next[number]:
                total = reached + abs(self._middle[other] - entry[number]) + _BEND
                if total < cost[other] - 1e-9:
                    cost[other], entry[other], previous[other] = total, self._middle[number], number
                    heapq.heappush(queue, (total, other))
        return cost, entry, previous


def _beside(page: Page, box: Box, panel: Panel, column: int, *, right: bool) -> list[Channel]:
    """The vertical channels that a straight line from a column's card reaches without meeting another card."""
    found = [panel.gutters[column + 1 if right else column]]
    if column == (len(panel.columns) - 1 if right else 0):
        at = box.panels.index(panel) + (1 if right else -1)
        if 0 <= at < len(box.panels):
            found.append(box.panels[at].gutters[0 if right else -1])
        else:
            found.append(page.corridors[box.cell + (1 if right else 0)])
    return found


# Ports


def _ports(page: Page, ways: Iterable[_Way]) -> dict[tuple[str, bool], _Ports]:
    """Places of all lines on both sides (True: right) of all cards."""
    sides: dict[tuple[str, bool], _Ports] = defaultdict(_Ports)
    sums: dict[tuple[str, bool, str], list[float]] = defaultdict(list)
    for way in ways:
        edge = way.edge
        heights = _heights(page, way)
        for key, at, room in (((edge.source, True), heights[0], PITCH),
                              ((edge.target, False), heights[1], _label_room(edge))):  # fmt: skip
            side = sides[key]
            side.room[way.net] = max(side.room.get(way.net, 0.0), room)
            side.edges[way.net] = side.edges.get(way.net, 0) + 1
            sums[(*key, way.net)].append(at)
    for (node, right, net), heights_ in sums.items():
        sides[node, right].wants[net] = sum(heights_) / len(heights_)
    for (node, _), side in sides.items():
        side.share_out(page.homes[node][3].height)
    _straighten(page, ways, sides)
    return sides


def _label_room(edge: Edge) -> float:
    return max(PITCH, len(label_lines(edge.labels)) * LABEL_LINE + 3)


def _heights(page: Page, way: _Way) -> tuple[float, float]:
    """Where a line seems to go from its start, and to come from at its end."""
    inner = [_middle(leg, way.panel) for leg in way.legs[1:-1] if isinstance(leg, Slot) or not leg.vertical]
    source, target = (_center(page, key) for key in (way.edge.source, way.edge.target))
    return (inner[0], inner[-1]) if inner else (target, source)


def _middle(leg: Channel | Slot, panel: Panel | None) -> float:
    if isinstance(leg, Slot):
        assert panel is not None  # noqa: S101 - only ways within a panel pass slots
        return panel.y + leg.middle
    return leg.middle


def _center(page: Page, key: str) -> float:
    return page.places[key][1] + page.homes[key][3].height / 2


def _straighten(page: Page, ways: Iterable[_Way], sides: Mapping[tuple[str, bool], _Ports]) -> None:
    """Where a line would make a tiny step because its ends differ by a port, move the end that is free to move."""
    for way in ways:
        if way.panel is not None:
            _straighten_gaps(page, way, sides)
        if len(way.legs) != 1:
            continue
        out, into = sides[way.edge.source, True], sides[way.edge.target, False]
        start = _center(page, way.edge.source) + out.offsets[way.net]
        end = _center(page, way.edge.target) + into.offsets[way.net]
        step = end - start
        if not 0 < abs(step) < 16:
            continue
        if len(out.wants) == 1 and out.edges[way.net] == 1:
            out.offsets[way.net] += step
        elif len(into.wants) == 1 and into.edges[way.net] == 1:
            into.offsets[way.net] -= step


def _straighten_gaps(page: Page, way: _Way, sides: Mapping[tuple[str, bool], _Ports]) -> None:
    """Move the gaps that a line passes to the height of its end where that is only a small step and they have room."""
    panel = way.panel
    assert panel is not None  # noqa: S101 - asked by the caller
    at = _center(page, way.edge.target) + sides[way.edge.target, False].offsets[way.net]
    for leg in reversed(way.legs):
        if not isinstance(leg, Slot):
            continue
        if abs(panel.y + leg.middle - at) < 24:
            _move(panel, leg, at - panel.y)
        at = panel.y + leg.middle


def _move(panel: Panel, gap: Slot, middle: float) -> None:
    column = next(slots for slots in panel.columns if gap in slots)
    index = column.index(gap)
    above = column[index - 1].y + column[index - 1].height if index else float("-inf")
    below = column[index + 1].y if index + 1 < len(column) else float("inf")
    if above + 5 <= middle <= below - 5:
        gap.y = middle - gap.height / 2


# Tracks and points


def _stops(page: Page, way: _Way, ports: Mapping[tuple[str, bool], _Ports]) -> list[float]:
    """Heights of the horizontal parts of a way, from the port it leaves to the port it enters."""
    edge = way.edge
    inner = []
    for leg in way.legs[1:-1]:
        if isinstance(leg, Slot):
            inner.append(_middle(leg, way.panel))
        elif not leg.vertical:
            inner.append(leg.line(way.net))
    return [
        _center(page, edge.source) + ports[edge.source, True].offsets[way.net],
        *inner,
        _center(page, edge.target) + ports[edge.target, False].offsets[way.net],
    ]


def _verticals(way: _Way) -> list[Channel]:
    return [leg for leg in way.legs if isinstance(leg, Channel) and leg.vertical]


def _assign(page: Page, ways: Iterable[_Way], ports: Mapping[tuple[str, bool], _Ports], *, resize: bool = True) -> None:
    """Give out tracks, horizontal channels first, since the vertical ones end at them."""
    kept = {id(channel): dict(channel.tracks) for channel in page.channels}
    for channel in page.channels:
        channel.runs, channel.tracks = {}, {}
    for way in ways:
        verticals = _verticals(way)
        stops = _stops(page, way, ports)
        across = 0
        for leg in way.legs[1:-1]:
            if isinstance(leg, Slot):
                across += 1
            elif not leg.vertical:
                low, high = verticals[across], verticals[across + 1]
                before, after = stops[across], stops[across + 2]
                leg.join(
                    way.net, low.middle, high.middle, from_before=before < leg.middle, to_before=after < leg.middle
                )
                across += 1
    for channel in page.channels:
        if not channel.vertical:
            channel.assign()
    for way in ways:
        verticals, stops = _verticals(way), _stops(page, way, ports)
        for index, channel in enumerate(verticals):
            from_left = index == 0 or verticals[index - 1].position < channel.position
            to_left = index + 1 < len(verticals) and verticals[index + 1].position < channel.position
            channel.join(way.net, stops[index], stops[index + 1], from_before=from_left, to_before=to_left)
    for channel in page.channels:
        if channel.vertical:
            channel.assign()
    if not resize:  # the coordinates are final: a channel must not become wider than it was given
        for channel in page.channels:
            had = max(kept[id(channel)].values(), default=-1)
            if max(channel.tracks.values(), default=-1) > had:
                channel.tracks = {net: min(track, max(had, 0)) for net, track in channel.tracks.items()}


def _points(page: Page, way: _Way, ports: Mapping[tuple[str, bool], _Ports]) -> list[Point]:
    edge = way.edge
    stops = _stops(page, way, ports)
    x = page.places[edge.source][0] + page.homes[edge.source][3].width
    points = [(x, stops[0])]
    for index, channel in enumerate(_verticals(way)):
        at = channel.line(way.net)
        if abs(stops[index] - stops[index + 1]) <= 0.5 and len(stops) == 2:
            continue
        points += [(at, stops[index]), (at, stops[index + 1])]
    points.append((page.places[edge.target][0], stops[-1]))
    return _simplified(points)


def _simplified(points: Sequence[Point]) -> list[Point]:
    result: list[Point] = []
    for point in points:
        if result and abs(result[-1][0] - point[0]) < 0.01 and abs(result[-1][1] - point[1]) < 0.01:
            continue
        if len(result) > 1:
            (ax, ay), (bx, by) = result[-2], result[-1]
            if (abs(ax - bx) < 0.01 and abs(bx - point[0]) < 0.01) or (
                abs(ay - by) < 0.01 and abs(by - point[1]) < 0.01
            ):
                result[-1] = point
                continue
        result.append(point)
    return result
