"""What `record` writes: the old bytes wherever nothing changed that counts, so that a diff shows changes only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

from kubetalk.model import CHART, BlockRecord, CommandRecord, Recording, Snapshot, StepKey

Unchanged = Callable[[StepKey], bool] | Collection[StepKey]
"""Which commands, by (block id, index), and snapshots, by id, say the same as before in canonical form."""


def merge(old: Recording | None, new: Recording, unchanged: Unchanged) -> Recording:
    """The recording to write after a run.

    A record stays as it was if it is in ``unchanged`` and its command and exit code are the same; everything else is
    taken from ``new``, in its order. The provenance moves only if some record did, or a version, the provider or the
    content; so a re-run without news gives back ``old`` itself. Links of the key chain are left out: they move with
    every version of the sandbox and belong to the cache of one machine.
    """
    same = unchanged if callable(unchanged) else unchanged.__contains__
    bare = _without_keys(new)
    if old is None:
        return bare
    blocks = tuple(_merged_block(old.block(block.id), block, same) for block in bare.blocks)
    snapshots = tuple(_merged_snapshot(old.snapshot(taken.id), taken, same) for taken in bare.snapshots)
    merged = dataclasses.replace(bare, blocks=blocks, snapshots=snapshots, provenance=old.provenance)
    if merged == _without_keys(old) and _same_tools(old, new):
        return old
    return dataclasses.replace(merged, provenance=new.provenance)


def same_outputs(one: Recording, other: Recording) -> bool:
    """Whether two recordings hold the same bytes, wherever and whenever they were made."""
    first, second = _without_keys(one), _without_keys(other)
    return (first.blocks, first.snapshots) == (second.blocks, second.snapshots)


def _merged_block(old: BlockRecord | None, new: BlockRecord, same: Callable[[StepKey], bool]) -> BlockRecord:
    if old is None:
        return new
    commands = list(new.commands)
    for index, (before, after) in enumerate(zip(old.commands, new.commands, strict=False)):
        if (before.command, before.exit_code) == (after.command, after.exit_code) and same((new.id, index)):
            commands[index] = _without_key(before)
    return BlockRecord(new.id, tuple(commands))


def _merged_snapshot(old: Snapshot | None, new: Snapshot, same: Callable[[StepKey], bool]) -> Snapshot:
    return dataclasses.replace(old, key="") if old and same(new.id) else new


def _same_tools(old: Recording, new: Recording) -> bool:
    before, after = old.provenance, new.provenance
    versions = [dict(before.versions), dict(after.versions)]
    if not all(any(name.startswith(CHART) for name in told) for told in versions):
        # Charts were not always recorded, and the cluster may not have told: that is no news.
        versions = [{name: told[name] for name in told if not name.startswith(CHART)} for told in versions]
    return versions[0] == versions[1] and (before.provider, before.simulated, before.layer) == (
        after.provider,
        after.simulated,
        after.layer,
    )


def _without_keys(recording: Recording) -> Recording:
    return dataclasses.replace(
        recording,
        blocks=tuple(
            BlockRecord(block.id, tuple(_without_key(command) for command in block.commands))
            for block in recording.blocks
        ),
        snapshots=tuple(dataclasses.replace(snapshot, key="") for snapshot in recording.snapshots),
    )


def _without_key(command: CommandRecord) -> CommandRecord:
    return dataclasses.replace(command, key="", seconds=0.0)
