"""The published schema and the strict reader come from one table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.model import Kind, Layer, Location, SandboxRequest
from kubetalk.reading import schema
from kubetalk.reading.facts import read_facts

LANGUAGES = ("en", "ja")


def read(source: str, kind: Kind = Kind.TALK) -> tuple[Any, list[str]]:
    errors: list[KubetalkError] = []
    facts = read_facts(source, "talk.yml", kind, LANGUAGES, None, errors)
    return facts, [str(error) for error in errors]


@pytest.mark.parametrize("kind", [Kind.TALK, Kind.POST, Kind.PAGE])
def test_schema_knows_the_keys_the_reader_knows(kind: Kind) -> None:
    published = json.loads(json.dumps(schema(kind)))
    assert published["additionalProperties"] is False
    for key in published["properties"]:
        _, told = read(f"title: x\n{key}:\n", kind)
        assert not any("unknown key" in line for line in told)
    _, told = read("title: x\nsomething: y\n", kind)
    assert any("unknown key `something`" in line for line in told)
    missing = {key for key in published["required"] if any(f"no `{key}`" in line for line in read("{}\n", kind)[1])}
    assert missing == set(published["required"])


def test_schema_of_a_talk() -> None:
    published = schema(Kind.TALK)
    properties: Any = published["properties"]
    assert properties["sandbox"]["properties"]["nodes"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "description": "how many nodes the cluster has",
    }
    assert properties["events"]["items"]["required"] == ["id", "date", "name"]
    assert "events" not in schema(Kind.POST)["properties"]  # type: ignore[operator]
    assert schema(Kind.POST)["required"] == ["title", "date"]


def test_scalars_are_what_was_written() -> None:
    facts, told = read("title: 2018\nsandbox: {kubernetes: 1.30}\nlanguages: [ja]\n")
    assert told == []
    assert facts.title == {"en": "2018", "ja": "2018"}
    assert facts.sandbox.kubernetes == "1.30"
    assert facts.languages == ("ja",)
    assert facts.location == Location("talk.yml", 1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("title:\n", "talk.yml:1: `title` is empty, it has to be text, or one text per language"),
        ("title: [x]\n", "talk.yml:1: `title` is a list, it has to be text, or one text per language"),
        ("title: {en: x, ja: {}}\n", "talk.yml:1: `title.ja` is a mapping, it has to be text"),
        ("title: x\ndate: 2026-11-20 10:00\n", "talk.yml:2: `date` is `2026-11-20 10:00`, it has to be a day such as"),
        ("title: x\ntags: istio\n", "talk.yml:2: `tags` is `istio`, it has to be a list"),
        (
            "title: x\nsandbox: {nodes: 0}\n",
            "talk.yml:2: `sandbox.nodes` is `0`, it has to be a whole number from 1 to 100",
        ),
        ("title: x\nlanguages: []\n", "talk.yml:2: `languages` is an empty list"),
        ("title: x\nredirect_from: [//evil.example]\n", "talk.yml:2: `redirect_from[0]` is `//evil.example`"),
        ("title: x\n? [a]\n: b\n", "talk.yml:2: a key is a list, it has to be a word"),
        (
            "title: x\nevents: [{id: a, date: 2026-01-01, name: n, language: jaa}]\n",
            "talk.yml:2: `jaa` is not a language of this site. Did you mean `ja`?",
        ),
        ("a: 1\n--- \nb: 2\n", "talk.yml:2: not valid YAML: expected a single document in the stream"),
        ("title: x\nextra: &a [*a]\n", "talk.yml:2: unknown key `extra`"),
        ("title: \x00\n", "talk.yml: not valid YAML"),
        ("[" * 900, "talk.yml: YAML nested too deeply"),
    ],
)
def test_mistakes(source: str, expected: str) -> None:
    _, told = read(source)
    assert any(line.startswith(expected) for line in told), told


def test_an_event_may_be_in_a_language_the_site_does_not_have() -> None:
    facts, told = read("title: x\nevents: [{id: a, date: 2026-01-01, name: n, language: de}]\n")
    assert told == []
    assert facts.events[0].language == "de"


LAYERS = {"istio-minimal": SandboxRequest(istio=True, layer=Layer("istio-minimal", ("istioctl install -y",)))}


def read_on_layers(sandbox: str) -> tuple[Any, list[str]]:
    errors: list[KubetalkError] = []
    source = f"title: x\nsandbox:\n  {sandbox}\n"
    facts = read_facts(source, "talk.yml", Kind.TALK, LANGUAGES, None, errors, LAYERS)
    return facts, [str(error) for error in errors]


def test_a_document_begins_on_a_layer() -> None:
    facts, told = read_on_layers("layer: istio-minimal")
    assert told == []
    assert facts.sandbox == LAYERS["istio-minimal"]


def test_mistakes_about_layers() -> None:
    _, told = read_on_layers("layer: istio-minimla")
    assert told == ["talk.yml:3: there is no layer `istio-minimla`. Did you mean `istio-minimal`?"]
    _, told = read_on_layers("{layer: istio-minimal, nodes: 5}")
    remedy = "Leave it out; mkdocs.yml says what the layer `istio-minimal` has."
    assert told == [f"talk.yml:3: `nodes` cannot be chosen on a layer, which has it already. {remedy}"]
    _, told = read("title: x\nsandbox: {layer: shop}\n")
    remedy = "Define it under `layers:`, an option of the plugin in mkdocs.yml."
    assert told == [f"talk.yml:2: there is no layer `shop`. {remedy}"]


def test_events_are_in_the_order_of_their_dates() -> None:
    written = {"b": "2026-03-01", "a": "2026-03-01", "z": "2025-12-01"}
    lines = [f"- {{id: {name}, date: {date}, name: n}}" for name, date in written.items()]
    facts, told = read("\n".join(["title: x", "events:", *lines]) + "\n")
    assert not told
    assert [event.id for event in facts.events] == ["z", "a", "b"]


def test_old_paths_know_their_lines() -> None:
    facts, _ = read("title: x\nredirect_from:\n  - /a/\n\n  - /b/\n")
    assert dict(zip(facts.redirect_from, facts.redirect_lines, strict=True)) == {"/a/": 3, "/b/": 5}
