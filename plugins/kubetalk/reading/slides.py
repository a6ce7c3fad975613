"""Cuts a deck's text into slides: a line ``---`` outside of fences and comments, as reveal.js' Markdown plugin has it.

No blank lines are needed around the separator (so ``Title`` above ``---`` is a slide's last line, not a heading).
``Note:`` or ``Notes:`` at the start of a line, in any case and also with the full-width colon, starts the speaker
notes; they reach to the end of the slide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kubetalk.errors import ContentError, KubetalkError
from kubetalk.model import Location, Slide
from kubetalk.reading.fences import Scan

_SEPARATOR = re.compile(r"---[ \t]*")
_NOTE = re.compile(r"notes?[ \t]*[:：](?P<text>.*)", re.IGNORECASE)
_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?:[ \t]+(?P<text>.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}=+[ \t]*")
_ATTRIBUTE_LIST = re.compile(r"[ \t]*\{:?(?P<attributes>[^{}]*)\}[ \t]*$")
_SLIDE_COMMENT = re.compile(r"\s*\.slide:")
_LONGEST_HEADING = 1000
_ATTRIBUTE = re.compile(
    r"""\s*(?P<name>[A-Za-z_:][\w:.-]*)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'=<>`]+)))?"""
)


def split_slides(lines: Sequence[str], scan: Scan, path: str, errors: list[KubetalkError]) -> tuple[Slide, ...]:
    """The slides of a deck; an empty one and a repeated id are problems. Lines are 1-based in the result."""
    slides = []
    ids: dict[str, int] = {}
    for number, (first, end) in enumerate(_parts(lines, scan), start=1):
        slide = _slide(_Part(lines, scan, first, end, path), number, errors)
        slides.append(slide)
        if slide.id and slide.id in ids:
            message = f"slide {number} has the id `{slide.id}` of slide {ids[slide.id]}"
            where = Location(path, slide.first_line)
            errors.append(ContentError(message, where=where, remedy="Give each slide its own id."))
        elif slide.id:
            ids[slide.id] = number
    return tuple(slides)


def _parts(lines: Sequence[str], scan: Scan) -> list[tuple[int, int]]:
    """Index of the first line and behind the last line of each slide, separators left out."""
    parts, first = [], 0
    for index, line in enumerate(lines):
        if _SEPARATOR.fullmatch(line) and index + 1 not in scan.opaque:
            parts.append((first, index))
            first = index + 1
    parts.append((first, len(lines)))
    return parts


@dataclass(frozen=True, slots=True)
class _Part:
    lines: Sequence[str]
    scan: Scan
    first: int
    end: int
    path: str


def _slide(part: _Part, number: int, errors: list[KubetalkError]) -> Slide:
    note = next(
        (
            index
            for index in range(part.first, part.end)
            if index + 1 not in part.scan.opaque and _NOTE.match(part.lines[index])
        ),
        part.end,
    )
    notes = ""
    if note < part.end and (match := _NOTE.match(part.lines[note])):
        notes = "\n".join([match["text"].strip(), *part.lines[note + 1 : part.end]]).strip("\n")
        if match["text"].strip() == "":
            notes = notes.lstrip()
        notes = notes.rstrip()
    body = part.lines[part.first : note]
    attributes = _attributes(part, note, errors)
    if not attributes and not _without_comments("\n".join(body)).strip():
        _tell_empty(part, number, errors, has_notes=bool(notes))
    title, id_ = _heading(part, note)
    inner = [index for index in range(part.first, note) if part.lines[index].strip()]
    return Slide(
        number=number,
        id=id_ or attributes.get("id", ""),
        title=title,
        first_line=(inner[0] if inner else part.first) + 1,
        last_line=(inner[-1] if inner else part.first) + 1,
        notes=notes,
        attributes=attributes,
    )


def _tell_empty(part: _Part, number: int, errors: list[KubetalkError], *, has_notes: bool) -> None:
    if has_notes:
        message, remedy = (
            f"slide {number} has speaker notes only",
            "Write what it shows, or join it with its neighbour.",
        )
    elif part.end == len(part.lines) and part.first:
        message, remedy = f"slide {number} is empty: nothing stands below the last `---`", "Delete that `---`."
    else:
        message, remedy = f"slide {number} is empty", "Delete one `---`, or write what the slide shows."
    line = min(part.first + 1, len(part.lines)) or 1
    errors.append(ContentError(message, where=Location(part.path, line), remedy=remedy))


def _attributes(part: _Part, end: int, errors: list[KubetalkError]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    rows = ["" if index + 1 in part.scan.fenced else part.lines[index] for index in range(part.first, end)]
    for before, comment in _comments("\n".join(rows)):
        opening = _SLIDE_COMMENT.match(comment)
        if not opening:
            continue
        line = part.first + before + 1
        written, position = comment[opening.end() :].rstrip(), 0
        while position < len(written):
            match = _ATTRIBUTE.match(written, position)
            if not match:
                message = f"the attributes of the slide cannot be read from `{written[position:].strip()[:30]}` on"
                remedy = 'Write `<!-- .slide: class="…" data-background-color="…" -->`.'
                errors.append(ContentError(message, where=Location(part.path, line), remedy=remedy))
                break
            found[match["name"]] = match["double"] or match["single"] or match["bare"] or ""
            position = match.end()
    return found


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """The content of each HTML comment, with the number of lines before it."""
    lines = end = 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        lines += text.count("\n", end, start)
        yield lines, text[start + 4 : close]
        lines += text.count("\n", start, close)
        end = close


def _without_comments(text: str) -> str:
    parts, end = [], 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        parts.append(text[end:start])
        end = close + 3
    return "".join([*parts, text[end:]])


def _heading(part: _Part, end: int) -> tuple[str, str]:
    for index in range(part.first, end):
        if index + 1 in part.scan.opaque:
            continue
        line = part.lines[index][:_LONGEST_HEADING]
        if match := _HEADING.fullmatch(line):
            return heading(match["text"] or "")
        following = part.lines[index + 1] if index + 1 < end else ""
        if line.strip() and _UNDERLINE.fullmatch(following) and index + 2 not in part.scan.opaque:
            return heading(line.strip())
    return "", ""


def heading(text: str) -> tuple[str, str]:
    """Plain title and written id of a heading's text, ``Mesh `x` {#mesh}`` without its ``#`` marks."""
    id_ = ""
    if listed := _ATTRIBUTE_LIST.search(text):
        name = re.search(r"(?<!\S)#([^\s}]+)", listed["attributes"])
        id_ = name[1] if name else ""
        text = text[: listed.start()]
    return plain_text(text), id_


def plain_text(text: str) -> str:
    """Markdown inline text without its marks: for titles in lists, tabs and search."""
    text = _without_comments(text[:_LONGEST_HEADING])
    text = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = re.sub(r"!?\[([^\[\]]*)\]\[[^\[\]]*\]", r"\1", text)
    text = re.sub(r"<(rt|rp)>.*?</\1>", "", text, flags=re.IGNORECASE)
    text = re.sub(r"<br\s*/?>", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"</?[A-Za-z][^<>]*>", "", text)
    text = re.sub(r"(`+)\s?(.*?)\s?\1", r"\2", text)
    text = re.sub(r"(\*{1,3}|~~|==)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return " ".join(text.split())
