"""WCAG 2.2 contrast of the palette: 4.5 for text, 3 for what is large or not text (success criteria 1.4.3, 1.4.11)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

TOKENS = (files("kubetalk.theme") / "assets/css/tokens.css").read_text(encoding="utf-8")
PAIR = re.compile(r"--(kt-[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
ALIAS = re.compile(r"--(kt-[\w-]+): var\(--(kt-[\w-]+)\)")


def palette(scheme: int) -> dict[str, str]:
    colours = {name: pair[scheme] for name, *pair in PAIR.findall(TOKENS)}
    for name, target in ALIAS.findall(TOKENS):
        if target in colours:
            colours[name] = colours[target]
    return colours


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT = ["ink", "muted", "accent", "danger", *(f"code-{name}" for name in ("string", "number", "name", "variable"))]
TEXT += [f"ansi-{index}" for index in range(16)]


def test_the_formula_gives_the_known_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("ground", ["bg", "surface"])
def test_text_can_be_read_on_the_page_and_in_a_terminal(scheme: int, name: str, ground: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[f"kt-{name}"], colours[f"kt-{ground}"]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "ground", "least"),
    [
        ("on-accent", "accent", 4.5),
        ("accent", "tint", 4.5),
        ("ink", "tint", 4.5),
        ("muted", "raised", 4.5),
        ("diagram-ink", "diagram-card", 4.5),
        ("diagram-muted", "diagram-box", 4.5),
        ("diagram-traffic", "diagram-card", 3),
        ("diagram-workload", "diagram-card", 3),
        ("diagram-config", "diagram-card", 3),
        ("diagram-custom", "diagram-card", 3),
        ("diagram-edge", "diagram-box", 3),
        ("diagram-warn", "diagram-card", 4.5),
        ("diagram-added", "diagram-card", 3),
        ("diagram-removed", "diagram-card", 3),
        ("diagram-changed", "diagram-card", 3),
        ("diagram-hand", "diagram-canvas", 3),
    ],
)
def test_other_pairs(scheme: int, name: str, ground: str, least: float) -> None:
    colours = palette(scheme)
    assert contrast(colours[f"kt-{name}"], colours[f"kt-{ground}"]) >= least


def test_every_colour_variable_used_somewhere_is_defined() -> None:
    folder = files("kubetalk.theme") / "assets/css"
    defined = set(re.findall(r"--(kt-[\w-]+):", "".join(p.read_text(encoding="utf-8") for p in folder.iterdir())))
    # Set by templates, scripts and diagrams on single elements.
    defined |= {"kt-cols", "kt-cmd-cols", "kt-rows", "kt-fit", "kt-in", "kt-aspect", "kt-diagram-width"}
    for sheet in folder.iterdir():
        used = set(re.findall(r"var\(--(kt-[\w-]+)", sheet.read_text(encoding="utf-8")))
        assert used <= defined, sheet.name
