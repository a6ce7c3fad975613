"""Sessions on sandboxes: one, or several in a row with the next sandbox starting meanwhile, or several side by side."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kubetalk import comparing, drawing, recordings, running
from kubetalk import sandbox as sandboxes
from kubetalk.errors import KubetalkError, RunError, SandboxError
from kubetalk.model import (
    BlockRecord,
    CommandRecord,
    Document,
    Progress,
    Provider,
    Recording,
    RunStep,
    Sandbox,
    Session,
    StepKey,
)
from kubetalk.sandbox.places import RunDirectory

_INTERRUPT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far a session came on its sandbox."""

    reached: Recording
    """Everything that ended by itself, in the order of the session: also the command that failed, if it did end."""
    failure: KubetalkError | None = None
    failed: StepKey | None = None
    """The command that the failure is about; None if it is about something else, such as the sandbox."""

    @property
    def recording(self) -> Recording:
        """The whole recording; raises the failure if there is one."""
        if self.failure:
            raise self.failure
        return self.reached


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a session: a recording, or the error that ended it."""

    document: Document
    session: Session
    recording: Recording | None
    failure: KubetalkError | None
    seconds: float
    attempt: Attempt | None = None
    """How far it came; None if nothing ran."""


RunOne = Callable[[Document, Session], Attempt]


def run_sessions(
    planned: Sequence[tuple[Document, Session]], provider: Provider, *, jobs: int, progress: Progress
) -> Generator[Ran]:
    """Run each session on a sandbox of its own and yield what became of it, in the order given.

    Up to ``jobs`` run at once, fewer if there is no memory for so many sandboxes, and one where all sandboxes would be
    on the same cluster. Close the iterator (``closing``) to end what still runs; Ctrl-C does so too, and no process
    stays.
    """
    if jobs > 1:
        most = 1 if sandboxes.has_one_cluster(provider) else min(jobs, len(planned))
        jobs = sandboxes.affordable(most, [session.request for _, session in planned]) if most > 1 else 1
    # A binary that has to be built first is built once, and where Ctrl-C reaches it.
    if jobs > 1 and not any(provider.unavailable(session.request) for _, session in planned):
        return _side_by_side(planned, provider, jobs, progress)
    return _in_a_row(planned, provider, progress)


def run_live(document: Document, session: Session, provider: Provider, *, progress: Progress) -> Recording:
    """Run one session on a fresh sandbox and return what it printed.

    Raises RunError if a command ends otherwise than its block says, SandboxError if there is no sandbox or it broke.
    """
    return _attempt_live(document, session, provider, progress).recording


def _attempt_live(document: Document, session: Session, provider: Provider, progress: Progress) -> Attempt:
    told = about(document, progress)
    with private_folder() as folder, provider.start(session.request, folder / "s", told) as sandbox:
        return attempt_in(document, session, sandbox, folder / "w", progress=progress)


def run_in(
    document: Document,
    session: Session,
    sandbox: Sandbox,
    workspace: Path,
    *,
    progress: Progress,
    states: Path | None = None,
) -> Recording:
    """As `attempt_in`, for those who want all of the session. Raises what ended it."""
    return attempt_in(document, session, sandbox, workspace, progress=progress, states=states).recording


def attempt_in(
    document: Document,
    session: Session,
    sandbox: Sandbox,
    workspace: Path,
    *,
    progress: Progress,
    states: Path | None = None,
) -> Attempt:
    """Run one session on a sandbox that is there; ``states`` as in `running.run_session`.

    Raises what ends a session without a result: RunError for what is refused before it begins, SandboxError if the
    sandbox breaks while a diagram is looked at.
    """
    result = running.run_session(
        session,
        sandbox,
        workspace=workspace,
        keys=recordings.key_chain(session, sandbox.facts),
        content=recordings.content_digest(session),
        prune=drawing.prune,
        is_stable=is_stable,
        progress=about(document, progress),
        printed=lambda _step, output, _status: sandboxes.hear(sandbox, output),
        now=lambda: dt.datetime.now(dt.UTC),
        states=states,
    )
    if not result.failure:
        return _without_hidden_refusals(session, result.completed)
    try:
        ask_after(sandbox, result.failure)
    except SandboxError as error:
        return Attempt(result.completed, error)
    step, record = result.failed, result.failed_record
    reached = _appended(result.completed, step, record) if step and record else result.completed
    return Attempt(reached, result.failure, (step.block_id, step.index) if step else None)


def _appended(recording: Recording, step: RunStep, record: CommandRecord) -> Recording:
    """The recording with one more command at its end."""
    blocks = list(recording.blocks)
    if step.index:
        blocks[-1] = replace(blocks[-1], commands=(*blocks[-1].commands, record))
    else:
        blocks.append(BlockRecord(step.block_id, (record,)))
    return replace(recording, blocks=tuple(blocks))


def _without_hidden_refusals(session: Session, recording: Recording) -> Attempt:
    """A failure where the sandbox refused something and the exit code does not tell, behind a pipe for example."""
    for step in session.commands:
        block = recording.block(step.block_id)
        if step.options.exit == 0 and block and sandboxes.REFUSAL in block.commands[step.index].output:
            failure = RunError(
                f"`{step.command.source.splitlines()[0]}` (block {step.block_id}) needs a container that runs, "
                "and pods are simulated here",
                where=step.command.location,
                remedy='Leave it out, or show the refusal: the command alone, with exit="1" on the fence',
                details=block.commands[step.index].output.strip(),
            )
            return Attempt(recording, failure, (step.block_id, step.index))
    return Attempt(recording)


def ask_after(sandbox: Sandbox, failure: KubetalkError) -> None:
    """Raise SandboxError if a command failed because its sandbox died: that is no news of the document."""
    try:
        sandbox.check()
    except SandboxError as error:
        raise SandboxError(
            f"the session could not go on: {error.message}",
            where=failure.where,
            remedy=error.remedy or "Run it again",
            details="\n".join(filter(None, [failure.message, failure.details, error.details])),
        ) from error


def is_stable(step: RunStep, one: str, other: str) -> bool:
    """Whether two outputs of a polled command say the same."""
    return comparing.is_stable(one, other, step.command.source, step.options)


@contextmanager
def private_folder() -> Iterator[Path]:
    """A private folder with a short path: Unix sockets below it may have 107 bytes (unix(7)).

    The next sandbox of this user clears it away if this process is killed. Raises SandboxError if it cannot be made.
    """
    folder = RunDirectory.create(Path(tempfile.gettempdir()))
    try:
        yield folder.path
    finally:
        folder.remove()


def _in_a_row(planned: Sequence[tuple[Document, Session]], provider: Provider, progress: Progress) -> Generator[Ran]:
    with private_folder() as spares, sandboxes.SandboxPool(provider, spares) as pool:
        for number, (document, session) in enumerate(planned, 1):
            following = planned[number][1].request if number < len(planned) else None

            def run_before(document: Document, session: Session) -> Attempt:
                told = about(document, progress)
                with private_folder() as folder, pool.start(session.request, folder / "s", told) as sandbox:
                    if following:  # noqa: B023  called at once
                        pool.prepare(following)  # noqa: B023
                    return attempt_in(document, session, sandbox, folder / "w", progress=progress)

            progress(_begin(document, session, number, len(planned)))
            yield run_timed(document, session, run_before)


def _side_by_side(
    planned: Sequence[tuple[Document, Session]], provider: Provider, jobs: int, progress: Progress
) -> Generator[Ran]:
    def run_one(number: int, document: Document, session: Session) -> Ran:
        progress(_begin(document, session, number, len(planned)))
        return run_timed(document, session, lambda d, s: _attempt_live(d, s, provider, progress))

    sandboxes.end_on_sigterm()
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="session")
    futures = [executor.submit(run_one, number, *one) for number, one in enumerate(planned, 1)]
    try:
        for future in futures:
            yield future.result()
    finally:
        _end(futures)
        executor.shutdown()


def _end(futures: Sequence[Future[Ran]]) -> None:
    """End sessions that nobody waits for any more, without waiting for their commands."""
    for future in futures:
        future.cancel()
    while wait(futures, timeout=_INTERRUPT_SECONDS).not_done:
        # Again and again, for a session that was about to start its shell.
        running.interrupt_all()


def _begin(document: Document, session: Session, number: int, total: int) -> str:
    return f"{document.id} ({number} of {total}): {len(session.commands)} commands"


def about(document: Document, progress: Progress) -> Progress:
    """Progress that says which document it is about."""
    return lambda line: progress(f"{document.id}: {line}")


def run_timed(document: Document, session: Session, run: RunOne) -> Ran:
    """Run a session, its error made a value."""
    started = time.monotonic()
    attempt: Attempt | None = None
    failure: KubetalkError | None = None
    try:
        attempt = run(document, session)
        failure = attempt.failure
    except KubetalkError as error:
        failure = error
    recording = attempt.reached if attempt and not failure else None
    return Ran(document, session, recording, failure, time.monotonic() - started, attempt)
