"""A picture while it is laid out: a page of cells, cells of boxes, boxes of panels, panels of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubetalk.drawing.channels import Channel
from kubetalk.drawing.graph import Edge, Group, Node
from kubetalk.drawing.layering import Slot
from kubetalk.drawing.sizes import Face, Header


@dataclass(slots=True, eq=False)
class Panel:
    """Columns of cards with channels left of, between and right of them."""

    columns: list[list[Slot]]
    widths: list[float]
    height: float
    chains: dict[Edge, list[Slot]]
    gutters: list[Channel] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        """With its channels."""
        return sum(self.widths) + sum(gutter.size for gutter in self.gutters)


@dataclass(slots=True, eq=False)
class Box:
    """A namespace."""

    name: str
    group: Group | None
    panels: list[Panel]
    loose: list[Node]
    """Nodes without any edge; they stand in rows below the panels."""
    header: Header = field(default_factory=Header)
    top: Channel = field(default_factory=lambda: Channel(vertical=False, least=10, lead=10, trail=10))
    bottom: Channel = field(default_factory=lambda: Channel(vertical=False, least=14, lead=10, trail=10))
    per_row: int = 1
    cell: int = 0
    header_height: float = 0.0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def framed(self) -> bool:
        """Whether it is a namespace and not a place outside of all."""
        return self.group is not None


@dataclass(slots=True, eq=False)
class Page:
    """The whole picture."""

    cells: list[list[Box]]
    faces: Mapping[str, Face]
    corridors: list[Channel]
    """Vertical ones, left of, between and right of the cells."""
    gaps: list[list[Channel]]
    """Horizontal ones between the boxes of a cell."""
    top: Channel
    bottom: Channel
    width: float = 0.0
    height: float = 0.0
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Left and top of each node."""
    homes: dict[str, tuple[Box, Panel, int, Slot]] = field(default_factory=dict)
    """Where a node with edges stands: box, panel, column."""
    links: list[tuple[str, str]] = field(default_factory=list)
    """The ends of all edges."""

    @property
    def boxes(self) -> list[Box]:
        """All boxes, cell by cell."""
        return [box for cell in self.cells for box in cell]

    @property
    def channels(self) -> list[Channel]:
        """Every channel."""
        found = [*self.corridors, self.top, self.bottom, *(gap for cell in self.gaps for gap in cell)]
        for box in self.boxes:
            found += [box.top, box.bottom, *(gutter for panel in box.panels for gutter in panel.gutters)]
        return found
