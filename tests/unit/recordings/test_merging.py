from __future__ import annotations

import dataclasses
import datetime as dt

from kubetalk.model import BlockRecord, CommandRecord, Layer, Provenance, Recording, Snapshot, StepKey
from kubetalk.recordings import dump_recording, merge

OLD_DAY = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NEW_DAY = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def made(day: dt.datetime, pod: str, age: str, **versions: str) -> Recording:
    """A session of two blocks in which a pod's name and age vary."""
    return Recording(
        "talk",
        Provenance(day, "embedded", simulated=True, versions={"kubernetes": "v1.36.4", **versions}),
        (
            BlockRecord(
                "a", (CommandRecord("create", "created\n", 0, "k1", 0.3), CommandRecord("get", f"{pod} {age}\n", 0))
            ),
            BlockRecord("b", (CommandRecord("logs", f"of {pod}\n", 0, "k3"),)),
        ),
        (Snapshot("d", ({"name": pod},), "k4"),),
        content="c1",
    )


OLD = merge(None, made(OLD_DAY, "web-1", "5s"), set())
EVERYTHING: set[StepKey] = {("a", 0), ("a", 1), ("b", 0), "d"}


def changed_lines(one: Recording, other: Recording) -> set[str]:
    return set(dump_recording(other).splitlines()) - set(dump_recording(one).splitlines())


def test_the_first_recording_is_taken_without_keys() -> None:
    assert "k1" not in dump_recording(OLD)
    assert OLD.blocks[0].commands[0] == CommandRecord("create", "created\n", 0)
    assert OLD.content == "c1"


def test_nothing_new_changes_nothing() -> None:
    assert merge(OLD, made(NEW_DAY, "web-2", "7s"), EVERYTHING) is OLD
    assert merge(OLD, made(NEW_DAY, "web-2", "7s"), lambda _: True) is OLD


def test_equal_outputs_need_not_be_told() -> None:
    assert merge(OLD, made(NEW_DAY, "web-1", "5s"), set()) is OLD


def test_only_the_record_that_changed_changes() -> None:
    merged = merge(OLD, made(NEW_DAY, "web-2", "7s"), EVERYTHING - {("b", 0)})
    assert changed_lines(OLD, merged) == {"  verified: 2026-11-22T00:00:00Z", "          of web-2"}


def test_a_new_version_moves_the_provenance_alone() -> None:
    new = made(NEW_DAY, "web-2", "7s", kubernetes="v1.36.5")
    assert changed_lines(OLD, merge(OLD, new, EVERYTHING)) == {
        "  verified: 2026-11-22T00:00:00Z",
        "    kubernetes: v1.36.5",
    }


def test_charts_that_one_side_does_not_tell_are_no_news() -> None:
    told = made(NEW_DAY, "web-2", "7s", **{"chart shop": "0.3.1"})
    assert merge(OLD, told, EVERYTHING) is OLD
    first = merge(None, told, set())
    assert merge(first, made(NEW_DAY, "web-1", "5s"), EVERYTHING) is first
    # Where something else changes they are written with it.
    assert changed_lines(OLD, merge(OLD, told, EVERYTHING - {("b", 0)})) == {
        "  verified: 2026-11-22T00:00:00Z",
        "    chart shop: 0.3.1",
        "          of web-2",
    }


def test_another_version_of_a_chart_is_news() -> None:
    first = merge(None, made(OLD_DAY, "web-1", "5s", **{"chart shop": "0.3.1"}), set())
    second = merge(first, made(NEW_DAY, "web-1", "5s", **{"chart shop": "0.3.2"}), EVERYTHING)
    assert changed_lines(first, second) == {"  verified: 2026-11-22T00:00:00Z", "    chart shop: 0.3.2"}


def test_changed_content_that_prints_the_same_is_verified_anew() -> None:
    new = dataclasses.replace(made(NEW_DAY, "web-2", "7s"), content="c2")
    assert changed_lines(OLD, merge(OLD, new, EVERYTHING)) == {"content: c2", "  verified: 2026-11-22T00:00:00Z"}


def test_another_command_or_exit_code_is_never_unchanged() -> None:
    new = made(NEW_DAY, "web-2", "7s")
    commands = (new.blocks[0].commands[0], CommandRecord("get", "gone\n", 1))
    merged = merge(OLD, dataclasses.replace(new, blocks=(BlockRecord("a", commands), new.blocks[1])), EVERYTHING)
    assert merged.blocks[0].commands[1].output == "gone\n"
    commands = (new.blocks[0].commands[0], CommandRecord("get -o wide", "wide\n", 0))
    merged = merge(OLD, dataclasses.replace(new, blocks=(BlockRecord("a", commands), new.blocks[1])), EVERYTHING)
    assert merged.blocks[0].commands[1].output == "wide\n"


def test_blocks_come_go_and_move() -> None:
    new = made(NEW_DAY, "web-2", "7s")
    merged = merge(OLD, dataclasses.replace(new, blocks=(new.blocks[1], BlockRecord("n", ()))), EVERYTHING)
    assert [block.id for block in merged.blocks] == ["b", "n"]
    assert merged.blocks[0] == OLD.blocks[1]
    assert merged.provenance.verified == NEW_DAY
    fewer = dataclasses.replace(new, blocks=(BlockRecord("a", new.blocks[0].commands[:1]), new.blocks[1]))
    assert len(merge(OLD, fewer, EVERYTHING).blocks[0].commands) == 1


def test_another_layer_moves_the_provenance() -> None:
    new = made(NEW_DAY, "web-2", "7s")
    new = dataclasses.replace(new, provenance=dataclasses.replace(new.provenance, layer=Layer("shop", ("one",))))
    assert merge(OLD, new, EVERYTHING).provenance == new.provenance
