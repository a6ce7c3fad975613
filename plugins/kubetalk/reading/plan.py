"""From a document to its session: what has to run, be written and be looked at, in order."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kubetalk.errors import ContentError, KubetalkError, ManyErrors
from kubetalk.model import (
    DiagramBlock,
    Document,
    FileBlock,
    FileStep,
    Kind,
    LiveBlock,
    Location,
    RunStep,
    Session,
    SnapshotStep,
    SourceFile,
    Step,
)
from kubetalk.reading.pairs import Chain, chains_of, pair_texts
from kubetalk.reading.project import RECORDING, facts_name, walk

_NOT_COPIED = ("images",)
"""Folders of a document that no command needs."""


def plan_session(document: Document) -> Session:
    """The session of a document, in the order of its first language.

    All languages have to have the same chain (see `pairs`). The document's folder is read for the files the session
    finds in its working directory. A document without live blocks and diagrams has a session without steps.
    Raises ContentError or ManyErrors.
    """
    errors: list[KubetalkError] = []
    texts = pair_texts(document.texts, errors) if document.texts else {}
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ManyErrors(errors)
    chains = list(chains_of(texts).values())
    steps = _steps(chains)
    if not any(isinstance(step, RunStep | SnapshotStep) for step in steps):
        return Session(document.id, document.facts.sandbox, ())
    return Session(document.id, document.facts.sandbox, steps, _files(document))


def _steps(chains: list[Chain]) -> tuple[Step, ...]:
    if not chains:
        return ()
    steps: list[Step] = []
    for place, link in enumerate(chains[0].links):
        steps.extend(_file_step(block) for block in link.files)
        block = link.definition
        if isinstance(block, DiagramBlock):
            steps.append(SnapshotStep(block.id, block.fence.location))
        elif isinstance(block, LiveBlock):
            shown = [chain.links[place].block.fence.location for chain in chains]
            others = tuple(location for location in shown if location != block.fence.location)
            for index, command in enumerate(block.commands):
                steps.append(RunStep(block.id, index, command, block.fence.options, others))
    steps.extend(_file_step(block) for block in chains[0].last_files)
    return tuple(steps)


def _file_step(block: FileBlock) -> FileStep:
    return FileStep(block.path, block.content, block.fence.location)


def _files(document: Document) -> tuple[SourceFile, ...]:
    """Everything in the folder of a document that is not its facts, texts, recording or pictures."""
    if document.kind is Kind.HOST_PAGE:
        return ()
    own = {facts_name(document.kind), RECORDING, *(f"{language}.md" for language in document.texts)}
    files = []
    for path in walk(document.directory):
        name = path.relative_to(document.directory).as_posix()
        if name in own or name.split("/")[0] in _NOT_COPIED:
            continue
        files.append(_source_file(document, path, name))
    return tuple(files)


def _source_file(document: Document, path: Path, name: str) -> SourceFile:
    where = Location(f"{Path(document.facts.location.path).parent.as_posix()}/{name}")
    if path.is_symlink():
        target = path.resolve()
        if not target.is_relative_to(document.directory.resolve()):
            message = "the link leads out of the document's folder"
            raise ContentError(message, where=where, remedy="Copy the file into the folder.")
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ContentError(f"the file cannot be read: {reason}", where=where) from error
    return SourceFile(name, path, digest, os.access(path, os.X_OK))
