"""One Markdown text -> `Text`: its blocks with exact lines and, for a talk, its slides."""

from __future__ import annotations

import re

import yaml

from kubetalk.errors import ContentError, KubetalkError, ManyErrors
from kubetalk.model import Kind, Location, Text
from kubetalk.reading.blocks import read_block
from kubetalk.reading.fences import Scan, scan
from kubetalk.reading.options import Form, form_of
from kubetalk.reading.slides import split_slides


def normalise(source: str) -> str:
    r"""The text with ``\n`` as the only line end and without a byte order mark."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def read_text(source: str, path: str, language: str, *, kind: Kind) -> Text:
    """One language of a document. ``path`` is relative to the project folder.

    Ids that were not written are still empty in the result (`pairs` makes them). Raises ContentError, or ManyErrors
    with every problem of the text.
    """
    errors: list[KubetalkError] = []
    text = collect_text(source, path, language, kind=kind, errors=errors)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ManyErrors(errors)
    return text


def collect_text(source: str, path: str, language: str, *, kind: Kind, errors: list[KubetalkError]) -> Text:
    """As `read_text`, with the problems appended to ``errors`` instead of raised."""
    source = normalise(source)
    lines = source.split("\n")
    if lines[-1] == "":
        lines.pop()
    host = kind is Kind.HOST_PAGE
    end = front_matter_end(lines)
    if end and not host:
        remedy = f"Move its facts into {kind.value}.yml and delete it."
        message = "a text has no YAML front matter: all its languages share one file of facts"
        errors.append(ContentError(message, where=Location(path, 1), remedy=remedy))
    if not any(line.strip() for line in lines[end:]) and not host:
        errors.append(ContentError("the text is empty", where=Location(path), remedy="Write it, or delete the file."))
        return Text(language, path, source)
    found = scan(lines, _swallowed, end)
    _tell_conflicts(lines, found, path, errors)
    blocks = [block for raw in found.fences if (block := read_block(raw, path, errors, host=host)) is not None]
    if kind is not Kind.TALK:
        return Text(language, path, source, tuple(blocks))
    deck = lines if not end else ["" if index < end else line for index, line in enumerate(lines)]
    slides = split_slides(deck, found, path, errors)
    shown = {line for slide in slides for line in range(slide.first_line, slide.last_line + 1)}
    for block in blocks:
        if block.fence.location.line not in shown:
            message = "a block in the speaker notes is shown to nobody"
            remedy = "Move it above `Note:`; with the option `hide` it is run without being shown."
            errors.append(ContentError(message, where=block.fence.location, remedy=remedy))
    return Text(language, path, source, tuple(blocks), slides)


def _tell_conflicts(lines: list[str], found: Scan, path: str, errors: list[KubetalkError]) -> None:
    """A merge that was not finished would be shown, or run; an ordinary fence may well be about one."""
    quoted = {
        number for raw in found.fences if form_of(raw.info) is None for number in range(raw.line, raw.end_line + 1)
    }
    for number, line in enumerate(lines, start=1):
        if line.startswith("<<<<<<< ") and number not in quoted:
            message = "a merge conflict is not resolved"
            remedy = "Keep one side, and delete the lines with <<<<<<<, ======= and >>>>>>>."
            errors.append(ContentError(message, where=Location(path, number), remedy=remedy))


def _swallowed(info: str) -> bool:
    """Whether a fence with that info string inside another one shows that the outer one was not closed."""
    return bool(info) and form_of(info, host=True) in {Form.LIVE, Form.REFERENCE, Form.HISTORIC, Form.DIAGRAM}


def front_matter_end(lines: list[str]) -> int:
    """How many lines a leading YAML front matter takes, its two marks included; 0 if there is none.

    Only a mapping counts: a deck may well start with an empty slide or with a rule.
    """
    if not lines or not re.fullmatch(r"---[ \t]*", lines[0]):
        return 0
    for index in range(1, len(lines)):
        if re.fullmatch(r"(---|\.\.\.)[ \t]*", lines[index]):
            try:
                node = yaml.compose("\n".join(lines[1:index]), Loader=yaml.SafeLoader)
            except (yaml.YAMLError, RecursionError):
                return 0
            return index + 1 if isinstance(node, yaml.MappingNode) else 0
    return 0
