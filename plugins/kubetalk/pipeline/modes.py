"""Run or replay: the execution mode's decision for each document, and the recording that comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubetalk import reading, recordings
from kubetalk import sandbox as sandboxes
from kubetalk.errors import KubetalkError, ManyErrors, RecordingError, SandboxError
from kubetalk.model import (
    Comparison,
    Document,
    Execution,
    Origin,
    Progress,
    Recording,
    Session,
    Settings,
    Verdict,
)
from kubetalk.pipeline.engine import engine, rules

if TYPE_CHECKING:
    from kubetalk.pipeline.warm import WarmSandboxes


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


def perform_all(
    documents: Sequence[Document], settings: Settings, *, progress: Progress, warm: WarmSandboxes | None = None
) -> Mapping[str, Performed]:
    """Document id to its result, for every document that has a session.

    With ``warm`` sessions run in sandboxes that stay for the next call, if there are few of them.

    Raises ManyErrors with the problem of every document that could not be run or replayed.
    """
    performer = _Performer(settings, progress)
    live = [document for document in documents if document.is_live]
    results: dict[str, Performed] = {}
    errors: list[KubetalkError] = []
    to_run: list[tuple[Document, Session]] = []
    for document in live:
        try:
            session = reading.plan_session(document)
            performer.read(document)
            if performed := performer.without_running(document, session):
                results[document.id] = performed
            else:
                to_run.append((document, session))
        except KubetalkError as error:
            errors.append(error)
    # When one document cannot be shown the build fails: nothing has to run for the others.
    if to_run and not errors:
        for performed in performer.run(to_run, errors, warm):
            results[performed.document.id] = performed
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)
    return {document.id: results[document.id] for document in live}


class _Performer:
    """What the documents share: mode, provider and cache."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._provider = sandboxes.provider_for(settings)
        self._cache = recordings.Cache(settings.cache_dir / "sessions", engine=engine(), note=progress)
        self._told_unavailable = False
        self._committed: dict[str, Recording | None] = {}

    def read(self, document: Document) -> None:
        """Read what is recorded of a document; in every mode, so that nothing runs before a damaged one is told.

        Raises RecordingError.
        """
        place = document.recording_place
        self._committed[document.id] = recordings.load_recording(document.recording_path, place)

    def without_running(self, document: Document, session: Session) -> Performed | None:
        """The outputs that are here already; None if the session has to run.

        Raises RecordingError if it can neither run nor be replayed.
        """
        started = time.monotonic()
        mode, reason = self._settings.execution, ""
        if mode is Execution.LIVE:
            return None
        if mode is Execution.AUTO:
            if cached := self._verified_before(session):
                return self._verified(document, session, cached, time.monotonic() - started, ran=False)
            reason = self._provider.unavailable(session.request)
            if not reason:
                return None
            self._tell_unavailable(reason)
        recording = replay(document, session, self._committed[document.id], reason)
        return Performed(document, session, recording, Origin.RECORDED, ran=False, seconds=time.monotonic() - started)

    def run(
        self, planned: Sequence[tuple[Document, Session]], errors: list[KubetalkError], warm: WarmSandboxes | None
    ) -> Iterator[Performed]:
        """Run these sessions; what goes wrong is put into ``errors``."""
        from kubetalk.pipeline.performing import run_sessions  # noqa: PLC0415  needless where nothing runs
        from kubetalk.pipeline.warm import MOST, run_warm  # noqa: PLC0415

        with closing(
            run_warm(planned, self._provider, warm, progress=self._progress)
            if warm and len(planned) <= MOST
            else run_sessions(planned, self._provider, jobs=self._settings.jobs, progress=self._progress)
        ) as sessions:
            for ran in sessions:
                if ran.failure:
                    errors.append(ran.failure)
                elif ran.recording:
                    self._cache.put(ran.session, ran.recording)
                    try:
                        performed = self._verified(ran.document, ran.session, ran.recording, ran.seconds, ran=True)
                    except KubetalkError as error:
                        errors.append(error)  # the others' sessions end, and are kept in the cache
                    else:
                        yield performed

    def _verified(
        self, document: Document, session: Session, recording: Recording, seconds: float, *, ran: bool
    ) -> Performed:
        comparisons = self._compared(document, session, recording)
        return Performed(document, session, recording, Origin.VERIFIED, ran, seconds, comparisons)

    def _compared(self, document: Document, session: Session, recording: Recording) -> tuple[Comparison, ...]:
        """The verdicts against recording.yml; the author is told when it is no longer what a reader would see."""
        committed = self._committed[document.id]
        if committed is None:
            self._progress(f"{document.id}: not recorded yet; `kubetalk record {document.place}` writes recording.yml")
            return ()
        compared_by = rules(session)
        known = recordings.same_outputs(committed, recording)
        if known or self._cache.is_known_fresh(committed, recording, compared_by):
            return ()
        from kubetalk.pipeline.judging import compare_session, drifted  # noqa: PLC0415  as above

        comparisons = compare_session(session, committed, recording)
        if all(comparison.verdict is Verdict.FRESH for comparison in comparisons):
            self._cache.remember_fresh(committed, recording, compared_by)
        if changed := drifted(comparisons):
            what = "outputs and diagrams" if any(c.is_diagram for c in comparisons) else "outputs"
            self._progress(
                f"{document.id}: {len(changed)} of {len(comparisons)} {what} are not as recorded; "
                f"`kubetalk check {document.place}` says how"
            )
        return comparisons

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


def replay(document: Document, session: Session, recording: Recording | None, unavailable: str = "") -> Recording:
    """The document's committed recording, if it is one of exactly this session's commands and files.

    ``unavailable`` is why it could not be run instead, in an automatic build.

    Raises RecordingError if it is missing or if a command or a file was changed since.
    """
    remedy = f"Run `kubetalk record {document.place}` where a sandbox is available"
    if unavailable:
        remedy += f"; there is none here: {unavailable}"
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
