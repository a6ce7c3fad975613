"""What the author wrote, as far as it tells content from chance: commands, file blocks, and files beside the text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from kubetalk.comparing import masks
from kubetalk.comparing.columns import WIDE
from kubetalk.comparing.forms import Canonical
from kubetalk.comparing.names import Names
from kubetalk.model import FileStep, Recording, RunStep, Session, StepKey

_OWNER_LINE = re.compile(
    r"(?<![\w.])(daemonset\.apps|job\.batch|cronjob\.batch|replicationcontroller)/([a-z0-9][a-z0-9.-]*)"
)
_KIND = re.compile(r"kind[\"']?\s*:\s*[\"']?(DaemonSet|Job|CronJob|ReplicationController)\b")
_NAME = re.compile(r"(?<![\w.-])name[\"']?\s*:\s*[\"']?([a-z0-9][a-z0-9.-]*)")
# Prose and protocols may show an old output; what stands there by chance is no wish of the author's.
_PROSE = frozenset({".md", ".markdown", ".rst", ".adoc", ".log", ".lock", ".svg"})
_LARGEST = 1_000_000
"""Bytes; a manifest is smaller, and the names in a bundle of CRDs are not the page's."""
_COLUMNS = frozenset(column for columns in WIDE.values() for column in columns)


def names_of(session: Session, recording: Recording, written: Sequence[str] | None = None) -> Names:
    """What the author's files and a recording's commands and outputs tell of names before the first of them is masked.

    ``written`` are the `texts_of` the session, for whoever has them already. They count for an old recording too: which
    files it was made with is not kept. A value that stands in them was meant then as now, and one that was replaced
    there is masked in the old output and told in the new one, so the change is seen.
    """
    files = texts_of(session) if written is None else written
    commands = [record.command for block in recording.blocks for record in block.commands]
    names = _names(session, files, commands)
    for text in (*files, *commands):
        for chunk in re.split(r"(?m)^---", text):
            kind = _KIND.search(chunk)
            if kind is not None:
                for name in _NAME.findall(chunk)[:1]:
                    names.own(kind[1].lower(), name)
    for block in recording.blocks:
        for record in block.commands:
            for kind_word, name in _OWNER_LINE.findall(record.output):
                names.own(kind_word.partition(".")[0], name)
    records = {(block.id, index): record for block in recording.blocks for index, record in enumerate(block.commands)}
    for step in session.commands:
        told = records.get((step.block_id, step.index))
        if step.options.symbol and told is not None:
            number = f".{step.index + 1}" if step.index else ""
            names.register(told.output.strip(), f"‹{step.options.symbol}{number}›")
    return names


def authors_names(session: Session) -> Names:
    """What the author's files and commands alone tell of names: for an output that is looked at by itself."""
    return _names(session, texts_of(session), [step.command.source for step in session.commands])


def _names(session: Session, files: Sequence[str], commands: Sequence[str]) -> Names:
    names = Names()
    for command in session.request.layer.commands if session.request.layer else ():
        names.read_command(command)
    names.manifests.read_files(files)
    for text in (*files, *commands):
        names.read_text(text)
    return names


def texts_of(session: Session) -> tuple[str, ...]:
    """The file blocks of a session and the text files it finds in its working directory.

    A file that is gone or cannot be read any more says nothing.
    """
    blocks = [step.content for step in session.steps if isinstance(step, FileStep)]
    return (*blocks, *filter(None, (_text(file.source_path) for file in session.files)))


def _text(path: Path) -> str:
    if path.suffix.lower() in _PROSE:
        return ""
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        return "" if len(content) > _LARGEST or b"\0" in content else content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def idle_words(
    steps: Iterable[RunStep], forms: Mapping[StepKey, Sequence[Canonical | None]]
) -> Iterator[tuple[StepKey, str]]:
    """For every word of ``ignore=`` that did nothing: the first command of its block, and what to say.

    ``forms`` are all that is known of each command's output. A column that kubectl has for some kind, and a kind of
    value, may well be absent today (``No resources found``); any other word that nothing answered to is a slip.
    """
    blocks: dict[str, list[RunStep]] = {}
    for step in steps:
        blocks.setdefault(step.block_id, []).append(step)
    for block in blocks.values():
        key, words = (block[0].block_id, block[0].index), block[0].options.ignore
        found = [form for step in block for form in forms.get((step.block_id, step.index), ()) if form is not None]
        if not words or not found:
            continue
        hit = frozenset[str]().union(*(form.ignored for form in found))
        known = {place for form in found for place in form.places} | set(map(str.upper, masks.EXTRA))
        for word in words:
            if word.lower() not in hit | masks.EXTRA.keys() and word.upper() not in _COLUMNS:
                near = difflib.get_close_matches(word.upper(), [*map(str.upper, known), *_COLUMNS], n=1, cutoff=0.6)
                spelled = next((place for place in sorted(known) if near and place.upper() == near[0]), *near[:1])
                remedy = f". Did you mean `{spelled}`?" if near else ""
                yield key, f"`{word}` of ignore= is no column, key or kind of value of what the block prints{remedy}"
