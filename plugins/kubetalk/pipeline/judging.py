"""Verdicts on everything a session shows, in its order: commands, diagrams, and how far a session came that failed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kubetalk import comparing
from kubetalk.errors import KubetalkError, SandboxError
from kubetalk.model import (
    BlockRecord,
    Comparison,
    Difference,
    Document,
    FileStep,
    HistoricBlock,
    Recording,
    RunStep,
    Session,
    SnapshotStep,
    StepKey,
    Verdict,
)

if TYPE_CHECKING:
    from kubetalk.pipeline.performing import Attempt, Ran


def judge(ran: Ran, old: Recording | None) -> tuple[Comparison, ...]:
    """What a run says of a document's recording: `compare_session`, or `compare_attempt` if it failed."""
    if ran.recording:
        return compare_session(ran.session, old, ran.recording)
    return compare_attempt(ran.session, old, ran.attempt, ran.failure)


def compare_session(session: Session, old: Recording | None, new: Recording) -> tuple[Comparison, ...]:
    """One comparison per command and per diagram of the session, in its order, then what only ``old`` has.

    Raises ContentError if an author's expectation cannot be read.
    """
    if old is None:
        return unverified(session, "not recorded yet")
    told = {comparison.key: comparison for comparison in comparing.compare(session, old, new)}
    shown = [
        _compare_diagram(step, old, new) if isinstance(step, SnapshotStep) else told.pop((step.block_id, step.index))
        for step in session.steps
        if not isinstance(step, FileStep)
    ]
    diagrams = {step.id for step in session.steps if isinstance(step, SnapshotStep)}
    gone = [
        Comparison(snapshot.id, 0, "", Verdict.UNVERIFIED, reason="recorded, but no longer in the document")
        for snapshot in old.snapshots
        if snapshot.id not in diagrams
    ]
    return (*shown, *told.values(), *gone)


def compare_attempt(
    session: Session, old: Recording | None, attempt: Attempt | None, failure: KubetalkError | None
) -> tuple[Comparison, ...]:
    """As `compare_session` for a session that failed: what it reached has a verdict, the rest is unverified.

    The command that failed has always drifted: its block says how it has to end. Raises ContentError likewise.
    """
    if attempt is None or failure is None:
        return unverified(session, "the session has no result")
    reached = _keys(attempt.reached)
    # Both recordings end at the same place: what comes later tells of names, and would tell it of one of them only.
    comparisons = compare_session(session, _cut(old, reached) if old else None, attempt.reached)
    reason = _ended(attempt, failure)
    return tuple(
        _failed(comparison, failure)
        if comparison.key == attempt.failed
        else comparison
        if comparison.key in reached
        else replace(comparison, verdict=Verdict.UNVERIFIED, differences=(), reason=reason)
        for comparison in comparisons
    )


def unverified(session: Session, reason: str) -> tuple[Comparison, ...]:
    """Every command and diagram of the session, with the one reason why nothing can be said of it."""
    return tuple(_without_verdict(step, reason) for step in session.steps if not isinstance(step, FileStep))


def historic(document: Document) -> Iterator[Comparison]:
    """The commands of the historic blocks, which never run; those that all languages show once."""
    seen: set[tuple[object, ...]] = set()
    for text in document.texts.values():
        for block in text.blocks:
            if not isinstance(block, HistoricBlock):
                continue
            told = (block.recorded, *(command.source for command in block.commands))
            if told not in seen:
                seen.add(told)
                for index, command in enumerate(block.commands):
                    yield Comparison(
                        "",
                        index,
                        command.source,
                        Verdict.HISTORIC,
                        location=command.location,
                        reason=f"recorded on {block.recorded.isoformat()}: {block.reason}",
                    )


def drifted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Those of which something else is shown now."""
    return [c for c in comparisons if c.verdict in (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR)]


def _compare_diagram(step: SnapshotStep, old: Recording, new: Recording) -> Comparison:
    before, after = old.snapshot(step.id), new.snapshot(step.id)
    if before is None or after is None:
        return _without_verdict(step, "not recorded yet" if before is None else "was not looked at")
    differences = comparing.compare_snapshots(before, after)
    verdicts = {difference.verdict for difference in differences}
    verdict = Verdict.DRIFT_MAJOR if Verdict.DRIFT_MAJOR in verdicts else next(iter(verdicts), Verdict.FRESH)
    return Comparison(step.id, 0, "", verdict, differences, step.location)


def _without_verdict(step: RunStep | SnapshotStep, reason: str) -> Comparison:
    if isinstance(step, SnapshotStep):
        return Comparison(step.id, 0, "", Verdict.UNVERIFIED, location=step.location, reason=reason)
    command = step.command
    return Comparison(
        step.block_id, step.index, command.source, Verdict.UNVERIFIED, location=command.location, reason=reason
    )


def _failed(comparison: Comparison, failure: KubetalkError) -> Comparison:
    differences = comparison.differences
    if all(difference.verdict is not Verdict.DRIFT_MAJOR for difference in differences):
        differences = (Difference(Verdict.DRIFT_MAJOR, failure.message), *differences)
    return replace(comparison, verdict=Verdict.DRIFT_MAJOR, differences=differences, reason="")


def _ended(attempt: Attempt, failure: KubetalkError) -> str:
    if isinstance(failure, SandboxError):
        return "the sandbox failed before it was verified"
    place = f"block {attempt.failed[0]}" if attempt.failed else failure.where
    return f"the session ended before it, at {place}"


def _keys(recording: Recording) -> Collection[StepKey]:
    commands = {(block.id, index) for block in recording.blocks for index in range(len(block.commands))}
    return {*commands, *(snapshot.id for snapshot in recording.snapshots)}


def _cut(recording: Recording, keys: Collection[StepKey]) -> Recording:
    lengths: Mapping[str, int] = {
        block.id: sum((block.id, index) in keys for index in range(len(block.commands))) for block in recording.blocks
    }
    return replace(
        recording,
        blocks=tuple(
            BlockRecord(block.id, block.commands[: lengths[block.id]])
            for block in recording.blocks
            if lengths[block.id]
        ),
        snapshots=tuple(snapshot for snapshot in recording.snapshots if snapshot.id in keys),
    )
