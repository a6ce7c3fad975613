"""Holds the languages of a document together: one chain of commands, files and diagrams, the same ids everywhere.

The chain of a text is what a session would do, in order: each live block or diagram where it first appears. A text that
writes ``ref=`` instead of a live block of another language has that block at this place of its chain; a ``ref=`` to a
block seen before only shows it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kubetalk.errors import ContentError, KubetalkError
from kubetalk.model import Block, BlockReference, DiagramBlock, FileBlock, LiveBlock, Location, Text
from kubetalk.reading.options import shown_as
from kubetalk.reading.shell import simple_commands
from kubetalk.reading.spelling import did_you_mean

_EXECUTION = ("exit", "timeout", "until", "within", "stable", "match", "ignore", "tty")
_ID_WORDS = 3


@dataclass(frozen=True, slots=True)
class Link:
    """One place of a chain."""

    block: LiveBlock | BlockReference | DiagramBlock
    definition: LiveBlock | DiagramBlock | None
    """None for a reference that leads nowhere."""
    files: tuple[FileBlock, ...]
    """The file blocks between the previous place and this one."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a text does, in order."""

    text: Text
    links: tuple[Link, ...]
    last_files: tuple[FileBlock, ...]
    """File blocks behind the last place."""


def pair_texts(texts: Mapping[str, Text], errors: list[KubetalkError]) -> dict[str, Text]:
    """The texts with every id filled in and every reference showing what it refers to.

    Ids: as written, else of the block at the same place of the other language, else made from the command's first words
    (``kubectl-get-ns``, the second one ``kubectl-get-ns-2``); diagrams ``diagram-1`` …. Differences between the
    languages are appended to ``errors``, each naming both files.
    """
    before = len(errors)
    named = _borrow_ids({language: _with_ids(text, errors) for language, text in texts.items()}, texts)
    chains = chains_of(named)
    if len(errors) == before:
        _check_references(chains, errors)
        _check_diagrams(named, errors)
    if len(errors) == before:
        first, *others = chains.values()
        for other in others:
            _compare(first, other, errors)
    return {language: _resolve(text, named) for language, text in named.items()}


def chains_of(texts: Mapping[str, Text]) -> dict[str, Chain]:
    """The chain of each text; the ids have to be there."""
    definitions = _definitions(texts)
    return {language: _chain(text, definitions) for language, text in texts.items()}


def _definitions(texts: Mapping[str, Text]) -> dict[str, LiveBlock]:
    found: dict[str, LiveBlock] = {}
    for text in texts.values():
        for block in text.blocks:
            if isinstance(block, LiveBlock):
                found.setdefault(block.id, block)
    return found


def _chain(text: Text, definitions: Mapping[str, LiveBlock]) -> Chain:
    own = {block.id: block for block in text.blocks if isinstance(block, LiveBlock)}
    seen: set[str] = set()
    links: list[Link] = []
    files: list[FileBlock] = []
    for block in text.blocks:
        if isinstance(block, FileBlock):
            files.append(block)
            continue
        if isinstance(block, LiveBlock | DiagramBlock):
            link = Link(block, block, tuple(files))
        elif isinstance(block, BlockReference) and block.id not in seen:
            link = Link(block, own.get(block.id) or definitions.get(block.id), tuple(files))
        else:
            continue
        if not isinstance(block, DiagramBlock):
            seen.add(block.id)
        files = []
        links.append(link)
    return Chain(text, tuple(links), tuple(files))


# Ids


def _with_ids(text: Text, errors: list[KubetalkError]) -> Text:
    written: dict[str, Location] = {}
    for block in text.blocks:
        if isinstance(block, LiveBlock | DiagramBlock) and block.id:
            if block.id in written:
                message = f"block id `{block.id}` was already given in line {written[block.id].line}"
                remedy = f'Give each block its own id, or show the other one with `ref="{block.id}"`.'
                errors.append(ContentError(message, where=block.fence.location, remedy=remedy))
            written.setdefault(block.id, block.fence.location)
    taken = set(written)
    diagrams = 0
    blocks: list[Block] = []
    for block in text.blocks:
        if isinstance(block, DiagramBlock):
            diagrams += 1
        if isinstance(block, LiveBlock | DiagramBlock) and not block.id:
            stem = _stem(block) if isinstance(block, LiveBlock) else f"diagram-{diagrams}"
            id_ = next(name for name in _names(stem) if name not in taken)
            taken.add(id_)
            blocks.append(replace(block, id=id_))
        else:
            blocks.append(block)
    return replace(text, blocks=tuple(blocks))


