"""`kubetalk run`: a session up to a block, then a shell for a person in the very state the block left."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kubetalk import reading, recordings, running
from kubetalk import sandbox as sandboxes
from kubetalk.errors import ConfigError, RunError, SandboxError
from kubetalk.model import Document, FileStep, Progress, RunStep, Session, Settings, SnapshotStep
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.performing import ask_after, is_stable, private_folder
from kubetalk.reading.spelling import did_you_mean
from kubetalk.sandbox.shell import prompt_place, run_shell

Printed = Callable[[RunStep, str, int], None]


def run_to_block(
    settings: Settings,
    block: str,
    paths: Sequence[Path],
    *,
    printed: Printed,
    progress: Progress,
    command: str | None = None,
) -> int:
    """Run the session that has this block up to its end, then open a shell, or run ``command`` in one.

    ``printed`` is told each command that has ended, its output and its exit code. Returns the shell's exit code. The
    shell has the session's cluster, working directory, variables, functions and options; jobs in the background ended
    with the session. Nothing is written but below a private folder that is gone afterwards.

    Raises ConfigError for a block that no document or more than one has, RunError for a command that fails (after the
    shell, which then is where it failed, unless there is a ``command``), SandboxError.
    """
    document, session = find_block(live_documents(settings, paths), block)
    provider = sandboxes.provider_for(settings)
    if reason := provider.unavailable(session.request):
        raise SandboxError(reason)
    with private_folder() as folder, provider.start(session.request, folder / "s", progress) as sandbox:
        state = folder / "state"

        def told(step: RunStep, output: str, status: int) -> None:
            sandboxes.hear(sandbox, output)
            printed(step, output, status)

        result = running.run_session(
            session,
            sandbox,
            workspace=folder / "w",
            keys=recordings.key_chain(session, sandbox.facts),
            prune=lambda _: (),
            is_stable=is_stable,
            progress=lambda _: None,
            printed=told,
            shell_script=state,
        )
        if result.failure:
            ask_after(sandbox, result.failure)
            if command is not None or not state.exists():
                raise result.failure
            progress(f"kubetalk: {_without_output(result.failure)}")
        if command is None:
            progress(
                f"{document.id}, {'at the failed command' if result.failure else f'after {block}'}: `exit` ends it"
            )
        sys.stdout.flush()
        status = run_shell(
            sandbox.environment,
            sandbox.facts.versions,
            command,
            cwd=folder / "w/work",
            state=_existing(state),
            place=prompt_place(sandbox.facts.provider, settings.provider.context),
        )
        if result.failure:
            raise _without_output(result.failure)
        return status


def find_block(documents: Sequence[Document], block: str) -> tuple[Document, Session]:
    """The document that has a block or a diagram of that id, and its session cut off after it.

    Raises ConfigError if there is none, or more than one.
    """
    found: list[tuple[Document, Session]] = []
    known: dict[str, None] = {}
    for document in documents:
        session = reading.plan_session(document)
        ids = [_id(step) for step in session.steps]
        known |= dict.fromkeys(filter(None, ids))
        if block in ids:
            last = len(ids) - ids[::-1].index(block)
            found.append((document, dataclasses.replace(session, steps=session.steps[:last])))
    if not found:
        raise ConfigError(f"no live block has the id `{block}`", remedy=did_you_mean(block, known))
    if len(found) > 1:
        places = ", ".join(document.place for document, _ in found)
        raise ConfigError(
            f"{len(found)} documents have a block `{block}`: {places}",
            remedy=f"Name one: `kubetalk run {block} {found[0][0].place}`",
        )
    return found[0]


def _id(step: RunStep | FileStep | SnapshotStep) -> str:
    match step:
        case RunStep():
            return step.block_id
        case SnapshotStep():
            return step.id
        case FileStep():
            return ""


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def _without_output(error: RunError) -> RunError:
    """The line alone: what the command printed was shown already."""
    return RunError(error.message, where=error.where, remedy=error.remedy)
