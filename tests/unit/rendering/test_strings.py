from __future__ import annotations

import datetime as dt
import re
import string
from importlib.resources import files
from pathlib import Path

import pytest
from markupsafe import Markup

from kubetalk import rendering
from kubetalk.errors import ConfigError
from kubetalk.rendering.strings import PLURAL_CATEGORIES, load_strings

LANGUAGES = rendering.available_languages()
THEME = Path(str(files("kubetalk.theme")))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_there_are_two_languages() -> None:
    assert LANGUAGES == ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_fields(language: str) -> None:
    english, other = load_strings("en"), load_strings(language)
    assert set(other.entries) == set(english.entries)
    for key, entry in other.entries.items():
        model = english.entries[key]
        texts = [entry] if isinstance(entry, str) else list(entry.values())
        wanted = fields(model if isinstance(model, str) else model["other"])
        for text in texts:
            assert text.strip(), key
            assert fields(text) <= wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_texts_have_exactly_the_forms_of_the_language(language: str) -> None:
    strings = load_strings(language)
    wanted = {str(tag) for tag in strings.locale.plural_form.tags} | {"other"}
    assert wanted <= PLURAL_CATEGORIES
    for key, entry in strings.entries.items():
        if not isinstance(entry, str):
            assert set(entry) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_a_template_asks_for_exists(language: str) -> None:
    strings = load_strings(language)
    asked = set()
    for path in (THEME / "templates").rglob("*.html"):
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r"(?:\bt|load\(code\))\('([a-z_]+\.[a-z_]+)'", source))
        asked |= {f"deck.{key}" for key in re.findall(r"'(key_[a-z_]+)'", source)}
    assert len(asked) > 40
    assert asked <= set(strings.entries)


def test_numbers_choose_the_form() -> None:
    assert load_strings("en")("block.more", n=1) == "1 more line"
    assert load_strings("en")("block.more", n=37) == "37 more lines"
    assert load_strings("ja")("block.more", n=1) == "ほか 1 行"


def test_markup_in_a_value_keeps_the_rest_escaped() -> None:
    assert load_strings("en")("search.none", query=Markup("<b>x</b>")) == Markup("Nothing found for “<b>x</b>”.")


def test_dates_and_names_are_those_of_the_language() -> None:
    assert load_strings("ja").date(dt.date(2026, 11, 20)) == "2026年11月20日"
    assert load_strings("en").date(dt.date(2026, 11, 20)) == "November 20, 2026"
    assert load_strings("ja").language_name("en") == "英語"


def test_flat_texts_serve_the_drawing_room() -> None:
    texts = load_strings("ja").flat()
    assert texts["diagram.keys.one"]
    assert texts["block.more.one"] == texts["block.more.other"]


def test_a_language_without_texts_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ConfigError) as caught:
        load_strings("fr")
    assert "`fr`" in str(caught.value)
    assert "translate" in caught.value.remedy


def test_a_tag_that_is_no_language_is_an_error() -> None:
    with pytest.raises(ConfigError):
        load_strings("klingon")
