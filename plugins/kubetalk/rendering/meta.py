"""The head of a page: canonical and hreflang links, Open Graph, JSON-LD. Absolute addresses need `site_url`."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from kubetalk.model import Alternate, Document, Kind, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What a page's head and frame need to know of it."""

    path: str
    """From the site's root: ``en/talks/x/``."""
    language: str
    title: str
    """Of the page alone, without the site's name; empty on the start page."""
    description: str = ""
    alternates: tuple[Alternate, ...] = ()
    """The other languages' pages, this one excluded."""
    kind: str = "website"
    """Open Graph type: ``website`` or ``article``."""
    date: dt.date | None = None
    section: str = ""
    """Which entry of the navigation is current: ``talks``, ``posts``, ``tags`` or a page's id."""
    feed: str = ""
    """Path of the feed that goes with the page."""
    json_ld: Markup = Markup("")
    is_indexed: bool = True


def absolute(settings: Settings, path: str) -> str:
    """The full address of a path; empty without ``site_url``."""
    return settings.site_url + path if settings.site_url else ""


def hreflang_links(settings: Settings, info: PageInfo) -> tuple[tuple[str, str], ...]:
    """(hreflang, address) of a page in all its languages and x-default; symmetric, as every page lists the same set.

    x-default is the page in the first of the site's languages that has it, as in the sitemap. Nothing is written
    for a page of one language, nor without ``site_url`` (the addresses must be absolute: Google Search Central,
    "Localized versions of your pages").
    """
    if not settings.site_url or not info.alternates:
        return ()
    pages = {info.language: info.path} | {alternate.language: alternate.path for alternate in info.alternates}
    ordered = [language for language in settings.languages if language in pages]
    links = [(language, absolute(settings, pages[language])) for language in ordered]
    return (*links, ("x-default", absolute(settings, pages[ordered[0]])))


def json_ld(data: dict[str, object]) -> Markup:
    """A JSON-LD script's content; ``<`` is written as an escape so that no text can end the script."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def describe_document(settings: Settings, document: Document, language: str, path: str, description: str) -> Markup:
    """schema.org data of a document: BlogPosting, PresentationDigitalDocument with its events, or WebPage."""
    types = {Kind.POST: "BlogPosting", Kind.TALK: "PresentationDigitalDocument"}
    data: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": types.get(document.kind, "WebPage"),
        "name": document.facts.title[language],
        "inLanguage": language,
    }
    if document.kind is Kind.POST:
        data["headline"] = document.facts.title[language]
    if description:
        data["description"] = description
    if address := absolute(settings, path):
        data["url"] = address
    if document.facts.date:
        data["datePublished"] = document.facts.date.isoformat()
    if settings.author:
        data["author"] = {"@type": "Person", "name": settings.author}
    if document.facts.tags:
        data["keywords"] = list(document.facts.tags)
    if document.facts.events:
        data["releasedEvent"] = [
            event_data(event.name, language, event.date, event.url) for event in document.facts.events
        ]
    return json_ld(data)


def event_data(name: object, language: str, date: dt.date, url: str) -> dict[str, object]:
    """schema.org's PublicationEvent of one delivery."""
    names = name if isinstance(name, dict) else {}
    data: dict[str, object] = {
        "@type": "PublicationEvent",
        "name": names.get(language) or next(iter(names.values()), ""),
        "startDate": date.isoformat(),
    }
    return data | ({"url": url} if url else {})


def other_languages(path: str, language: str, languages: Sequence[str]) -> tuple[Alternate, ...]:
    """Alternates of a page that every language has, such as a list: the first part of its path is the language."""
    rest = path.removeprefix(language)
    return tuple(Alternate(other, other + rest) for other in languages if other != language)
