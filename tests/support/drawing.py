"""Drawing in tests, with the theme's own texts, so that a missing one is found here."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from kubetalk.drawing import draw
from kubetalk.model import Diagram, DiagramBlock, Fence, Location, Snapshot

WHERE = Location("docs/talks/x/en.md", 12)


@cache
def texts(language: str) -> dict[str, str]:
    """The theme's texts of diagrams."""
    content = yaml.safe_load(files("kubetalk.theme").joinpath(f"i18n/{language}.yml").read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key.startswith("diagram.")}


def drawn(objects: Any, *, before: Any = None, language: str = "en", name: str = "cluster", **fields: Any) -> Diagram:
    """The diagram of a snapshot's objects; ``fields`` are those of `DiagramBlock`."""
    block = DiagramBlock(name, Fence(WHERE, 20, ""), **fields)
    earlier = Snapshot("before", tuple(before)) if before is not None else None
    return draw(block, Snapshot(name, tuple(objects)), before=earlier, language=language, strings=texts(language))
