"""Two recordings of one session: a verdict per command, and each with its reason in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubetalk.comparing import commands, structured, words
from kubetalk.comparing.canonicalise import canonical
from kubetalk.comparing.differences import differences
from kubetalk.comparing.expectations import matches_expectation
from kubetalk.comparing.forms import Canonical, number
from kubetalk.comparing.names import Names
from kubetalk.comparing.words import MAJOR
from kubetalk.model import (
    BlockOptions,
    CommandRecord,
    Comparison,
    Difference,
    FileStep,
    Match,
    Recording,
    RunStep,
    Session,
    Snapshot,
    Verdict,
)

_DEFAULT = BlockOptions()
_OWNER_LINE = re.compile(
    r"(?<![\w.])(daemonset\.apps|job\.batch|cronjob\.batch|replicationcontroller)/([a-z0-9][a-z0-9.-]*)"
)
_KIND = re.compile(r"kind[\"']?\s*:\s*[\"']?(DaemonSet|Job|CronJob|ReplicationController)\b")
_NAME = re.compile(r"(?<![\w.-])name[\"']?\s*:\s*[\"']?([a-z0-9][a-z0-9.-]*)")

_NOT_AS_WRITTEN = "not as written: "

_Key = tuple[str, int]


def is_stable(a: str, b: str, command: str, options: BlockOptions = _DEFAULT) -> bool:
    """Whether two looks at the same thing say the same: the end of polling."""
    return canonical(command, a, options=options) == canonical(command, b, options=options)


def names_of(session: Session, recording: Recording) -> Names:
    """What a recording's commands, files and outputs tell of names before the first of them is masked."""
    names = Names()
    texts = [step.content for step in session.steps if isinstance(step, FileStep)]
    texts += [record.command for block in recording.blocks for record in block.commands]
    for text in texts:
        names.read_text(text)
        for chunk in re.split(r"(?m)^---", text):
            kind = _KIND.search(chunk)
            if kind is not None:
                for name in _NAME.findall(chunk)[:1]:
                    names.own(kind[1].lower(), name)
    for block in recording.blocks:
        for record in block.commands:
            for kind_word, name in _OWNER_LINE.findall(record.output):
                names.own(kind_word.partition(".")[0], name)
    records = _records(recording)
    for step in session.commands:
        told = records.get((step.block_id, step.index))
        if step.options.symbol and told is not None:
            number = f".{step.index + 1}" if step.index else ""
            names.register(told.output.strip(), f"‹{step.options.symbol}{number}›")
    return names


def compare(session: Session, old: Recording, new: Recording) -> tuple[Comparison, ...]:
    """One comparison per command of the session, in its order, then one per command that is only in the old recording.

    A command that one of the recordings lacks is unverified, with the reason. What the author wrote below a command
    counts like an old recording of it: the new output has to fit it.
    """
    before, after = _records(old), _records(new)
    names = names_of(session, old), names_of(session, new)
    identities = _Identities()
    result = []
    seen: set[_Key] = set()
    for step in session.commands:
        key = (step.block_id, step.index)
        seen.add(key)
        result.append(_step(step, before.get(key), after.get(key), names, identities))
    for key, record in before.items():
        if key not in seen:
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


def _records(recording: Recording) -> dict[_Key, CommandRecord]:
    return {(block.id, index): record for block in recording.blocks for index, record in enumerate(block.commands)}


def _step(
    step: RunStep,
    old: CommandRecord | None,
    new: CommandRecord | None,
    names: tuple[Names, Names],
    identities: _Identities,
) -> Comparison:
    command, options = step.command.source, step.options
    forms: list[Canonical | None] = []
    for record, side in zip((old, new), names, strict=True):
        known = record is not None and record.command == command
        forms.append(
            canonical(record.command, record.output, exit_code=record.exit_code, options=options, names=side)
            if record is not None and known
            else None
        )
    reason = _reason(command, old, new)
    found: tuple[Difference, ...] = ()
    if not reason and forms[0] is not None and forms[1] is not None and new is not None:
        found = differences(forms[0], forms[1])
        if not found and options.match is not Match.NONE:
            found = tuple(identities.check(command, forms[0], forms[1]))
    if new is not None and new.command == command and step.command.expectation is not None:
        written = matches_expectation(command, step.command.expectation, new.output, options, names[1])
        found += tuple(Difference(d.verdict, _NOT_AS_WRITTEN + d.message) for d in written)
    verdict = words.worst(found)
    if verdict is Verdict.FRESH and reason:
        verdict = Verdict.UNVERIFIED
    return Comparison(step.block_id, step.index, command, verdict, found, step.command.location, reason)


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