def _names(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _stem(block: LiveBlock) -> str:
    """``kubectl-get-ns`` of ``kubectl get ns --show-labels``: the first words that are no flags."""
    simple = simple_commands(block.commands[0].source) if block.commands else ()
    words = [word for word in (simple[0].words if simple else ()) if not word.startswith("-")]
    slugs = [re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:24].strip("-") for word in words]
    return "-".join([slug for slug in slugs if slug][:_ID_WORDS]) or "block"


def _borrow_ids(named: Mapping[str, Text], written: Mapping[str, Text]) -> dict[str, Text]:
    """A block whose id is written in one language only gets it in all, as far as the chains have the same length."""
    chains = chains_of(named)
    if len({len(chain.links) for chain in chains.values()}) != 1:
        return dict(named)
    explicit = {
        (language, block.fence.location.line)
        for language, text in written.items()
        for block in text.blocks
        if isinstance(block, BlockReference) or (isinstance(block, LiveBlock | DiagramBlock) and block.id)
    }
    renamed: dict[str, dict[str, str]] = {language: {} for language in chains}
    taken = {language: {link.block.id for link in chain.links} for language, chain in chains.items()}
    for place in zip(*(chain.links for chain in chains.values()), strict=True):
        owners = dict(zip(chains, place, strict=True))
        known = [
            link.block.id for language, link in owners.items() if (language, link.block.fence.location.line) in explicit
        ]
        chosen = known[0] if known else place[0].block.id
        for language, link in owners.items():
            own = (language, link.block.fence.location.line) in explicit
            if not own and link.block.id != chosen and chosen not in taken[language]:
                renamed[language][link.block.id] = chosen
    return {language: _rename(text, renamed[language]) for language, text in named.items()}


def _rename(text: Text, names: Mapping[str, str]) -> Text:
    if not names:
        return text
    blocks = [
        replace(block, id=names.get(block.id, block.id))
        if isinstance(block, LiveBlock | DiagramBlock | BlockReference)
        else block
        for block in text.blocks
    ]
    return replace(text, blocks=tuple(blocks))


# Checks


def _check_references(chains: Mapping[str, Chain], errors: list[KubetalkError]) -> None:
    definitions = _definitions({language: chain.text for language, chain in chains.items()})
    for chain in chains.values():
        own = {block.id: block.fence.location.line for block in chain.text.blocks if isinstance(block, LiveBlock)}
        for block in chain.text.blocks:
            if not isinstance(block, BlockReference):
                continue
            where = block.fence.location
            if block.id not in definitions:
                remedy = did_you_mean(block.id, definitions) or "Write the block itself in one of the languages."
                errors.append(
                    ContentError(f"`ref` names a block `{block.id}` that does not exist", where=where, remedy=remedy)
                )
            elif own.get(block.id, 0) > where.line:
                message = f"`ref` shows block `{block.id}` before it runs in line {own[block.id]}"
                errors.append(
                    ContentError(message, where=where, remedy="Move the block itself up, and the `ref` down.")
                )


def _check_diagrams(texts: Mapping[str, Text], errors: list[KubetalkError]) -> None:
    for text in texts.values():
        earlier: list[str] = []
        for block in text.blocks:
            if not isinstance(block, DiagramBlock):
                continue
            if block.before and block.before not in earlier:
                message = f"`before` names a diagram `{block.before}` that is not above this one"
                remedy = (
                    did_you_mean(block.before, earlier) or 'Add a ```` ```diagram id="…" hide ```` where it was so.'
                )
                errors.append(ContentError(message, where=block.fence.location, remedy=remedy))
            earlier.append(block.id)


def _compare(first: Chain, other: Chain, errors: list[KubetalkError]) -> None:
    """Notes the first difference between two chains, and every difference of files and options."""
    for one, two in zip(first.links, other.links, strict=False):
        if one.definition is None or two.definition is None:
            return
        if difference := _difference(one, two):
            errors.append(difference)
            return
        _compare_files(one.files, two.files, errors, first)
        if isinstance(one.definition, LiveBlock) and isinstance(two.definition, LiveBlock):
            _compare_options(one.definition, two.definition, errors)
    if len(first.links) != len(other.links):
        longer, shorter = (first, other) if len(first.links) > len(other.links) else (other, first)
        extra = longer.links[len(shorter.links)].block
        what = "diagram" if isinstance(extra, DiagramBlock) else "block"
        message = f"{what} `{extra.id}` has no counterpart in {shorter.text.path}"
        remedy = "Repeat it there"
        remedy += "." if what == "diagram" else f', or write ```` ```console ref="{extra.id}" ````.'
        errors.append(ContentError(message, where=extra.fence.location, remedy=remedy))
        return
    _compare_files(first.last_files, other.last_files, errors, first)


