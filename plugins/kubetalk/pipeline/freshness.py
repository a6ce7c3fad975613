"""Record, check and diff: compare what is recorded with what a fresh sandbox prints, and write only when asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from kubetalk import comparing, reading, recordings, reporting
from kubetalk import sandbox as sandboxes
from kubetalk.errors import KubetalkError, ManyErrors, SandboxError
from kubetalk.model import (
    Comparison,
    Document,
    Match,
    Progress,
    Provider,
    Recording,
    Session,
    Settings,
    StepKey,
    Verdict,
)
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.engine import engine
from kubetalk.pipeline.judging import historic, judge, unverified
from kubetalk.pipeline.performing import Attempt, Ran, run_sessions


@dataclass(frozen=True, slots=True)
class Plan:
    """What an automatic build would do with one document, and why."""

    document_id: str
    commands: int
    action: str
    """``run``, ``reuse`` or ``replay``."""
    reason: str


def record_documents(settings: Settings, paths: Sequence[Path], *, progress: Progress) -> reporting.Report:
    """Run the documents live and write what changed into their recordings.

    The report says how the new recordings differ from the old ones. A document whose session fails keeps its
    recording as it was, and its failure is in the report.
    """
    examination = _Examination(settings, progress)
    reports = []
    for ran, report in examination.run(live_documents(settings, paths)):
        old = examination.committed[ran.document.id]
        written = None if report.failure else ran.recording
        if written:
            _write(ran.document, old, written, report.comparisons)
        reports.append(replace(report, is_new=written is not None and old is None))
    return reporting.Report(tuple(reports))


def check_documents(
    settings: Settings, paths: Sequence[Path], *, progress: Progress, changed: Sequence[Path] | None = None
) -> reporting.Report:
    """Run the documents live and compare; nothing is written.

    ``changed`` limits it to documents with one of these files; a path may be gone or belong to no document.
    """
    documents = live_documents(settings, paths, changed)
    return reporting.Report(tuple(report for _, report in _Examination(settings, progress).run(documents)))


def diff_documents(settings: Settings, paths: Sequence[Path], *, progress: Progress) -> reporting.Report:
    """As `check_documents`, with both texts of what drifted; what was verified here already does not run again."""
    examination = _Examination(settings, progress)
    documents = live_documents(settings, paths)
    found = {ran.document.id: (ran, report) for ran, report in examination.reuse(documents)}
    found |= {
        ran.document.id: (ran, report)
        for ran, report in examination.run([document for document in documents if document.id not in found])
    }
    reports = []
    for ran, report in (found[document.id] for document in documents):
        old, new = examination.committed[ran.document.id], ran.recording
        reports.append(replace(report, texts=_texts(ran.session, report.comparisons, old, new) if new else {}))
    return reporting.Report(tuple(reports))


class _Examination:
    """Sessions and what is committed of them."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._provider = sandboxes.provider_for(settings)
        self._cache = recordings.Cache(settings.cache_dir / "sessions", engine=engine(), note=progress)
        self.committed: dict[str, Recording | None] = {}

    def reuse(self, documents: Sequence[Document]) -> Iterator[tuple[Ran, reporting.DocumentReport]]:
        """Those that ran here with the same commands, files, tools and sandbox, as they were then."""
        for document, session in self._planned(documents):
            if cached := _verified_before(session, self._provider, self._cache):
                moment = f"{cached.provenance.verified:%Y-%m-%d %H:%M} UTC"
                self._progress(f"{document.id}: nothing to run, these commands ran here at {moment}")
                ran = Ran(document, session, cached, None, 0.0, Attempt(cached))
                yield ran, self._report(ran)

    def run(self, documents: Sequence[Document]) -> Iterator[tuple[Ran, reporting.DocumentReport]]:
        """Run all of them, and keep in the cache what they printed.

        Raises SandboxError if there is no sandbox for any of them.
        """
        to_run: list[tuple[Document, Session]] = []
        hopeless: dict[str, Ran] = {}
        planned = self._planned(documents)
        for document, session in planned:
            if reason := self._provider.unavailable(session.request):
                hopeless[document.id] = Ran(document, session, None, SandboxError(reason), 0.0)
            else:
                to_run.append((document, session))
        if hopeless and not to_run and (failure := next(iter(hopeless.values())).failure):
            raise failure
        jobs = self._settings.jobs
        with closing(run_sessions(to_run, self._provider, jobs=jobs, progress=self._progress)) as sessions:
            for document, session in planned:
                ran = hopeless.get(document.id) or next(sessions)
                if ran.recording:
                    self._cache.put(session, ran.recording)
                yield ran, self._report(ran)

    def _planned(self, documents: Sequence[Document]) -> tuple[tuple[Document, Session], ...]:
        """Their sessions; the committed recordings are read too, so that a damaged one is told before anything runs."""
        planned: list[tuple[Document, Session]] = []
        errors: list[KubetalkError] = []
        for document in documents:
            try:
                planned.append((document, reading.plan_session(document)))
                place = document.recording_place
                self.committed[document.id] = recordings.load_recording(document.recording_path, place)
            except KubetalkError as error:
                errors.append(error)
        if errors:
            raise errors[0] if len(errors) == 1 else ManyErrors(errors)
        return tuple(planned)

    def _report(self, ran: Ran) -> reporting.DocumentReport:
        started = time.monotonic()
        old = self.committed[ran.document.id]
        failure = ran.failure
        try:
            comparisons = judge(ran, old)
        except KubetalkError as error:
            failure = failure or error
            comparisons = unverified(ran.session, "could not be compared")
        return reporting.DocumentReport(
            document_id=ran.document.id,
            path=ran.document.place,
            comparisons=(*comparisons, *historic(ran.document)),
            seconds=ran.seconds + time.monotonic() - started,
            recorded=old.provenance if old else None,
            current=ran.attempt.reached.provenance if ran.attempt else None,
            failure=failure,
        )


