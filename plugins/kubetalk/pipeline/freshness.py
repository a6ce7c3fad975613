"""Record and check: compare what is recorded with what a fresh sandbox prints, and write only when asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kubetalk import comparing, reading, recordings, reporting
from kubetalk import sandbox as sandboxes
from kubetalk.errors import KubetalkError, SandboxError
from kubetalk.model import (
    Comparison,
    Document,
    Progress,
    Recording,
    Session,
    Settings,
    StepKey,
    Verdict,
)
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.performing import run_live, unverifiable


@dataclass(frozen=True, slots=True)
class Planned:
    """What an automatic build would do with one document, and why."""

    document_id: str
    commands: int
    action: str
    """``run`` or ``reuse``."""
    reason: str


def record_documents(settings: Settings, paths: Sequence[Path], *, progress: Progress) -> reporting.Report:
    """Run the documents live and write what changed into their recordings.

    The report says how the new recordings differ from the old ones. The first document that fails ends the run;
    recordings written before it stay, its own is left as it was.
    """
    return _examine(settings, paths, progress=progress, write=True)


def check_documents(settings: Settings, paths: Sequence[Path], *, progress: Progress) -> reporting.Report:
    """Run the documents live and compare; nothing is written."""
    return _examine(settings, paths, progress=progress, write=False)


def _examine(settings: Settings, paths: Sequence[Path], *, progress: Progress, write: bool) -> reporting.Report:
    documents = live_documents(settings, paths)
    provider = sandboxes.provider_for(settings)
    cache = recordings.Cache(settings.cache_dir / "sessions", note=progress)
    reports: list[reporting.DocumentReport] = []
    for number, document in enumerate(documents, 1):
        session = reading.plan_session(document)
        if reason := provider.unavailable(session.request):
            raise SandboxError(reason)
        progress(f"{document.id} ({number} of {len(documents)}): {len(session.commands)} commands")
        old = recordings.load_recording(document.recording_path, document.recording_place)
        started = time.monotonic()
        failure = ""
        new: Recording | None = None
        comparisons: tuple[Comparison, ...] = ()
        try:
            new = run_live(document, session, provider, progress=progress)
            comparisons = _compare(session, old, new)
        except KubetalkError as error:
            if write:
                raise
            failure = str(error)
            comparisons = _all_unverified(session)
        if new is not None:
            cache.put(session, new)
            if write:
                _write(document, old, new, comparisons)
        reports.append(
            reporting.DocumentReport(
                document_id=document.id,
                path=document.place,
                comparisons=comparisons,
                seconds=time.monotonic() - started,
                recorded=old.provenance if old else None,
                current=new.provenance if new else unverifiable(provider.facts(session.request)),
                failure=failure,
                is_new=write and old is None,
            )
        )
    return reporting.Report(tuple(reports))


def _compare(session: Session, old: Recording | None, new: Recording) -> tuple[Comparison, ...]:
    if old is None:
        return tuple(
            Comparison(
                block_id=step.block_id,
                index=step.index,
                command=step.command.source,
                verdict=Verdict.UNVERIFIED,
                location=step.command.location,
                reason="not recorded yet",
            )
            for step in session.commands
        )
    return comparing.compare(session, old, new)


def _all_unverified(session: Session) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(
            block_id=step.block_id,
            index=step.index,
            command=step.command.source,
            verdict=Verdict.UNVERIFIED,
            location=step.command.location,
            reason="the session did not reach its end",
        )
        for step in session.commands
    )


def _write(document: Document, old: Recording | None, new: Recording, comparisons: Sequence[Comparison]) -> bool:
    unchanged: set[StepKey] = {(c.block_id, c.index) for c in comparisons if c.verdict is Verdict.FRESH}
    for snapshot in new.snapshots:
        before = old.snapshot(snapshot.id) if old else None
        if before is not None and not comparing.compare_snapshots(before, snapshot):
            unchanged.add(snapshot.id)
    return recordings.save_recording(document.recording_path, recordings.merge(old, new, unchanged))


def plan_documents(settings: Settings, paths: Sequence[Path]) -> tuple[Planned, ...]:
    """What an automatic build would run, and why."""
    provider = sandboxes.provider_for(settings)
    cache = recordings.Cache(settings.cache_dir / "sessions")
    return tuple(_plan(document, provider, cache) for document in live_documents(settings, paths))


def _plan(document: Document, provider: sandboxes.Provider, cache: recordings.Cache) -> Planned:
    session = reading.plan_session(document)
    count = len(session.commands)
    if reason := provider.unavailable(session.request):
        return Planned(document.id, count, "replay", reason)
    keys = recordings.key_chain(session, provider.facts(session.request))
    if cache.get(session, keys):
        return Planned(document.id, count, "reuse", "verified here with the same commands, files, tools and sandbox")
    return Planned(document.id, count, "run", "not verified here with these commands, files, tools and sandbox")
