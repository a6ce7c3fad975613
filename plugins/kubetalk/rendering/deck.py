"""The slides of a talk: Markdown of each to heading, body and notes, and the layout that suits what is on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from typing import TYPE_CHECKING

from markupsafe import Markup

from kubetalk.rendering.markdown import definitions, markdown_with_placeholders, with_definitions
from kubetalk.rendering.plaintext import flat, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubetalk.model import Slide, Text
    from kubetalk.rendering.markdown import Converter
    from kubetalk.rendering.strings import Strings

HEADING_TAG = re.compile(r"<(?P<close>/?)h(?P<level>[1-6])(?=[\s>])")
FIRST_HEADING = re.compile(r"\s*<h(?P<level>[1-6])(?P<attributes>[^>]*)>(?P<text>.*?)</h(?P=level)>\s*", re.DOTALL)
ID_ATTRIBUTE = re.compile(r'\sid="[^"]*"')
SLIDE_LINK = re.compile(r'(<a [^>]*href="#)([^"/]+)(?=")')
FIGURE = re.compile(r'<figure class="kt-block kt-(?P<kind>\w+)[" ](?P<rest>[^>]*)>')
SIZE = re.compile(r"--kt-cols:(?P<columns>\d+);.*?--kt-rows:(?P<rows>\d+)")
NARROW = 46
"""Columns of a block that has half a slide, at the smallest type that carries."""
TALL = 12
"""Rows of two blocks together that leave little of a slide when they stand one above the other."""
STATEMENT_LENGTH = 140
"""Characters of prose up to which a slide without anything else is set large."""
AUTHOR_ATTRIBUTE = re.compile(r"class|style|data-[\w-]+")


@dataclass(frozen=True, slots=True)
class SlideView:
    """One slide, the same for the deck and for the reading view."""

    number: int
    id: str
    """Written by the author, else ``slide-3``; the same in all languages."""
    title: str
    """Plain text of its heading, empty if it has none."""
    label: str
    """For screen readers: number and title."""
    layout: str
    """``title``, ``statement``, ``diagram``, ``terminal`` or ``prose``."""
    heading: Markup
    """Content of the heading element."""
    body: Markup
    deck_body: Markup
    """The body for the deck, where a link to another slide is written ``#/id``."""
    notes: Markup
    attributes: tuple[tuple[str, str], ...]
    """The author's, for the deck's section; ``class`` is in `classes`."""
    classes: str
    text: str
    """Plain text of body and notes, for the search."""


def slide_id(slide: Slide) -> str:
    """The id of a slide's section, and so its place in the address."""
    return slide.id or f"slide-{slide.number}"


@dataclass(frozen=True, slots=True)
class SlideSkeleton:
    """One slide as HTML, its blocks still tokens, its links those of the site."""

    slide: Slide
    heading: str
    body: str
    deck_body: str
    notes: str
    attributes: tuple[tuple[str, str], ...]


def slide_skeletons(
    text: Text,
    converter: Converter,
    block: Callable[[int], str],
    session: Callable[[str], str],
    rewrite: Callable[[str], str],
) -> tuple[SlideSkeleton, ...]:
    """All slides of a text. ``block`` and ``session`` are those of `Converter.convert`, ``rewrite`` turns links.

    Raises what these raise.
    """
    known = definitions(text.source)
    ids = {slide_id(slide) for slide in text.slides}

    def in_deck(match: re.Match[str]) -> str:
        return f"{match[1]}/{match[2]}" if match[2] in ids else match[0]

    def convert(source: str) -> str:
        converted = converter.convert(with_definitions(source, known), block=block, session=session, is_slide=True)
        return rewrite(converted.html)

    skeletons = []
    for slide in text.slides:
        html = level_headings(convert(markdown_with_placeholders(text, slide.first_line, slide.last_line)), 2)
        match = FIRST_HEADING.match(html)
        heading, body = (match["text"], html[match.end() :]) if match else ("", html)
        notes = level_headings(convert(slide.notes), 3) if slide.notes.strip() else ""
        skeletons.append(
            SlideSkeleton(slide, heading, body, SLIDE_LINK.sub(in_deck, body), notes, author_attributes(slide, rewrite))
        )
    return tuple(skeletons)


