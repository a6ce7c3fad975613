"""Run or replay: from documents to recordings, by the execution mode."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubetalk import drawing, reading, recordings
from kubetalk import sandbox as sandboxes
from kubetalk.errors import KubetalkError, ManyErrors, RecordingError, SandboxError
from kubetalk.model import (
    Comparison,
    Document,
    Execution,
    Origin,
    Progress,
    Provenance,
    Provider,
    Recording,
    RunStep,
    Sandbox,
    SandboxFacts,
    Session,
    Settings,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Performed:
    """What became of one document's session."""

    document: Document
    session: Session
    recording: Recording
    origin: Origin
    ran: bool
    """False when the outputs come from the cache or from recording.yml."""
    seconds: float
    comparisons: tuple[Comparison, ...] = ()
    """How a fresh run differs from the committed recording, command by command; empty if there is none to compare."""


def perform_all(documents: Sequence[Document], settings: Settings, *, progress: Progress) -> Mapping[str, Performed]:
    """Document id to its result, for every document that has a session.

    Raises ManyErrors with the problem of every document that could not be run or replayed.
    """
    live = [document for document in documents if document.is_live]
    performer = _Performer(settings, progress)
    results: dict[str, Performed] = {}
    errors: list[KubetalkError] = []
    with ThreadPoolExecutor(max_workers=max(1, settings.jobs)) as pool:
        futures = [(document, pool.submit(performer.perform, document)) for document in live]
        for document, future in futures:
            try:
                results[document.id] = future.result()
            except KubetalkError as error:
                errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)
    return results


def run_live(document: Document, session: Session, provider: Provider, *, progress: Progress) -> Recording:
    """Run one session on a fresh sandbox and return what it printed.

    Raises RunError if a command ends otherwise than its block says, SandboxError if there is no sandbox.
    """
    with _workspace() as folder, provider.start(session.request, folder / "s", progress) as sandbox:
        return run_in(document, session, sandbox, folder / "w", progress=progress)


def run_in(document: Document, session: Session, sandbox: Sandbox, workspace: Path, *, progress: Progress) -> Recording:
    """Run one session on a sandbox that is there."""
    from kubetalk import running  # noqa: PLC0415  a build in which nothing runs is spared it

    keys = recordings.key_chain(session, sandbox.facts)
    result = running.run_session(
        session,
        sandbox,
        workspace=workspace,
        keys=keys,
        content=recordings.content_digest(session),
        prune=drawing.prune,
        is_stable=_is_stable,
        progress=lambda line: progress(f"{document.id}: {line}"),
        now=lambda: dt.datetime.now(dt.UTC),
    )
    return result.recording


def _is_stable(step: RunStep, one: str, other: str) -> bool:
    from kubetalk import comparing  # noqa: PLC0415  as above

    return comparing.is_stable(one, other, step.command.source, step.options)


@contextmanager
def _workspace() -> Iterator[Path]:
    """A private folder with a short path: Unix sockets below it may have 107 bytes (unix(7))."""
    folder = Path(tempfile.mkdtemp(prefix="kt-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Performer:
    """The execution mode's decision for each document, and what the documents share: provider and cache."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._provider = sandboxes.provider_for(settings)
        self._cache = recordings.Cache(settings.cache_dir / "sessions", note=progress)
        self._told_unavailable = False

    def perform(self, document: Document) -> Performed:
        started = time.monotonic()
        session = reading.plan_session(document)
        recording, origin, ran = self._recording(document, session)
        comparisons = self._compared(document, session, recording) if origin is Origin.VERIFIED else ()
        return Performed(document, session, recording, origin, ran, time.monotonic() - started, comparisons)

    def _compared(self, document: Document, session: Session, recording: Recording) -> tuple[Comparison, ...]:
        """The verdicts against recording.yml; the author is told when it is no longer what a reader would see."""
        committed = recordings.load_recording(document.recording_path, document.recording_place)
        if committed is None:
            self._progress(f"{document.id}: not recorded yet; `kubetalk record {document.place}` writes recording.yml")
            return ()
        if recordings.same_outputs(committed, recording) or self._cache.is_known_fresh(committed, recording):
            return ()
        from kubetalk import comparing  # noqa: PLC0415  as above

        comparisons = comparing.compare(session, committed, recording)
        if all(comparison.verdict is Verdict.FRESH for comparison in comparisons):
            self._cache.remember_fresh(committed, recording)
        drifted = [c for c in comparisons if c.verdict in (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR)]
        if drifted:
            self._progress(
                f"{document.id}: {len(drifted)} of {len(comparisons)} outputs are not as recorded; "
                f"`kubetalk check {document.place}` says how"
            )
        return comparisons

    def _recording(self, document: Document, session: Session) -> tuple[Recording, Origin, bool]:
        mode = self._settings.execution
        if mode is Execution.REPLAY:
            return replay(document, session), Origin.RECORDED, False
        if mode is Execution.AUTO:
            if cached := self._verified_before(session):
                return cached, Origin.VERIFIED, False
            if reason := self._provider.unavailable(session.request):
                self._tell_unavailable(reason)
                return replay(document, session), Origin.RECORDED, False
        recording = run_live(document, session, self._provider, progress=self._progress)
        self._cache.put(session, recording)
        return recording, Origin.VERIFIED, True

    def _verified_before(self, session: Session) -> Recording | None:
        try:
            facts = self._provider.facts(session.request)
        except SandboxError:
            return None  # `unavailable` says why
        return self._cache.get(session, recordings.key_chain(session, facts))

    def _tell_unavailable(self, reason: str) -> None:
        if not self._told_unavailable:
            self._told_unavailable = True
            self._progress(f"replaying recordings, nothing is verified: {reason}")


def replay(document: Document, session: Session) -> Recording:
    """The document's committed recording, if it is one of exactly this session's commands and files.

    Raises RecordingError if it is missing or if a command or a file was changed since.
    """
    recording = recordings.load_recording(document.recording_path, document.recording_place)
    remedy = f"Run `kubetalk record {document.place}` where a sandbox is available"
    if recording is None:
        raise RecordingError(
            "nothing is recorded yet, so there is nothing to replay", where=document.facts.location, remedy=remedy
        )
    for step in session.commands:
        block = recording.block(step.block_id)
        record = block.commands[step.index] if block and step.index < len(block.commands) else None
        if record is None or record.command != step.command.source:
            raise RecordingError(
                f"the recording has no output of `{step.command.source.splitlines()[0]}` (block {step.block_id})",
                where=step.command.location,
                remedy=remedy,
            )
    if recording.content and recording.content != recordings.content_digest(session):
        raise RecordingError(
            "a file or the order of the commands was changed since this was recorded",
            where=document.facts.location,
            remedy=remedy,
        )
    return recording


def unverifiable(facts: SandboxFacts) -> Provenance:
    """Provenance of a run that did not take place."""
    return Provenance(dt.datetime.now(dt.UTC), facts.provider, facts.simulated, dict(facts.versions))
