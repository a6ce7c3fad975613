"""A drawn diagram, ready for a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagram:
    """One picture in one language."""

    id: str
    svg: str
    """An inline ``<svg>`` element: ids prefixed with the diagram's id, colours as CSS variables ``--kt-…``."""
    description: tuple[str, ...]
    """The same facts in sentences, for screen readers and search, one object or relation each."""
    aspect: float = 1.78
    """Width by height."""
