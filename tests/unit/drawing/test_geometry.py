"""What holds of every picture, whatever the cluster: nothing overlaps, no line crosses a card, nothing is random."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubetalk.drawing.build import graph_of
from kubetalk.drawing.draw import fitting
from kubetalk.drawing.page import Page
from kubetalk.drawing.routing import Line
from kubetalk.drawing.words import Words
from kubetalk.model import Snapshot
from tests.support.clusters import states
from tests.support.drawing import drawn, texts

Rect = tuple[float, float, float, float]
WORDS = Words("en", texts("en"))
OVERLAY = """
nodes:
  - {id: users, kind: users, label: Readers}
  - {id: store, kind: bucket, label: 画像}
edges:
  - {from: users, to: store}
notes:
  - {text: by hand}
"""


def laid_out(objects: Any) -> tuple[Page, list[Line]]:
    page, lines, _ = fitting(graph_of(Snapshot("s", tuple(objects)), WORDS), WORDS, frozenset())
    return page, lines


def cards(page: Page) -> dict[str, Rect]:
    return {
        key: (x, y, page.homes[key][3].width if key in page.homes else page.faces[key].width, page.faces[key].height)
        for key, (x, y) in page.places.items()
        if key in page.faces
    }


def apart(a: Rect, b: Rect) -> bool:
    return a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]


def inside(inner: Rect, outer: Rect) -> bool:
    return (
        inner[0] >= outer[0]
        and inner[1] >= outer[1]
        and inner[0] + inner[2] <= outer[0] + outer[2] + 0.01
        and inner[1] + inner[3] <= outer[1] + outer[3] + 0.01
    )


def segments(line: Line) -> Iterator[Rect]:
    for (ax, ay), (bx, by) in pairwise(line.points):
        assert abs(ax - bx) < 0.01 or abs(ay - by) < 0.01, "orthogonal"
        yield (min(ax, bx), min(ay, by), abs(ax - bx), abs(ay - by))


@given(states())
@settings(max_examples=50)
def test_cards_and_namespaces_do_not_overlap(objects: Any) -> None:
    page, _ = laid_out(objects)
    found = cards(page)
    for a, b in combinations(found, 2):
        assert apart(found[a], found[b]), (a, b)
    frames: list[Rect] = [(box.x, box.y, box.width, box.height) for box in page.boxes]
    for one, other in combinations(frames, 2):
        assert apart(one, other)
    for box, frame in zip(page.boxes, frames, strict=True):
        mine = [slot.key for panel in box.panels for column in panel.columns for slot in column if slot.node]
        for key in (*mine, *(node.id for node in box.loose)):
            assert inside(found[key], (frame[0], frame[1] + box.header_height, frame[2], frame[3])), key
        assert inside(frame, (0, 0, page.width, page.height))


@given(states())
@settings(max_examples=50)
def test_lines_lead_from_card_to_card_and_cross_none(objects: Any) -> None:
    page, lines = laid_out(objects)
    found = cards(page)
    for line in lines:
        (sx, sy), (tx, ty) = line.points[0], line.points[-1]
        source, target = found[line.edge.source], found[line.edge.target]
        assert sx == pytest.approx(source[0] + source[2])
        assert source[1] < sy < source[1] + source[3]
        assert tx == pytest.approx(target[0])
        assert target[1] < ty < target[1] + target[3]
        for segment in segments(line):
            for key, (x, y, wide, high) in found.items():
                assert apart(segment, (x + 0.5, y + 0.5, wide - 1, high - 1)), (line.edge, key, line.points)


@given(states(), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_the_objects_does_not_matter(objects: Any, chance: random.Random) -> None:
    shuffled = list(objects)
    chance.shuffle(shuffled)
    assert drawn(shuffled).svg == drawn(objects).svg


@given(states(most=10), states(most=10), st.sampled_from(["all", "traffic", "config"]), st.sampled_from(["en", "ja"]))
@example((), (), "all", "ja")
@settings(max_examples=30)
def test_every_state_view_and_comparison_is_well_formed(objects: Any, before: Any, view: str, language: str) -> None:
    diagram = drawn(objects, before=before, view=view, language=language, overlay=OVERLAY)
    root = ET.fromstring(diagram.svg)  # noqa: S314 - this room wrote it
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(name == f"kt-cluster-{language}" or str(name).startswith(f"kt-cluster-{language}-") for name in ids)
    used = {str(element.get("href"))[1:] for element in root.iter("{http://www.w3.org/2000/svg}use")}
    symbols = {str(element.get("id")) for element in root.iter("{http://www.w3.org/2000/svg}symbol")}
    assert used == symbols
    assert diagram.description
    assert "{" not in "".join(diagram.description)
    width, height = (float(part) for part in str(root.get("viewBox")).split()[2:])
    assert diagram.aspect == pytest.approx(width / height, abs=0.01)
