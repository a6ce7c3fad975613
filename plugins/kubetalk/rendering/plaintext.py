"""HTML to the plain text that the search finds, in passages from heading to heading; decoration is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

SKIPPED_TAGS = frozenset(["script", "style", "svg", "rt", "rp", "button", "template", "summary"])
SKIPPED_CLASSES = frozenset({"kt-anchor", "kt-drift", "kt-note", "kt-prompt", "kt-columns"})
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
PHRASE = frozenset({"a", "abbr", "b", "del", "em", "i", "ins", "mark", "ruby", "s", "small", "span", "strong", "u"})
INLINE = PHRASE | {"code", "kbd", "samp", "sub", "sup", "wbr"}
SPLITTING = frozenset({"h1", "h2", "h3"})
# All HTML that comes here was written by Python-Markdown, Jinja or an author whose page a browser shows; a tokeniser of
# one expression is ten times as fast as html.parser and sees the same tags.
TOKEN = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<tag>[a-zA-Z][\w-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|(?P<text>[^<]+|<)",
    re.DOTALL,
)
CLASS = re.compile(r"\sclass=[\"']([^\"']*)")
ID = re.compile(r"\sid=[\"']([^\"']*)")


@dataclass(frozen=True, slots=True)
class Passage:
    """The text from one heading to the next."""

    id: str
    """The heading's id; empty before the first heading."""
    title: str
    text: str
    """One line; does not repeat the title."""


def passages(html: str) -> tuple[Passage, ...]:
    """The passages of a page, in order; empty ones are left out."""
    found: list[list[str]] = [["", "", ""]]
    skipping: list[str] = []
    part = 2
    for token in TOKEN.finditer(html):
        text, tag = token["text"], (token["tag"] or "").lower()
        if text is not None:
            if not skipping:
                found[-1][part] += unescape(text)
        elif token["close"]:
            if tag in skipping:
                while skipping.pop() != tag:
                    pass
            elif not skipping:
                part = 2 if tag in SPLITTING else part
                found[-1][part] += "" if tag in INLINE else " "
        elif tag in VOID:
            found[-1][part] += " " if tag in {"br", "hr"} and not skipping else ""
        elif tag:
            classes = CLASS.search(token["attributes"])
            if skipping or tag in SKIPPED_TAGS or (classes and not SKIPPED_CLASSES.isdisjoint(classes[1].split())):
                skipping.append(tag)
            elif tag in SPLITTING:
                name = ID.search(token["attributes"])
                found.append([unescape(name[1]) if name else "", "", ""])
                part = 1
            elif tag not in INLINE:
                found[-1][part] += " "
    return tuple(Passage(i, flat(title), flat(text)) for i, title, text in found if flat(title) or flat(text))


def plain_text(html: str) -> str:
    """The whole text of a piece of HTML on one line, headings included."""
    return " ".join(part for passage in passages(html) for part in (passage.title, passage.text) if part)


def flat(text: str) -> str:
    """White space collapsed."""
    return re.sub(r"\s+", " ", text).strip()
