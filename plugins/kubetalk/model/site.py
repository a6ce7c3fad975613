"""What a built site is made of: outputs, and what pages know of each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from kubetalk.model.diagram import Diagram
from kubetalk.model.document import Document, Event, Kind
from kubetalk.model.recording import Comparison, Origin, Recording
from kubetalk.model.session import SourceFile


@dataclass(frozen=True, slots=True)
class Output:
    """One file of the site."""

    uri: str
    """Relative to the site, with slashes: ``en/talks/x/index.html``."""
    content: str | bytes


@dataclass(frozen=True, slots=True)
class Rendition:
    """A document with everything that was run and drawn for it: all that rendering needs."""

    document: Document
    recording: Recording | None = None
    """None for a document without live blocks."""
    origin: Origin = Origin.RECORDED
    diagrams: Mapping[tuple[str, str], Diagram] = field(default_factory=dict)
    """(diagram id, language) to picture."""
    comparisons: tuple[Comparison, ...] = ()
    """Verdicts on its commands, when a comparison was made; the page marks those that drifted."""
    files: tuple[SourceFile, ...] = ()
    """What its session finds in the working directory; the page's script brings along those that it uses."""


@dataclass(frozen=True, slots=True)
class Alternate:
    """The same page in another language."""

    language: str
    path: str
    """From the site's root without a leading slash: ``ja/talks/x/``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as lists, feeds and the search know it, in one language of the site."""

    document_id: str
    kind: Kind
    path: str
    """From the site's root, ``en/posts/2026/11/20/x/``."""
    language: str
    """Language of the list it stands in."""
    text_language: str
    """Language of the text it leads to; differs from ``language`` when it is not translated."""
    title: str
    description: str
    date: dt.date | None
    tags: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    slides_path: str = ""
    """Talks only: path of the deck."""
    slide_count: int = 0
    reading_minutes: int = 0
    alternates: tuple[Alternate, ...] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One findable thing: a page section or a slide."""

    path: str
    """With fragment, from the site's root."""
    title: str
    """Title of the document."""
    section: str
    """Title of the section or slide; empty for the whole page."""
    text: str
    """Plain text; commands and outputs included."""
    kind: Kind
