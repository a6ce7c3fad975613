"""The reference page names everything that an author can write, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubetalk.drawing.overlay import _KEYS, HAND_KINDS
from kubetalk.mkdocs_plugin.options import KubetalkOptions
from kubetalk.model import Kind, Match, OutputMode
from kubetalk.reading import facts, options, settings
from kubetalk.reading.facts import schema

PAGES = Path(__file__).parents[2] / "docs" / "pages"


def keys_of(rule: object) -> set[str]:
    """Every key that a JSON Schema knows at any depth."""
    if isinstance(rule, list):
        return set().union(*map(keys_of, rule))
    if not isinstance(rule, dict):
        return set()
    properties = rule.get("properties", {})
    return {*properties, *keys_of(list(properties.values())), *keys_of(rule.get("items")), *keys_of(rule.get("oneOf"))}


WORDS: dict[str, set[str]] = {
    "facts": {key for kind in (Kind.TALK, Kind.POST, Kind.PAGE) for key in keys_of(schema(kind))},
    "layers": keys_of(facts.LAYER.schema()),
    "options of blocks": {key for form in options.Form for key in options._OPTIONS[form]},
    "their values": {str(word) for words in (Match, OutputMode, options.VIEWS) for word in words},
    "overlays": {key for keys in _KEYS.values() for key in keys} | set(HAND_KINDS),
    "options of the plugin": {*settings.OPTIONS, *KubetalkOptions().keys()},
    "providers": {*settings.PROVIDERS, *settings._PROVIDER_KEYS},
}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("group", WORDS)
def test_everything_that_can_be_written_stands_in_the_reference(group: str, language: str) -> None:
    text = (PAGES / "reference" / f"{language}.md").read_text(encoding="utf-8")
    # As a word of code: `id`, `id="name"`, `before=`.
    named = set(re.findall(r"`([\w-]+)(?:=[^`]*)?`", text))
    assert len(WORDS[group]) > 1
    assert WORDS[group] - named == set()


@pytest.mark.parametrize("name", ["README.md", "docs/pages/live-blocks/en.md", "docs/pages/live-blocks/ja.md"])
def test_the_reference_is_linked(name: str) -> None:
    text = (PAGES.parents[1] / name).read_text(encoding="utf-8")
    assert re.search(r"\]\([\w./-]*reference/(en|ja)\.md\)", text)
