"""Two recordings of one session: a verdict per command, and each with its reason in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kubetalk.comparing import commands, structured, words
from kubetalk.comparing.canonicalise import canonical
from kubetalk.comparing.differences import differences
from kubetalk.comparing.expectations import matches_expectation
from kubetalk.comparing.forms import Canonical, number
from kubetalk.comparing.names import Names
from kubetalk.comparing.words import MAJOR
from kubetalk.comparing.written import idle_words, names_of, texts_of
from kubetalk.model import (
    BlockOptions,
    CommandRecord,
    Comparison,
    Difference,
    Match,
    Recording,
    RunStep,
    Session,
    Snapshot,
    StepKey,
    Verdict,
)

_DEFAULT = BlockOptions()
_NOT_AS_WRITTEN = "not as written: "

_BY_TEXT = frozenset({Match.REGEX, Match.LINES})
"""Where the author's text, if there is one, is all that an output has to say."""

_Forms = tuple[Canonical | None, Canonical | None]


def is_stable(a: str, b: str, command: str, options: BlockOptions = _DEFAULT) -> bool:
    """Whether two looks at the same thing say the same: the end of polling."""
    return canonical(command, a, options=options) == canonical(command, b, options=options)


def compare(session: Session, old: Recording, new: Recording) -> tuple[Comparison, ...]:
    """One comparison per command of the session, in its order, then one per command that is only in the old recording.

    A command that one of the recordings lacks is unverified, with the reason. What the author wrote below a command
    counts like an old recording of it: the new output has to fit it. With ``match="regex"`` and ``match="lines"`` it
    counts alone: two outputs that both fit say the same.
    """
    before, after = _records(old), _records(new)
    written = texts_of(session)
    names = names_of(session, old, written), names_of(session, new, written)
    identities = _Identities()
    result: list[Comparison] = []
    forms: dict[StepKey, _Forms] = {}
    for step in session.commands:
        key = (step.block_id, step.index)
        forms[key] = _forms(step, before.get(key), after.get(key), names)
        result.append(_step(step, before.get(key), after.get(key), forms[key], names, identities))
    idle: dict[StepKey, list[Difference]] = {}
    for place, told in idle_words(session.commands, forms):
        idle.setdefault(place, []).append(Difference(MAJOR, _NOT_AS_WRITTEN + told))
    result = [_with(comparison, idle.get((comparison.block_id, comparison.index), [])) for comparison in result]
    for key, record in before.items():
        if key not in forms:
            result.append(
                Comparison(
                    key[0], key[1], record.command, Verdict.UNVERIFIED, reason="recorded, but no longer in the document"
                )
            )
    return tuple(result)


def is_unchanged(comparison: Comparison) -> bool:
    """Whether the new output says what the old recording says, even if the author's own text does not."""
    if comparison.verdict in {Verdict.UNVERIFIED, Verdict.HISTORIC} or comparison.reason:
        return False
    return all(difference.message.startswith(_NOT_AS_WRITTEN) for difference in comparison.differences)


def _with(comparison: Comparison, more: list[Difference]) -> Comparison:
    if not more:
        return comparison
    differences_now = (*comparison.differences, *more)
    return replace(comparison, differences=differences_now, verdict=words.worst(differences_now))


def _records(recording: Recording) -> dict[tuple[str, int], CommandRecord]:
    return {(block.id, index): record for block in recording.blocks for index, record in enumerate(block.commands)}


def _forms(step: RunStep, old: CommandRecord | None, new: CommandRecord | None, names: tuple[Names, Names]) -> _Forms:
    """Both canonical forms, None where that command was not recorded."""
    before, after = (
        canonical(record.command, record.output, exit_code=record.exit_code, options=step.options, names=side)
        if record is not None and record.command == step.command.source
        else None
        for record, side in zip((old, new), names, strict=True)
    )
    return before, after


def _step(
    step: RunStep,
    old: CommandRecord | None,
    new: CommandRecord | None,
    forms: _Forms,
    names: tuple[Names, Names],
    identities: _Identities,
) -> Comparison:
    command, options = step.command.source, step.options
    by_text = options.match in _BY_TEXT and step.command.expectation is not None
    unfit = _unfit(step, new, names[1])
    reason = _reason(command, old, new)
    found: tuple[Difference, ...] = ()
    if not reason and forms[0] is not None and forms[1] is not None:
        before, after = forms[0], forms[1]
        if by_text and not unfit and not _unfit(step, old, names[0]):
            # Both fit, so what remains is the exit code.
            before, after = replace(before, parts=(), names=()), replace(after, parts=(), names=())
        found = differences(before, after)
        if not found and options.match is not Match.NONE:
            found = tuple(identities.check(command, before, after))
    found += tuple(Difference(d.verdict, _NOT_AS_WRITTEN + d.message) for d in unfit)
    verdict = words.worst(found)
    if verdict is Verdict.FRESH and reason:
        verdict = Verdict.UNVERIFIED
    return Comparison(step.block_id, step.index, command, verdict, found, step.command.location, reason)


def _unfit(step: RunStep, record: CommandRecord | None, names: Names) -> tuple[Difference, ...]:
    """How a record is not what the author wrote below the command; empty if nothing is written there."""
    expectation = step.command.expectation
    if record is None or record.command != step.command.source or expectation is None:
        return ()
    return matches_expectation(record.command, expectation, record.output, step.options, names)


def _reason(command: str, old: CommandRecord | None, new: CommandRecord | None) -> str:
    """Why the command cannot be verified; empty if it can."""
    if new is None:
        return "was not run"
    if new.command != command:
        return "another command was run in its place"
    if old is None:
        return "not recorded yet"
    return "" if old.command == command else "the command was changed since it was recorded"


class _Identities:
    """Follows single names through a recording: the pod of ``describe pod $POD`` is the one of ``echo $POD``.

    Only names that a command got from a shell variable are followed, and only from one such command to the next. Which
    of several equal pods a listing loses when a Deployment shrinks, or a tool picks by itself, is chance.
    """

    def __init__(self) -> None:
        self._followed: list[tuple[str, str, str]] = []

    def check(self, command: str, old: Canonical, new: Canonical) -> Iterator[Difference]:
        if not commands.read(command).has_variable or not len(old.names) == len(new.names) == 1:
            return
        name_old, name_new = old.names[0][0], new.names[0][0]
        for before, now, origin in self._followed:
            if (before == name_old) != (now == name_new):
                told = f"{name_old} -> {name_new}, not the relation to `{words.shown(origin)}` it had"
                yield Difference(MAJOR, f"another object: {told}")
                return
        self._followed.append((name_old, name_new, command))


# Snapshots


def compare_snapshots(old: Snapshot, new: Snapshot) -> tuple[Difference, ...]:
    """What changed between two cluster states: objects gone (major) or added (minor), and every field of the others."""
    if old.objects == new.objects:
        return ()
    numbered = (number((structured.values(snapshot.objects, Names()),)) for snapshot in (old, new))
    before, after = (Canonical(parts, names=signatures) for parts, signatures in numbered)
    return differences(before, after)
