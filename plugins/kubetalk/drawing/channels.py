"""Channels: the strips between boxes in which lines run, and the distribution of lines over the tracks of a channel."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from kubetalk.drawing.sizes import PITCH

_OVERLAP = 1000
"""Cost of two lines lying on each other, in crossings."""
_MANY = 40
"""From so many lines on, their order is not worth the time it takes."""


@dataclass(slots=True)
class Run:
    """What one net does in a channel: how far it runs along it, and where it leaves to either side."""

    low: float
    high: float
    before: set[float] = field(default_factory=set)
    """Coordinates where it is joined from the left (of a horizontal channel: from above)."""
    after: set[float] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Channel:
    """A strip that holds nothing but lines; ``position`` and ``size`` lie across it."""

    vertical: bool
    least: float = 0.0
    """Size without lines."""
    lead: float = 12.0
    """Room before the first track, kept only if there are any."""
    trail: float = 12.0
    label: float = 0.0
    """Room for labels after the last track."""
    stretch: float = 0.0
    """Room it was given beyond what it needs."""
    position: float = 0.0
    start: float = 0.0
    """Along it: where it begins and ends."""
    end: float = 0.0
    runs: dict[str, Run] = field(default_factory=dict)
    tracks: dict[str, int] = field(default_factory=dict)
    crossing: list[Channel] = field(default_factory=list)

    @property
    def size(self) -> float:
        """How much room it takes."""
        lines = max(self.tracks.values()) + 1 if self.tracks else 0
        room = self.lead + self.trail + self.label + (lines - 1) * PITCH if lines else self.label
        return max(self.least + self.label, room) + self.stretch

    @property
    def middle(self) -> float:
        """Where a line would run as far as one knows before the tracks are given out."""
        return self.position + (self.size - self.label) / 2

    def line(self, net: str) -> float:
        """The coordinate across the channel at which a net runs."""
        track = self.tracks.get(net)
        if track is None:
            return self.middle
        lines = max(self.tracks.values()) + 1
        spare = self.size - self.label - self.lead - self.trail - (lines - 1) * PITCH
        return self.position + self.lead + spare / 2 + track * PITCH

    def join(self, net: str, entered: float, left: float, *, from_before: bool, to_before: bool) -> None:
        """Note that a net comes in at one coordinate along the channel and goes out at another."""
        low, high = min(entered, left), max(entered, left)
        run = self.runs.get(net)
        if run is None:
            run = self.runs[net] = Run(low, high)
        run.low, run.high = min(run.low, low), max(run.high, high)
        (run.before if from_before else run.after).add(entered)
        (run.before if to_before else run.after).add(left)

    def assign(self) -> None:
        """Give every net that turns in this channel a track, with few crossings and no two lines on each other."""
        turning = {net: run for net, run in self.runs.items() if run.high - run.low > 0.5}
        order = _ordered(turning)
        self.tracks = {}
        for net in order:
            run = turning[net]
            taken = [
                track for other, track in self.tracks.items()
                if turning[other].low < run.high + 6 and run.low < turning[other].high + 6
            ]  # fmt: skip
            self.tracks[net] = max(taken, default=-1) + 1


def _ordered(runs: dict[str, Run]) -> list[str]:
    names = sorted(runs, key=lambda net: (runs[net].low + runs[net].high, net))
    if len(names) > _MANY:
        return names
    cost: dict[tuple[str, str], int] = defaultdict(int)
    for a in names:
        for b in names:
            if a != b:
                cost[a, b] = _cost(runs[a], runs[b])
    order: list[str] = []
    for net in names:
        price = sum(cost[net, other] for other in order)
        best, place = price, 0
        for index, other in enumerate(order):
            price += cost[other, net] - cost[net, other]
            if price < best:
                best, place = price, index + 1
        order.insert(place, net)
    return order


def _cost(first: Run, second: Run) -> int:
    """Crossings and overlaps if the first runs before (left of, above) the second."""
    crossings = sum(1 for at in second.before if first.low < at < first.high)
    crossings += sum(1 for at in first.after if second.low < at < second.high)
    overlaps = sum(1 for a in first.after for b in second.before if abs(a - b) < 2)
    return crossings + overlaps * _OVERLAP