def slide_view(skeleton: SlideSkeleton, strings: Strings, fill: Callable[[str], str]) -> SlideView:
    """The slide with its blocks, which ``fill`` puts in the place of their tokens. Raises what it raises."""
    slide, body = skeleton.slide, fill(skeleton.body)
    title = slide.title or plain_text(skeleton.heading)
    key = "talk.slide_titled" if title else "talk.slide"
    return SlideView(
        number=slide.number,
        id=slide_id(slide),
        title=title,
        label=strings(key, n=slide.number, title=title),
        layout=layout_of(slide, skeleton.heading, body),
        heading=Markup(skeleton.heading),  # noqa: S704  Markdown of the author
        body=Markup(body),  # noqa: S704
        deck_body=Markup(fill(skeleton.deck_body)),  # noqa: S704
        notes=Markup(skeleton.notes),  # noqa: S704
        attributes=skeleton.attributes,
        classes=" ".join(filter(None, [stands_beside(body), slide.attributes.get("class", "")])),
        text=flat(f"{plain_text(body)} {plain_text(skeleton.notes)}"),
    )


def author_attributes(slide: Slide, rewrite: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    """The attributes of `<!-- .slide: … -->` that may stand on a section, the addresses of backgrounds rewritten."""
    return tuple(
        (
            name,
            unescape(match[1]) if (match := re.search(r'="(.*)"', rewrite(f'<p {name}="{escape(value)}">'))) else value,
        )
        for name, value in slide.attributes.items()
        if AUTHOR_ATTRIBUTE.fullmatch(name) and name != "class"
    )


def layout_of(slide: Slide, heading: str, body: str) -> str:
    """How a slide is set: decided by what is on it, not by the author."""
    if slide.number == 1:
        return "title"
    blocks = [match["kind"] for match in FIGURE.finditer(body)]
    if "diagram" in blocks:
        return "diagram"
    if blocks or "<pre" in body:
        return "terminal"
    prose = plain_text(body)
    plain = not re.search(r"<(?:ul|ol|table|img|dl|blockquote|div|iframe|video)\b", body)
    if plain and len(prose) <= STATEMENT_LENGTH and (heading or prose):
        return "statement"
    return "prose"


def stands_beside(body: str) -> str:
    """``kt-beside`` for a slide whose two blocks are narrow and together tall, else nothing."""
    figures = list(FIGURE.finditer(body))
    sizes = [size for figure in figures if (size := SIZE.search(figure["rest"]))]
    if len(figures) != 2 or len(sizes) != 2:
        return ""
    is_narrow = all(int(size["columns"]) <= NARROW for size in sizes)
    return "kt-beside" if is_narrow and sum(int(size["rows"]) for size in sizes) >= TALL else ""


def level_headings(html: str, top: int, *, keep_ids: bool = False) -> str:
    """Headings moved so that the highest one has level ``top``; the order below it is kept, six is the end.

    The first heading of a slide loses its id, unless they are kept: the slide's section carries it.
    """
    levels = [int(match["level"]) for match in HEADING_TAG.finditer(html)]
    if not levels:
        return html
    shift = top - min(levels)

    def moved(match: re.Match[str]) -> str:
        return f"<{match['close']}h{min(int(match['level']) + shift, 6)}"

    html = HEADING_TAG.sub(moved, html) if shift else html
    match = None if keep_ids else FIRST_HEADING.match(html)
    if match and 'id="' in match["attributes"]:
        start, end = match.span("attributes")
        html = html[:start] + ID_ATTRIBUTE.sub("", match["attributes"]) + html[end:]
    return html
