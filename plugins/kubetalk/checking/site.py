"""The bilingual site check: what a reader would stumble over, found before anybody reads."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from kubetalk.checking.html import PageFacts, read_page_facts
from kubetalk.model import Finding, Location, Output, Settings, Severity

_ERRORS = frozenset({"dead-link", "dead-fragment", "duplicate-id", "page-language"})
"""Rules whose breach is wrong on every site; the others warn: a theme of somebody else's may have its own mind."""


def check_site(outputs: Iterable[Output], settings: Settings, *, existing: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Findings on the pages among ``outputs``, sorted by place; in time linear in their size.

    ``existing`` lists more uris of the site, so that links to them are not called dead. Rules: ``dead-link``,
    ``dead-fragment``, ``duplicate-id``, ``page-language`` (errors), ``foreign-request``, ``hreflang``, ``image-text``,
    ``page-title`` (warnings).
    """
    pages: dict[str, PageFacts] = {}
    known = set(existing)
    for output in outputs:
        known.add(output.uri)
        if output.uri.endswith(".html") and isinstance(output.content, str):
            pages[output.uri] = read_page_facts(output.content)
    site = _Site(settings, pages, known, {uri: frozenset((*page.ids, *page.names)) for uri, page in pages.items()})
    findings = [
        Finding(
            Severity.ERROR if rule in _ERRORS else Severity.WARNING,
            rule,
            message,
            location=Location(uri),
            remedy=remedy,
        )
        for uri, page in pages.items()
        for rule, message, remedy in site.check(uri, page)
    ]
    return tuple(sorted(findings, key=lambda f: (str(f.location), f.rule, f.message)))


@dataclass(frozen=True, slots=True)
class _Site:
    settings: Settings
    pages: Mapping[str, PageFacts]
    known: set[str]
    places: Mapping[str, frozenset[str]]
    """Page to what a fragment can name in it."""

    def check(self, uri: str, page: PageFacts) -> Iterator[tuple[str, str, str]]:
        """Rule, message and remedy of all that is wrong with a page."""
        if not page.title.strip():
            yield "page-title", "the page has no title", ""
        expected = uri.split("/", 1)[0]
        if expected in self.settings.languages and page.language != expected:
            yield "page-language", f'<html lang="{page.language}"> on a page below /{expected}/', ""
        for name, count in Counter(page.ids).items():
            if count > 1:
                yield "duplicate-id", f'id="{name}" stands {count} times', "Give one of them another id"
        if page.images_without_text:
            yield "image-text", f"{page.images_without_text} images without alt text", "Write ![text](image)"
        for address in dict.fromkeys(page.fetched):
            if urlsplit(address).netloc and self._own(address) is None:
                yield "foreign-request", f"the browser would load {address}", "Put the file into docs/"
        for address in dict.fromkeys((*page.links, *page.fetched, *filter(None, [page.refresh]))):
            yield from self._dead(uri, address)
        for message in self._asymmetric(uri, page):
            yield "hreflang", message, ""

    def _own(self, address: str) -> str | None:
        """The path from the site's root of an address that names this very site."""
        url = self.settings.site_url
        return address.removeprefix(url) if url and address.startswith(url) else None

    def _dead(self, uri: str, address: str) -> Iterator[tuple[str, str, str]]:
        own = self._own(address)
        parts = urlsplit(address if own is None else self.settings.base_path + own)
        if parts.scheme or parts.netloc:
            return
        path, base = unquote(parts.path), self.settings.base_path
        if not path.startswith("/"):
            target = _target(uri, path)
        elif path.startswith(base):  # from the server's root, as 404 pages need it: they show at any depth
            target = _target(uri, f"/{path.removeprefix(base)}")
        else:
            yield "dead-link", f"the link {address} leads out of the site, which is at {base}", ""
            return
        if target not in self.known and f"{target}/index.html" in self.known:
            target = f"{target}/index.html"  # as every server has it
        if target not in self.known:
            yield "dead-link", f"the link {address} leads to {target}, which does not exist", ""
        elif target in self.places and not _is_place(parts.fragment, self.places[target]):
            yield "dead-fragment", f"the link {address} names a place that {target} does not have", ""

    def _asymmetric(self, uri: str, page: PageFacts) -> Iterator[str]:
        """Hreflang links have to be absolute, name the page itself, and be answered by every page they name."""
        if not page.alternates:
            return
        url = self.settings.site_url
        own = url + uri.removesuffix("index.html")
        if url and own not in page.alternates.values():
            yield f"the alternates do not name the page itself ({own})"
        if "x-default" not in page.alternates:
            yield "there is no x-default among the alternates"
        for language, address in page.alternates.items():
            if not urlsplit(address).scheme:
                yield f"the alternate for {language} is not absolute: {address}"
                continue
            path = address.removeprefix(url)
            other = self.pages.get(f"{path}index.html" if not path or path.endswith("/") else path)
            if other is None:
                yield f"the alternate for {language} does not exist: {address}"
            elif language != "x-default" and own not in other.alternates.values():
                yield f"the alternate {address} does not point back here"


def _is_place(fragment: str, places: frozenset[str]) -> bool:
    """Whether a fragment means something: nothing and ``top`` are the page's top (HTML, "indicated part")."""
    fragment = fragment.partition(":~:")[0]  # a text fragment is the browser's business
    if not fragment or fragment.startswith("/"):  # `#/3` is reveal.js' way to a slide
        return True
    name = unquote(fragment)
    return name in places or fragment in places or name.lower() == "top"


def _target(uri: str, path: str) -> str:
    """The uri a relative address on page ``uri`` stands for."""
    if not path:
        return uri
    joined = posixpath.normpath(posixpath.join("/", posixpath.dirname(uri), path)).lstrip("/")
    if joined == ".":
        joined = ""
    if joined == "" or path.endswith(("/", ".")):
        return f"{joined}/index.html".lstrip("/")
    return joined
