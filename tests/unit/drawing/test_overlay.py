"""What authors draw by hand, and what they are told when it cannot be right."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubetalk.drawing import check
from kubetalk.errors import DiagramError
from kubetalk.model import DiagramBlock, Fence
from tests.support.drawing import WHERE, drawn, texts

OBJECTS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blog"}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "staging"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "blog"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "blog"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "staging"}},
]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("nodes: [", r"en\.md:1[34]: the diagram's overlay cannot be read: .*\. Mend the YAML"),
        ("- a", r"en\.md:12: the diagram's overlay is not a mapping\. Write nodes:, edges: or notes:"),
        ("node: []", r'unknown key "node" of the diagram\'s overlay\. Did you mean "nodes"\?'),
        ("nodes: {a: b}", '"nodes" of the diagram\'s overlay is not a list of mappings'),
        ("nodes: [{id: a, lable: x}]", r'unknown key "lable" in "nodes" of .*\. Did you mean "label"\?'),
        ("nodes: [{label: x}]", r'an entry of "nodes" in the diagram\'s overlay lacks "id"'),
        ("nodes: [{id: a, kind: datebase}]", r'unknown kind "datebase" of "a" .*\. Did you mean "database"\?'),
        ("nodes: [{id: a, kind: zzz}]", r"Known kinds: users, internet"),
        ("nodes: [{id: a}, {id: a}]", r'the id "a" in the diagram\'s overlay is there twice'),
        ("nodes: [{id: a/b}]", r'the id "a/b" .* must not hold a "/"'),
        ("nodes: [{id: a, label: {ja: あ}}]", r'a text of "nodes" .* has no "en"\. Write it in every language'),
        ("nodes: [{id: users}]\nedges: [{from: user, to: users}]", r'names "user", .*\. Did you mean "users"\?'),
        ("nodes: [{id: a}]\nedges: [{from: a, to: a}]", r'leads from "a" to itself'),
        ("edges: [{from: Deployment/wep, to: deploy/web}]", r'"Deployment/wep", .*Did you mean "Deployment/web"\?'),
        ("edges: [{from: deploy/web, to: svc/web}]", r'names "svc/web", which the cluster does not hold'),
        ("edges: [{from: deploy/web, to: deploy/api}]",
         r'names "deploy/api", which is blog/Deployment/api, staging/Deployment/api\. Add the namespace'),
        ("notes: [{at: stagin/deploy/api, text: x}]", r'names "stagin/deploy/api"'),
        ("notes: [{at: deploy/web}]", r'an entry of "notes" .* lacks "text"'),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_place_and_remedy(overlay: str, message: str) -> None:
    with pytest.raises(DiagramError) as caught:
        drawn(OBJECTS, overlay=overlay)
    assert str(caught.value).startswith("docs/talks/x/en.md:1")
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_drawn_by_hand_is_marked_and_in_the_language_of_the_page() -> None:
    overlay = """
nodes: [{id: users, kind: users, label: {en: Readers, ja: 読者}}]
edges: [{from: users, to: blog/deployments.apps/api, label: HTTPS}]
notes: [{at: Deployment/web, text: {en: a note, ja: メモ}}, {text: below}]
"""
    english = drawn(OBJECTS, overlay=overlay)
    assert "Readers" in english.svg
    assert "読者" not in english.svg
    assert "drawn by hand, not read from the cluster" in english.svg
    assert "Drawn by hand: users Readers → Deployment blog/api (HTTPS)." in english.description
    assert "Note by hand at Deployment blog/web: a note" in english.description
    assert "Note by hand: below" in english.description
    assert "読者" in drawn(OBJECTS, overlay=overlay, language="ja").svg


def test_without_an_overlay_nothing_says_by_hand() -> None:
    assert "by hand" not in drawn(OBJECTS).svg
    assert drawn(OBJECTS, overlay="# only a comment\n").svg == drawn(OBJECTS).svg


def test_what_an_overlay_names_is_shown_in_every_view() -> None:
    diagram = drawn(OBJECTS, view="traffic", overlay="notes: [{at: deploy/web, text: here}]")
    assert "Deployment blog/web" in diagram.svg
    assert "Deployment blog/api" not in diagram.svg


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"view": "trafic"}, 'the diagram "cluster" has the unknown view "trafic". Did you mean "traffic"?'),
        ({"view": "zz"}, "Known views: all, traffic, config."),
        ({"namespaces": ("blgo",)}, 'the namespace "blgo", which does not exist at this point. Did you mean "blog"?'),
    ],
)
def test_unknown_views_and_namespaces(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DiagramError) as caught:
        drawn(OBJECTS, **fields)
    assert str(caught.value).startswith("docs/talks/x/en.md:12: ")
    assert message in str(caught.value)


HAND = "nodes: [{id: u}]\nedges: [{from: u, to: Service/gone}]\nnotes: [{at: a/Pod/b, text: x}]"


@pytest.mark.parametrize("overlay", ["", HAND])
def test_before_the_cluster_is_known_its_objects_are_not_asked_for(overlay: str) -> None:
    check(DiagramBlock("all", Fence(WHERE, 20, ""), overlay=overlay), language="ja", strings=texts("ja"))


@pytest.mark.parametrize("overlay", ["nodes: [", "nodes: [{id: a, kind: zzz}]", "edges: [{from: u, to: Service/web}]"])
def test_before_the_cluster_is_known_the_rest_is_refused(overlay: str) -> None:
    with pytest.raises(DiagramError) as caught:
        check(DiagramBlock("all", Fence(WHERE, 20, ""), overlay=overlay), language="en", strings=texts("en"))
    with pytest.raises(DiagramError) as later:
        drawn(OBJECTS, overlay=overlay)
    assert str(caught.value) == str(later.value)
