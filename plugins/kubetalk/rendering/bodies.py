"""Texts to bodies, in two steps: the Markdown as soon as it is read, the blocks when their recordings are there.

So a link that leads nowhere is found before anything runs, and no text is converted twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from kubetalk.errors import KubetalkError, ManyErrors
from kubetalk.model import Document, Kind, Rendition, Text
from kubetalk.rendering.blocks import BlockRenderer
from kubetalk.rendering.deck import SlideSkeleton, SlideView, level_headings, slide_skeletons, slide_view
from kubetalk.rendering.frame import in_language
from kubetalk.rendering.markdown import Converter, Heading, markdown_with_placeholders
from kubetalk.rendering.strings import load_strings

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment

    from kubetalk.rendering.links import LinkMap

TOKEN = re.compile(r"<!--@@kubetalk-block (\d+)@@-->")
"""Stands in the HTML for a block until it can be shown."""


@dataclass(frozen=True, slots=True)
class Body:
    """A text after conversion, its internal links still without a root."""

    html: Markup = Markup("")
    headings: tuple[Heading, ...] = ()
    slides: tuple[SlideView, ...] = ()
    assets: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A text whose blocks are still tokens."""

    html: str = ""
    headings: tuple[Heading, ...] = ()
    slides: tuple[SlideSkeleton, ...] = ()
    assets: Mapping[str, Path] = field(default_factory=dict)


class Bodies:
    """Converts each text once, however many pages show it; not safe for threads."""

    def __init__(self, links: LinkMap, templates: Callable[[], Environment]) -> None:
        """``templates`` is asked for when the first block is rendered."""
        self._links = links
        self._templates = templates
        self._converters: dict[str, Converter] = {}
        self._skeletons: dict[tuple[Kind, str, str], tuple[Document, Skeleton]] = {}
        self._bodies: dict[tuple[Kind, str, str], tuple[Rendition, Body]] = {}

    def body(self, rendition: Rendition, text: Text) -> Body:
        """The finished text. Raises what `skeleton` raises, and ContentError for a reference that leads nowhere."""
        key = (rendition.document.kind, rendition.document.id, text.language)
        known = self._bodies.get(key)
        if known is None or known[0] is not rendition:
            self._bodies[key] = known = (rendition, self._filled(rendition, text))
        return known[1]

    def skeleton(self, document: Document, text: Text) -> Skeleton:
        """The text with tokens for its blocks. Raises ContentError or ManyErrors for links that lead nowhere."""
        key = (document.kind, document.id, text.language)
        known = self._skeletons.get(key)
        if known is None or known[0] is not document:
            self._skeletons[key] = known = (document, self._converted(document, text))
        return known[1]

    def blocks(self, rendition: Rendition, text: Text) -> BlockRenderer:
        """What renders the blocks of one text."""
        return BlockRenderer(self._templates(), load_strings(text.language), rendition, text)

    def _filled(self, rendition: Rendition, text: Text) -> Body:
        skeleton = self.skeleton(rendition.document, text)
        blocks = self.blocks(rendition, text)

        def fill(html: str) -> str:
            return TOKEN.sub(lambda match: blocks.html(int(match[1])), html)

        strings = load_strings(text.language)
        return Body(
            html=Markup(fill(skeleton.html)),  # noqa: S704  the author's Markdown
            headings=skeleton.headings,
            slides=tuple(slide_view(slide, strings, fill) for slide in skeleton.slides),
            assets=skeleton.assets,
        )

    def _converted(self, document: Document, text: Text) -> Skeleton:
        assets: dict[str, Path] = {}
        errors: list[KubetalkError] = []

        def rewrite(html: str) -> str:
            try:
                result, found = self._links.rewrite(html, text)
            except KubetalkError as error:
                errors.extend(error.problems)
                return html
            assets.update(found)
            return result

        converter = self._converter(text.language)
        session = self.blocks(Rendition(document), text).session
        if document.kind is Kind.TALK:
            skeleton = Skeleton(slides=slide_skeletons(text, converter, _token, session, rewrite), assets=assets)
        else:
            title = in_language(document.facts.title, text.language)
            source = without_title(markdown_with_placeholders(text), title)
            converted = converter.convert(source, block=_token, session=session)
            html = rewrite(level_headings(converted.html, 2, keep_ids=True))
            skeleton = Skeleton(html=html, headings=converted.headings, assets=assets)
        if errors:
            raise errors[0] if len(errors) == 1 else ManyErrors(errors)
        return skeleton

    def _converter(self, language: str) -> Converter:
        if language not in self._converters:
            self._converters[language] = Converter(load_strings(language)("post.permalink"))
        return self._converters[language]


def _token(number: int) -> str:
    return f"<!--@@kubetalk-block {number}@@-->"


def without_title(source: str, title: str) -> str:
    """A text without a first heading that only repeats the document's title."""
    lines = source.lstrip("\n").split("\n")
    heading = lines[0].removeprefix("# ").split(" {#", 1)[0].strip()
    return "\n".join(lines[1:]) if lines[0].startswith("# ") and heading == title.strip() else source
