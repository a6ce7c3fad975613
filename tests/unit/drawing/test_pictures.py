"""Whole pictures as goldens, and what they may not hold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubetalk.drawing import prune
from kubetalk.drawing.glyphs import GLYPHS
from kubetalk.drawing.style import VARIABLES
from tests.support.drawing import drawn, texts
from tests.support.golden import Golden


@pytest.mark.golden("drawing/svg")
def test_goldens(golden: Golden) -> None:
    diagram = drawn(golden.input, name=golden.path.stem, **golden.options)
    # One element a line, so that a change of the picture can be read as a diff.
    svg = re.sub(r"(?<=>)(?=<(?:g|rect|path|text|use|symbol|defs|desc)\b)|(?<=})(?=#)", "\n", diagram.svg)
    golden.check({"svg": svg, "description": "\n".join(diagram.description), "aspect": diagram.aspect})


def some() -> list[dict[str, Any]]:
    meta = {"namespace": "blog"}
    pod = {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "T", "value": "planted-value"}]}]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blog", "annotations": {"a": "planted-note"}}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": "k"}, "data": {"k": "cGxhbnRlZA=="}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**meta, "name": "web"},
         "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.0.77", "ports": [{"port": 80}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**meta, "name": "web"},
         "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": pod}}},
    ]  # fmt: skip


def test_no_secret_and_no_address_reaches_a_picture() -> None:
    diagram = drawn(prune(some()))
    text = diagram.svg + "".join(diagram.description)
    assert "Deployment blog/web" in text
    assert not [secret for secret in ("planted", "cGxhbnRlZA==", "10.96.0.77") if secret in text]


def test_names_from_the_cluster_cannot_become_markup() -> None:
    item = {
        "apiVersion": "example.com/v1",
        "kind": "<b>Kind",
        "metadata": {"name": "</text><script>x()</script>", "namespace": "a&b"},
    }
    diagram = drawn([item], title="<i>Title</i>")
    assert "<script" not in diagram.svg
    assert "<b>" not in diagram.svg
    assert "<i>" not in diagram.svg


def test_nothing_is_fetched_and_colours_are_variables_only() -> None:
    svg = drawn(prune(some())).svg
    assert not re.search(r"<image|<foreignObject|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", svg)
    style, body = re.search(r"<style>(.*)</style>(.*)", svg, re.DOTALL).groups()  # type: ignore[union-attr]
    assert not re.search(r"#[0-9a-fA-F]{6}\b|rgb|(?:fill|stroke)=", body)
    rules = re.sub(r"--kt-diagram-[a-z-]+,light-dark\(#[0-9a-f]{6},#[0-9a-f]{6}\)", "", style)
    assert not re.search(r"#[0-9a-fA-F]{6}\b|rgb\(", rules)


def test_every_rule_is_scoped_by_the_diagram() -> None:
    style = re.search(r"<style>(.*)</style>", drawn(prune(some())).svg, re.DOTALL)
    assert style
    selectors = [part for rule in style[1].split("}") if rule for part in rule.split("{")[0].split(",")]
    assert selectors
    assert all(selector.startswith(("#kt-cluster-en", ":where(#kt-cluster-en)")) for selector in selectors)


def test_variables_of_the_theme_are_the_ones_promised() -> None:
    svg = drawn(prune(some())).svg
    assert set(re.findall(r"--kt-diagram-([a-z-]+)", svg)) == {*VARIABLES, "width"}


def test_ids_differ_between_diagrams_and_languages() -> None:
    names = ["before", "図1", "図2", "a b", "a-b"]
    found = [
        re.findall(r'id="([^"]+)"', drawn(prune(some()), name=n, language=lang).svg)
        for n in names
        for lang in ("en", "ja")
    ]
    flat = [each for ids in found for each in ids]
    assert len(flat) == len(set(flat))
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", each) for each in flat)


def test_only_glyphs_that_are_used_are_there() -> None:
    svg = drawn(prune(some())).svg
    assert set(re.findall(r'<symbol id="kt-cluster-en-g-([a-z]+)"', svg)) == {"service", "deployment", "secret"}
    assert len(GLYPHS) > 25


def test_texts_exist_in_both_languages_with_the_same_fields() -> None:
    english, japanese = texts("en"), texts("ja")
    assert english.keys() == japanese.keys()
    fields = re.compile(r"{(\w+)}")
    for key, text in english.items():
        assert set(fields.findall(text)) == set(fields.findall(japanese[key])), key


def test_the_title_of_the_fence_names_the_picture() -> None:
    assert re.search(r"<title [^>]*>Our blog</title>", drawn(prune(some()), title="Our blog").svg)