def _texts(
    session: Session, comparisons: Sequence[Comparison], old: Recording | None, new: Recording
) -> Mapping[StepKey, tuple[str, str]]:
    """Old and new output of every command that drifted or that has no record, ages and their like as they were."""
    exact = {(step.block_id, step.index) for step in session.commands if step.options.match is Match.EXACT}
    texts: dict[StepKey, tuple[str, str]] = {}
    for c in comparisons:
        if c.verdict in (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR, Verdict.UNVERIFIED) and not c.is_diagram:
            key, before, after = c.key, _output(old, c), _output(new, c)
            quiet = after if key in exact else comparing.without_noise(c.command, before, after, session)
            texts[key] = (before, quiet)
    return texts


def _output(recording: Recording | None, comparison: Comparison) -> str:
    block = recording.block(comparison.block_id) if recording else None
    return block.commands[comparison.index].output if block and comparison.index < len(block.commands) else ""


def _write(document: Document, old: Recording | None, new: Recording, comparisons: Sequence[Comparison]) -> bool:
    unchanged: set[StepKey] = {c.key for c in comparisons if comparing.is_unchanged(c)}
    return recordings.save_recording(document.recording_path, recordings.merge(old, new, unchanged))


def plan_documents(settings: Settings, paths: Sequence[Path]) -> tuple[Plan, ...]:
    """What an automatic build would run, and why."""
    provider = sandboxes.provider_for(settings)
    cache = recordings.Cache(settings.cache_dir / "sessions", engine=engine())
    return tuple(_plan(document, provider, cache) for document in live_documents(settings, paths))


def _plan(document: Document, provider: Provider, cache: recordings.Cache) -> Plan:
    session = reading.plan_session(document)
    count = len(session.commands)
    if _verified_before(session, provider, cache):
        return Plan(document.id, count, "reuse", "verified here with the same commands, files, tools and sandbox")
    if reason := provider.unavailable(session.request):
        return Plan(document.id, count, "replay", reason)
    keys = recordings.key_chain(session, provider.facts(session.request))
    if known := cache.longest_prefix(session, keys):
        done = sum(len(block.commands) for block in known.blocks)
        return Plan(document.id, count, "run", _partly_known(done))
    return Plan(document.id, count, "run", "not verified here with these commands, files, tools and sandbox")


def _partly_known(done: int) -> str:
    # Only `mkdocs serve` keeps sandboxes in which a session is taken up again; everybody else begins with a fresh one.
    return f"up to command {done} as it ran here, but what follows was changed: the whole session runs again"


def _verified_before(session: Session, provider: Provider, cache: recordings.Cache) -> Recording | None:
    try:
        facts = provider.facts(session.request)
    except SandboxError:
        return None  # `unavailable` says why
    return cache.get(session, recordings.key_chain(session, facts))
