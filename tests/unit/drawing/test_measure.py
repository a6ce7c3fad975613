"""Widths without a font."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubetalk.drawing.measure import cut, width, wrap


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("web", 22, 30), ("istio-ingressgateway", 140, 165), ("クラスター", 70, 70), ("Pod を選択", 70, 85), ("", 0, 0)],
)
def test_widths_at_fourteen_units(text: str, least: float, most: float) -> None:
    assert least <= width(text, 14) <= most


def test_combining_marks_take_no_room() -> None:
    assert width("が", 10) == width("か\u3099", 10)


def test_names_break_after_separators_and_japanese_anywhere() -> None:
    assert wrap("istio-ingressgateway", 14, 120, 2) == ("istio-", "ingressgateway")
    assert wrap("とても長い名前の箱", 10, 50, 2) == ("とても長い", "名前の箱")
    assert wrap("short", 14, 120, 2) == ("short",)


@given(st.text(max_size=60), st.floats(20, 200))
def test_what_is_cut_fits_and_says_so(text: str, room: float) -> None:
    short = cut(text, 14, room)
    assert short == text or (short.endswith("…") and width(short, 14) <= room + 14)
    assert width(short, 14) <= max(room, 14)


@given(st.text(min_size=1, max_size=80), st.floats(40, 200))
def test_wrapped_lines_fit(text: str, room: float) -> None:
    lines = wrap(text, 12, room, 3)
    assert 1 <= len(lines) <= 3
    assert all(width(line, 12) <= max(room, 13) for line in lines)
