"""The bilingual site check: what a reader would stumble over, found before anybody reads."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from kubetalk.checking.html import PageFacts, read_page_facts
from kubetalk.model import Finding, Location, Output, Settings, Severity


def check_site(outputs: Iterable[Output], settings: Settings, *, existing: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Findings on the pages among ``outputs``, sorted by place.

    ``existing`` lists uris that MkDocs itself will write, so that links to them are not called dead. Rules:
    ``dead-link``, ``dead-fragment``, ``foreign-request``, ``duplicate-id``, ``page-language``, ``hreflang``,
    ``image-text``, ``page-title``.
    """
    files = tuple(outputs)
    pages = {
        output.uri: read_page_facts(output.content)
        for output in files
        if output.uri.endswith(".html") and isinstance(output.content, str)
    }
    known = {output.uri for output in files} | set(existing)
    findings = [finding for uri, page in pages.items() for finding in _check_page(uri, page, pages, known, settings)]
    return tuple(sorted(findings, key=lambda f: (str(f.location), f.rule, f.message)))


def _check_page(
    uri: str, page: PageFacts, pages: Mapping[str, PageFacts], known: set[str], settings: Settings
) -> Iterator[Finding]:
    def finding(rule: str, message: str, remedy: str = "") -> Finding:
        return Finding(Severity.ERROR, rule, message, location=Location(uri), remedy=remedy)

    if not page.title.strip():
        yield finding("page-title", "the page has no title")
    expected = uri.split("/", 1)[0]
    if expected in settings.languages and page.language != expected:
        yield finding("page-language", f'<html lang="{page.language}"> on a page below /{expected}/')
    for name, count in Counter(page.ids).items():
        if count > 1:
            yield finding("duplicate-id", f'id="{name}" stands {count} times', "Give one of them another id")
    if page.images_without_text:
        yield finding("image-text", f"{page.images_without_text} images without alt text", "Write ![text](image)")
    for address in page.fetched:
        if urlsplit(address).netloc or address.startswith("//"):
            yield finding("foreign-request", f"the browser would load {address}", "Put the file into docs/")
    yield from (finding(rule, message) for rule, message in _dead_links(uri, page, pages, known, settings))
    yield from (finding("hreflang", message) for message in _asymmetric(uri, page, pages, settings))


def _dead_links(
    uri: str, page: PageFacts, pages: Mapping[str, PageFacts], known: set[str], settings: Settings
) -> Iterator[tuple[str, str]]:
    for address in dict.fromkeys([*page.links, *page.fetched]):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        path = unquote(parts.path)
        if path.startswith("/"):  # from the server's root, as 404 pages need it: they show at any depth
            inside = path.startswith(settings.base_path)
            target = _target(uri, f"/{path.removeprefix(settings.base_path)}") if inside else path
        else:
            target = _target(uri, path)
        if target not in known and f"{target}/index.html".lstrip("/") not in known:
            yield "dead-link", f"the link {address} leads to {target}, which does not exist"
        elif (
            parts.fragment
            and not parts.fragment.startswith("/")
            and target in pages
            and unquote(parts.fragment) not in pages[target].ids
        ):
            yield "dead-fragment", f"the link {address} names a place that {target} does not have"


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


def _asymmetric(uri: str, page: PageFacts, pages: Mapping[str, PageFacts], settings: Settings) -> Iterator[str]:
    """Hreflang links have to be absolute, name the page itself, and be answered by every page they name."""
    if not page.alternates:
        return
    own = settings.site_url + uri.removesuffix("index.html")
    if settings.site_url and own not in page.alternates.values():
        yield f"the alternates do not name the page itself ({own})"
    if "x-default" not in page.alternates:
        yield "there is no x-default among the alternates"
    for language, address in page.alternates.items():
        if not urlsplit(address).scheme:
            yield f"the alternate for {language} is not absolute: {address}"
            continue
        path = address.removeprefix(settings.site_url)
        other = pages.get(f"{path}index.html" if not path or path.endswith("/") else path)
        if other is None:
            yield f"the alternate for {language} does not exist: {address}"
        elif language != "x-default" and own not in other.alternates.values():
            yield f"the alternate {address} does not point back here"