def _difference(one: Link, two: Link) -> ContentError | None:
    """What differs between two places of a chain."""
    a, b = one.definition, two.definition
    here, there = two.block.fence.location, one.block.fence.location
    if isinstance(a, DiagramBlock) or isinstance(b, DiagramBlock):
        if isinstance(a, DiagramBlock) and isinstance(b, DiagramBlock) and a.id == b.id:
            return None
        return _unequal(f"here is {_named(two)}, but {_named(one)} in {there}", here)
    if a is None or b is None or a is b:
        return None
    for left, right in zip(a.commands, b.commands, strict=False):
        if left.source != right.source:
            shown = f"{left.location}: {left.source}\n{right.location}: {right.source}"
            return _unequal(f"the command differs from {left.location}", right.location, shown)
    if len(a.commands) != len(b.commands):
        more = a if len(a.commands) > len(b.commands) else b
        extra = more.commands[min(len(a.commands), len(b.commands))]
        counts = f"{_commands(len(b.commands))} here and {len(a.commands)} in {there}"
        return _unequal(f"block `{a.id}` has {counts}", here, f"{extra.location}: {extra.source}")
    if a.id != b.id:
        return _unequal(f"the block has the id `{b.id}` here and `{a.id}` in {there}", here)
    return None


def _unequal(message: str, where: Location, details: str = "") -> ContentError:
    remedy = "One execution serves all languages: make them equal."
    return ContentError(message, where=where, remedy=remedy, details=details)


def _commands(count: int) -> str:
    return "1 command" if count == 1 else f"{count} commands"


def _named(link: Link) -> str:
    return f"diagram `{link.block.id}`" if isinstance(link.block, DiagramBlock) else f"block `{link.block.id}`"


def _compare_options(a: LiveBlock, b: LiveBlock, errors: list[KubetalkError]) -> None:
    if a is b:
        return
    for name in _EXECUTION:
        left, right = getattr(a.fence.options, name), getattr(b.fence.options, name)
        if left != right:
            shown = f"{_value(right)} here and {_value(left)} in {a.fence.location}"
            errors.append(_unequal(f"option `{name}` of block `{a.id}` is {shown}", b.fence.location))


def _value(value: object) -> str:
    if isinstance(value, tuple):
        value = ",".join(str(item) for item in value)
    if isinstance(value, float):
        value = f"{value:g}s"
    return "not given" if value == "" else f"`{value}`"


def _compare_files(
    ours: Sequence[FileBlock], theirs: Sequence[FileBlock], errors: list[KubetalkError], first: Chain
) -> None:
    """The other language may leave a file block out, but what it shows has to be what is written."""
    for block in theirs:
        same = [candidate for candidate in ours if candidate.path == block.path]
        if not same:
            place = f"between the same commands in {first.text.path}"
            message = f"file block `{block.path}` is not {place}"
            remedy = "Put it at the same place in both languages."
            errors.append(ContentError(message, where=block.fence.location, remedy=remedy))
        elif all(candidate.content != block.content for candidate in same):
            message = f"file block `{block.path}` differs from {same[0].fence.location}"
            details = _first_difference(same[0], block)
            remedy = "One execution serves all languages: make them equal, or leave it out here."
            errors.append(ContentError(message, where=block.fence.location, remedy=remedy, details=details))


def _first_difference(one: FileBlock, two: FileBlock) -> str:
    left, right = one.content.split("\n"), two.content.split("\n")
    for number, (a, b) in enumerate(zip(left, right, strict=False), start=1):
        if a != b:
            here = [(one, a), (two, b)]
            return "\n".join(
                f"{Location(block.fence.location.path, block.fence.location.line + number)}: {line}"
                for block, line in here
            )
    return f"{len(left) - 1} lines and {len(right) - 1} lines"


def _resolve(text: Text, texts: Mapping[str, Text]) -> Text:
    own = {block.id: block for block in text.blocks if isinstance(block, LiveBlock)}
    definitions = _definitions(texts)
    blocks: list[Block] = []
    seen: set[str] = set()
    for block in text.blocks:
        target = own.get(block.id) or definitions.get(block.id) if isinstance(block, BlockReference) else None
        if isinstance(block, BlockReference) and target is not None:
            options = shown_as(target.fence.options, block.fence.options)
            if block.id in seen:
                # A hidden block that is shown again later is meant to be seen there.
                options = replace(options, hide=False)
            blocks.append(replace(block, fence=replace(block.fence, options=options)))
        else:
            blocks.append(block)
        if isinstance(block, LiveBlock | BlockReference):
            seen.add(block.id)
    return replace(text, blocks=tuple(blocks))
