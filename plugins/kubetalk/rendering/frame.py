"""Templates and what every page of ours has in common: head, navigation, language switch, footer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from markupsafe import Markup

from kubetalk.model import Alternate, Entry, Kind, Output, Settings
from kubetalk.rendering.assets import version_of
from kubetalk.rendering.links import ROOT
from kubetalk.rendering.meta import PageInfo, absolute, hreflang_links
from kubetalk.rendering.paths import (
    ASSETS,
    FEED,
    HOME,
    SEARCH,
    list_path,
    relative,
    root_of,
    tag_path,
    tags_path,
    uri_of,
)
from kubetalk.rendering.strings import Strings, load_strings, own_name


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """One entry of the language switch."""

    language: str
    name: str
    path: str
    is_current: bool
    is_available: bool
    """False when there is no translation; the path leads to the list or start page of that language then."""
    hint: str


class Frame:
    """Fills templates. Knows the entries of the site once `entries` is set, for navigation and lists."""

    def __init__(self, settings: Settings, tags: Mapping[str, Mapping[str, str]]) -> None:
        self.settings = settings
        self.tags = tags
        self.entries: Mapping[str, Sequence[Entry]] = {}

    @cached_property
    def environment(self) -> Environment:
        """The templates of the theme; an unknown name is an error."""
        environment = Environment(
            loader=PackageLoader("kubetalk.theme", "templates"),
            bytecode_cache=self._compiled_templates(),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals["generator"] = f"kubetalk {package_version()}"
        environment.globals["version"] = package_version()
        return environment

    def _compiled_templates(self) -> FileSystemBytecodeCache | None:
        """Where compiled templates are kept between builds: compiling is a fifth of a build in which nothing runs."""
        folder = self.settings.cache_dir / "templates"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        return FileSystemBytecodeCache(str(folder))

    def page(self, template: str, info: PageInfo, **values: Any) -> Output:
        """A page with its frame; links are relative to the page."""
        root = root_of(info.path)
        html = self.environment.get_template(template).render(
            **self._common(info.language),
            page=info,
            root=root,
            url=lambda path: relative(path, info.path),
            asset=lambda name: f"{root}{ASSETS}{name}?v={version_of(name)}",
            canonical=absolute(self.settings, info.path),
            hreflangs=hreflang_links(self.settings, info),
            choices=self._choices(info),
            **values,
        )
        return Output(uri_of(info.path), with_root(html, root))

    def bare(self, template: str, uri: str, language: str, root: str, **values: Any) -> Output:
        """A page outside the frame of a language, such as the chooser; ``root`` leads to the site's root."""
        html = self.environment.get_template(template).render(
            **self._common(language),
            root=root,
            url=lambda path: (root + path) or "./",
            asset=lambda name: f"{root}{ASSETS}{name}?v={version_of(name)}",
            **values,
        )
        return Output(uri, with_root(html, root))

    def _common(self, language: str) -> dict[str, Any]:
        strings = load_strings(language)
        return {
            "t": strings,
            "load": load_strings,
            "language": language,
            "settings": self.settings,
            "site_name": in_language(self.settings.site_name, language),
            "site_description": in_language(self.settings.site_description, language),
            "copyright": Markup(self.settings.copyright),  # noqa: S704  HTML by MkDocs' convention, written by the author
            "home_path": f"{language}/",
            "talks_path": list_path(Kind.TALK, language),
            "posts_path": list_path(Kind.POST, language),
            "tags_path": tags_path(language),
            "feed_path": f"{language}/{FEED}",
            "search_path": f"{language}/{SEARCH}",
            "nav_pages": self._nav_pages(language),
            "tag_label": lambda tag: in_language(self.tags.get(tag, {}), language) or tag,
            "tag_path": lambda tag: tag_path(tag, language),
            "language_name": strings.language_name,
            "own_name": own_name,
            "script_strings": script_strings(strings),
        }

    def _nav_pages(self, language: str) -> tuple[Entry, ...]:
        pages = [
            entry
            for entry in self.entries.get(language, ())
            if entry.kind is Kind.PAGE and entry.document_id != HOME and entry.text_language == language
        ]
        return tuple(sorted(pages, key=lambda entry: entry.document_id))

    def _choices(self, info: PageInfo) -> tuple[LanguageChoice, ...]:
        paths = {alternate.language: alternate.path for alternate in info.alternates}
        choices = []
        for language in self.settings.languages:
            is_current = language == info.language
            strings, name = load_strings(language), own_name(language)
            is_available = is_current or language in paths
            key = "site.language_switch" if is_available else "site.untranslated"
            fallback = f"{language}/{info.section}/" if info.section in {"talks", "posts"} else f"{language}/"
            choices.append(
                LanguageChoice(
                    language=language,
                    name=name,
                    path=info.path if is_current else paths.get(language, fallback),
                    is_current=is_current,
                    is_available=is_available,
                    hint=strings(key, language=strings.language_name(language)),
                )
            )
        return tuple(choices)


def with_root(html: str, root: str) -> str:
    """Internal links of a text, whose root was not known when it was converted."""
    return html.replace(ROOT, root or "./") if ROOT in html else html


def with_suffix(alternates: Sequence[Alternate], suffix: str) -> tuple[Alternate, ...]:
    """The same below a folder, as the decks are."""
    return tuple(replace(alternate, path=alternate.path + suffix) for alternate in alternates)


def in_language(labels: Mapping[str, str], language: str) -> str:
    """The label in a language, else in the first one that is there, else nothing."""
    return labels.get(language) or next(iter(labels.values()), "")


def script_strings(strings: Strings) -> dict[str, str]:
    """The texts that scripts show, by their key."""
    keys = (
        "block.copy", "block.copy_command", "block.copy_all", "block.copy_file", "block.copied", "block.copy_failed",
        "provenance.copy_script", "search.hint", "search.none", "search.failed", "search.kind_talk", "search.kind_post",
        "search.kind_page",
    )  # fmt: skip
    flat = strings.flat()
    return {key: flat[key] for key in keys} | {
        key: text for key, text in flat.items() if key.startswith("search.count.")
    }


def package_version() -> str:
    """The installed version; ``unknown`` in a source tree that was never installed."""
    try:
        return version("kubetalk")
    except PackageNotFoundError:
        return "unknown"
