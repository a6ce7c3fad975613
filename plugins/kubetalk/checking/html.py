"""The few facts of an HTML page that the site check needs, read with the standard library's tolerant parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

# Attributes that make a browser fetch something by itself, by element; links a reader follows are not among them.
_FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("use", "href"),
    ("image", "href"),
}
_FETCHED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


@dataclass(slots=True)
class PageFacts:
    """What one page says of itself."""

    language: str = ""
    ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """name of every <a>: the old way to mark a place."""
    links: list[str] = field(default_factory=list)
    """href of every <a>."""
    fetched: list[str] = field(default_factory=list)
    """Addresses the browser loads by itself."""
    alternates: dict[str, str] = field(default_factory=dict)
    """hreflang to absolute address."""
    canonical: str = ""
    title: str = ""
    images_without_text: int = 0
    refresh: str = ""
    """Target of a redirect page."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.facts = PageFacts()
        self._title_depth = 0
        self._svg_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        facts = self.facts
        if tag == "svg":
            self._svg_depth += 1
        if tag == "html":
            facts.language = given.get("lang", "")
        if "id" in given:
            facts.ids.append(given["id"])
        if tag == "a":
            if "href" in given:
                facts.links.append(given["href"])
            if given.get("name"):
                facts.names.append(given["name"])
        if tag == "title" and not self._svg_depth:
            self._title_depth += 1
        if tag == "img" and "alt" not in given:
            facts.images_without_text += 1
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            facts.refresh = given.get("content", "").partition("url=")[2]
        if tag == "link":
            self._link(given)
        for element, name in _FETCHED:
            if element == tag and given.get(name):
                facts.fetched.extend(_sources(given[name]) if name == "srcset" else [given[name]])

    def _link(self, given: dict[str, str]) -> None:
        relations = set(given.get("rel", "").split())
        href = given.get("href", "")
        if relations & _FETCHED_RELATIONS:
            self.facts.fetched.append(href)
        if "canonical" in relations:
            self.facts.canonical = href
        if "alternate" in relations and "hreflang" in given:
            self.facts.alternates[given["hreflang"]] = href

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg":
            self._svg_depth = max(0, self._svg_depth - 1)
        if tag == "title" and self._title_depth:
            self._title_depth -= 1

    def handle_data(self, data: str) -> None:
        if self._title_depth:
            self.facts.title += data


def _sources(srcset: str) -> list[str]:
    """The addresses of ``a.png 1x, b.png 2x``."""
    return [candidate.split()[0] for candidate in srcset.split(", ") if candidate.strip()]


def read_page_facts(html: str) -> PageFacts:
    """The facts of one page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.facts
