"""Where things are on the site (design, 6). Paths begin at the site's root, without a leading slash."""

from __future__ import annotations

import posixpath

from kubetalk.errors import ContentError
from kubetalk.model import Document, Kind

ASSETS = "assets/kubetalk/"
HOME = "home"
"""Id of the page that becomes the start page of its language."""
FEED = "feed.xml"
"""Name of the Atom feed in a language's folder; `indexing` writes it, page heads link to it."""
SEARCH = "search.js"


def document_path(document: Document, language: str) -> str:
    """The reading view of a talk, the post or the page: ``en/posts/2026/11/20/x/``.

    Raises ContentError for a post without a date.
    """
    match document.kind:
        case Kind.TALK:
            return f"{language}/talks/{document.id}/"
        case Kind.POST:
            if document.facts.date is None:
                raise ContentError(
                    f"the post `{document.id}` has no date, and its address begins with one",
                    where=document.facts.location,
                    remedy="Add `date: YYYY-MM-DD`",
                )
            return f"{language}/posts/{document.facts.date:%Y/%m/%d}/{document.id}/"
        case _:
            return f"{language}/" if document.id == HOME else f"{language}/{document.id}/"


def deck_path(document: Document, language: str) -> str:
    """The slides of a talk: ``en/talks/x/slides/``."""
    return document_path(document, language) + "slides/"


def list_path(kind: Kind, language: str) -> str:
    """``en/talks/`` or ``en/posts/``."""
    return f"{language}/{kind.value}s/"


def tags_path(language: str) -> str:
    """``en/tags/``."""
    return f"{language}/tags/"


def tag_path(tag: str, language: str) -> str:
    """``en/tags/istio/``."""
    return f"{language}/tags/{tag}/"


def uri_of(path: str) -> str:
    """The file behind a path: ``en/talks/x/`` is ``en/talks/x/index.html``."""
    return f"{path}index.html" if path.endswith("/") or not path else path


def relative(target: str, page: str) -> str:
    """The link from one path to another, so that a site works below any base path: ``../../ja/talks/x/``.

    Both may carry a fragment or query; a folder keeps its closing slash.
    """
    cut = min((position for sign in "?#" if (position := target.find(sign)) >= 0), default=len(target))
    target, rest = target[:cut], target[cut:]
    folder = posixpath.dirname(page)
    link = posixpath.relpath("/" + target, "/" + folder)
    if target.endswith("/") or not target:
        link = "./" if link == "." else link + "/"
    return link + rest


def root_of(page: str) -> str:
    """From a page to the site's root: ``../../`` or an empty string."""
    return "../" * page.count("/")
