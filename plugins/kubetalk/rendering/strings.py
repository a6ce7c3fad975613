"""Interface texts, dates and plural forms of one language: theme/i18n/<language>.yml plus the CLDR data of Babel.

Nothing here knows a particular language, so a third one is a translated file.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from importlib.resources import files

import yaml
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime
from markupsafe import Markup, escape

from kubetalk.errors import ConfigError

# The same safe loader, an order of magnitude faster where libyaml is there.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Entry = str | Mapping[str, str]
"""A text, or plural category to text."""


class Strings:
    """The texts of one language; get one with `load_strings`."""

    def __init__(self, language: str, entries: Mapping[str, Entry]) -> None:
        self.language = language
        self.entries = entries
        """Dotted key to text or plural forms."""
        try:
            self.locale = Locale.parse(language, sep="-")
        except (ValueError, UnknownLocaleError) as error:
            raise ConfigError(
                f"`{language}` is not a language tag that Unicode CLDR knows",
                where="mkdocs.yml",
                remedy="Use a tag such as `en` or `pt-BR` in `languages`",
            ) from error

    def __call__(self, key: str, **values: object) -> str:
        """The text of that key with its ``{names}`` filled in; the value ``n`` chooses the plural form.

        If a value is markup, the result is markup too and the rest is escaped. Raises KeyError for an unknown key.
        """
        entry = self.entries[key]
        if not isinstance(entry, str):
            number = values["n"]
            if not isinstance(number, int):
                raise TypeError(f"the plural text {key} needs a whole number n, not {number!r}")
            category = self.locale.plural_form(number)
            entry = entry.get(category) or entry["other"]
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(entry).format(**values)
        return entry.format(**values) if values else entry

    @functools.cached_property
    def region_locale(self) -> str:
        """Language and territory as Open Graph writes them, such as ``ja_JP``; the likeliest territory by CLDR."""
        territory = self.locale.territory
        if not territory:
            likely = get_global("likely_subtags").get(str(self.locale))
            territory = Locale.parse(likely).territory if likely else None
        return f"{self.locale.language}_{territory}" if territory else self.locale.language

    def group(self, prefix: str) -> dict[str, str]:
        """The texts below ``prefix.``, without it; plural forms give their ``other``."""
        return {
            key.removeprefix(prefix + "."): entry if isinstance(entry, str) else entry["other"]
            for key, entry in self.entries.items()
            if key.startswith(prefix + ".")
        }

    def flat(self) -> dict[str, str]:
        """Every text by its dotted key, each plural form under ``key.one`` and so on; ``one`` is always there."""
        texts: dict[str, str] = {}
        for key, entry in self.entries.items():
            if isinstance(entry, str):
                texts[key] = entry
            else:
                texts |= {f"{key}.{category}": text for category, text in {"one": entry["other"], **entry}.items()}
        return texts

    def date(self, date: dt.date) -> str:
        """A date as people write it: ``November 20, 2026``, ``2026年11月20日``."""
        return format_date(date, "long", locale=self.locale)

    def short_date(self, date: dt.date) -> str:
        """``Nov 20, 2026``, ``2026/11/20``."""
        return format_date(date, "medium", locale=self.locale)

    def moment(self, moment: dt.datetime) -> str:
        """A point in time to the minute, in UTC, which is said."""
        return format_datetime(moment.astimezone(dt.UTC), "long", locale=self.locale)

    def language_name(self, language: str) -> str:
        """What this language calls another one: ``Japanese``, ``日本語``."""
        return _display_name(language, self.language)


@functools.cache
def load_strings(language: str) -> Strings:
    """The texts of a language tag; ``pt-BR`` falls back to ``pt``.

    Raises ConfigError when there is no translation for it.
    """
    folder = files("kubetalk.theme") / "i18n"
    for name in (language, language.split("-", maxsplit=1)[0]):
        source = folder / f"{name}.yml"
        if source.is_file():
            return Strings(language, flatten(yaml.load(source.read_text(encoding="utf-8"), Loader=LOADER)))  # noqa: S506
    known = ", ".join(available_languages())
    raise ConfigError(
        f"kubetalk has no interface texts for the language `{language}` (it has {known})",
        where="mkdocs.yml",
        remedy="Remove it from `languages`, or translate theme/i18n/en.yml",
    )


def available_languages() -> tuple[str, ...]:
    """The language tags that have a file, sorted."""
    return tuple(sorted(path.name.removesuffix(".yml") for path in (files("kubetalk.theme") / "i18n").iterdir()))


def own_name(language: str) -> str:
    """What a language calls itself: ``English``, ``日本語``."""
    return _display_name(language, language)


@functools.cache
def _display_name(language: str, speaker: str) -> str:
    """The name of a language in another one. Every page asks, and Babel looks through a thousand files for each."""
    try:
        name = Locale.parse(language, sep="-").get_display_name(Locale.parse(speaker, sep="-"))
    except (ValueError, UnknownLocaleError):
        name = None
    return name or language


PLURAL_CATEGORIES = frozenset({"zero", "one", "two", "few", "many", "other"})


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, Entry]:
    """Nested maps to dotted keys; a map with nothing but plural categories stays one entry."""
    flat: dict[str, Entry] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and not is_plural(value):
            flat.update(flatten(value, f"{prefix}{key}."))
        elif isinstance(value, Mapping):
            flat[f"{prefix}{key}"] = {str(category): str(text) for category, text in value.items()}
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def is_plural(value: Iterable[object]) -> bool:
    """Whether a map's keys are plural categories and nothing else."""
    keys = set(value)
    return "other" in keys and keys <= PLURAL_CATEGORIES
