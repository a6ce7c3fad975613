from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import FileStep, Location, RunStep, SessionResult, SnapshotStep, Step, StepKey
from kubetalk.running import rewind, run_session
from tests.unit.running.conftest import FakeSandbox, outputs, prune, run_step, session_of

HERE = Location("docs/talks/t/en.md", 5)


def keys_of(steps: Sequence[Step]) -> dict[StepKey, str]:
    """A chain such as `recordings` makes."""
    link = ""
    keys: dict[StepKey, str] = {}
    for step in steps:
        match step:
            case RunStep():
                link = hashlib.sha256(f"{link} {step.command.source}".encode()).hexdigest()
                keys[step.block_id, step.index] = link
            case FileStep():
                link = hashlib.sha256(f"{link} {step.path} {step.content}".encode()).hexdigest()
            case _:
                keys[step.id] = hashlib.sha256(f"{link} snapshot".encode()).hexdigest()
    return keys


class Again:
    """Runs sessions one after another on one sandbox."""

    def __init__(self, sandbox: FakeSandbox, directory: Path) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self.told: list[str] = []

    def __call__(self, *steps: Step) -> SessionResult:
        self.told.clear()
        return run_session(
            session_of(*steps), self.sandbox, prune=prune, progress=self.told.append, **self._arguments(steps)
        )

    def rewind(self, *steps: Step) -> None:
        rewind(session_of(*steps), self.sandbox, **self._arguments(steps))

    def _arguments(self, steps: Sequence[Step]) -> dict[str, Any]:
        return {"workspace": self.directory / "w", "keys": keys_of(steps), "states": self.directory / "states"}


@pytest.fixture
def again(sandbox: FakeSandbox, tmp_path: Path) -> Again:
    return Again(sandbox, tmp_path)


def steps_of(*sources: str) -> list[Step]:
    """One block per command."""
    return [run_step(source, block=f"b{number}") for number, source in enumerate(sources)]


BEGINNING = (
    "kubectl create pod web",
    "mkdir d && cd d && echo file >f && touch ~/home-file",
    "x='a  \"b\"\nc'; export E=1; unset TZ; arr=(1 '2 3'); umask 027",
    "f() { echo \"f $1 $x\"; }; alias ll='ls -l'; trap 'echo bye' USR1; shopt -s extglob; set -o pipefail",
    "IFS=,",
    "! true",
)
PROBE = (
    'st=$?; kubectl get pods; pwd; cat f; ls ~; f 1; printf "<%s>" "${arr[@]}"; echo; alias ll; trap -p USR1; '
    "env | grep -E '^(E|TZ|COLUMNS)=' | sort; umask; shopt -q extglob && echo extglob; printf %q \"$IFS\"; "
    "false | true || echo pipefail $st"
)


def with_intended_exit(steps: list[Step]) -> list[Step]:
    return [*steps[:5], run_step("! true", block="b5", exit=1), *steps[6:]]


def test_an_edit_of_the_last_command_runs_that_command_only(again: Again, sandbox: FakeSandbox) -> None:
    whole = with_intended_exit(steps_of(*BEGINNING, PROBE))
    first = again(*whole)
    assert first.resumed == 0
    assert "pipefail 1" in outputs(first)[6]
    again.rewind(*whole)
    sandbox.calls.clear()
    second = again(*with_intended_exit(steps_of(*BEGINNING, PROBE + "; echo edited")))
    assert sandbox.calls == []
    assert again.told == ["7/7 " + PROBE + "; echo edited"]
    assert second.resumed == 6
    assert outputs(second)[6] == outputs(first)[6] + "edited\n"
    assert outputs(second)[:6] == outputs(first)[:6]


def test_without_rewinding_the_cluster_is_restored_first(again: Again, sandbox: FakeSandbox) -> None:
    again(*steps_of("kubectl create pod web", "kubectl delete pod web"))
    sandbox.calls.clear()
    result = again(*steps_of("kubectl create pod web", "kubectl get pods"))
    assert [call.split()[0] for call in sandbox.calls] == ["restore"]
    assert outputs(result) == ["pod/web created\n", "web\n"]
    assert result.resumed == 1


def test_an_edit_before_the_point_starts_over(again: Again, sandbox: FakeSandbox) -> None:
    again(*steps_of("kubectl create pod web", "true", "kubectl get pods"))
    result = again(*steps_of("kubectl create pod other", "true", "kubectl get pods"))
    assert result.resumed == 0
    assert "restore start" in sandbox.calls
    assert outputs(result)[2] == "other\n"


def test_a_failure_keeps_the_points_before_it(again: Again) -> None:
    failed = again(*steps_of("kubectl create pod web", "false"))
    assert failed.failure is not None
    mended = again(*steps_of("kubectl create pod web", "true"))
    assert mended.failure is None
    assert mended.resumed == 1


def test_files_and_snapshots_after_the_point(again: Again, sandbox: FakeSandbox) -> None:
    sandbox.found = ({"kind": "Pod"},)
    steps: list[Step] = [
        SnapshotStep("d0", HERE),
        run_step("echo a", "a"),
        FileStep("f", "1\n", HERE),
        run_step("cat f", "b"),
    ]
    assert outputs(again(*steps)) == ["a\n", "1\n"]
    sandbox.found = ()
    edited = again(*steps[:2], FileStep("f", "2\n", HERE), *steps[3:])
    assert edited.resumed == 2
    assert outputs(edited) == ["a\n", "2\n"]
    assert edited.recording.snapshots[0].objects == ({"kind": "Pod"},)
    added = again(SnapshotStep("d1", HERE), *steps)
    assert [snapshot.id for snapshot in added.recording.snapshots] == ["d1", "d0"]


def test_a_diagram_that_was_added_is_drawn_as_the_cluster_was_there(again: Again) -> None:
    steps = steps_of("echo a", "echo b", "echo c")
    again(*steps)
    assert again(steps[0], SnapshotStep("new", HERE), *steps[1:]).resumed == 1
    assert again(SnapshotStep("first", HERE), *steps).resumed == 0


@pytest.mark.parametrize("source", ["sleep 300 &", "exec 3>f", "nohup true"])
def test_what_cannot_be_saved_is_run_again(again: Again, source: str) -> None:
    again(*steps_of(source, "true"))
    assert again(*steps_of(source, "echo edited")).resumed == 0


def test_strict_shells_survive_being_saved(again: Again) -> None:
    again(*steps_of("set -eux -o pipefail", "true"))
    result = again(*steps_of("set -eux -o pipefail", "false; echo not reached"))
    assert result.failure is not None
    assert "not reached\n" not in result.failure.details.replace("echo not reached", "")


def test_a_provider_without_checkpoints_just_runs(
    again: Again, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_name: str) -> None:
        raise SandboxError("no checkpoints here")

    monkeypatch.setattr(sandbox, "checkpoint", none)
    assert outputs(again(*steps_of("echo a", "echo b"))) == ["a\n", "b\n"]


def test_twenty_commands_and_an_edit_of_the_last(again: Again, sandbox: FakeSandbox) -> None:
    sandbox.tool("counted", "#!/bin/sh\necho ran >>~/runs; wc -l <~/runs\n")
    sources = ["counted"] * 19
    again(*steps_of(*sources, "counted"))
    again.rewind(*steps_of(*sources, "counted"))
    sandbox.calls.clear()
    edited = again(*steps_of(*sources, "counted; echo edited"))
    assert edited.resumed == 19
    assert outputs(edited)[-1] == "20\nedited\n"
    # Nothing is left to do for the edit but its command: no restore, no checkpoint.
    assert (len(again.told), sandbox.calls) == (1, [])


def test_an_edit_in_the_middle_goes_on_after_the_block_before_it(again: Again, sandbox: FakeSandbox) -> None:
    steps = [
        run_step("kubectl create pod web", "a"),
        run_step("kubectl create pod db", "b"),
        run_step("kubectl get pods", "b", 1),
        run_step("echo c", "c"),
        run_step("echo d", "d"),
    ]
    again(*steps)
    assert [call for call in sandbox.calls if call.startswith("checkpoint")] == [
        f"checkpoint {name[:32]}"
        for name in ("start", *(keys_of(steps)[key] for key in (("a", 0), ("b", 1), ("c", 0))))
    ]
    edited = again(steps[0], run_step("kubectl create pod cache", "b"), *steps[2:])
    assert edited.resumed == 1
    assert outputs(edited)[2] == "cache\nweb\n"


def saved_names(sandbox: FakeSandbox, again: Again) -> tuple[set[str], set[str]]:
    """The checkpoints and the points that there are, the start left out."""
    points = {path.name for path in (again.directory / "states").iterdir() if path.is_dir()}
    return {path.name for path in (sandbox.directory / "saved").iterdir()} - {"start"}, points


def test_what_the_session_no_longer_passes_through_is_forgotten(again: Again, sandbox: FakeSandbox) -> None:
    for edit in range(3):
        steps = steps_of("echo a", f"echo {edit}", "echo c")
        again(*steps)
        again.rewind(*steps)
        current = {keys_of(steps)[f"b{number}", 0][:32] for number in range(2)}
        assert saved_names(sandbox, again) == (current, current)


def test_of_many_points_those_that_spare_the_most_stay(
    again: Again, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubetalk.running.states._MOST_POINTS", 2)
    sources = ("echo a", "echo slow", "echo b", "echo c", "echo d")
    again(*(steps := steps_of(*sources)))
    for path in (again.directory / "states").glob("*/point.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        data["commands"] = [[*row[:-1], 9.0 if "slow" in row[0] else 0.1] for row in data["commands"]]
        path.write_text(json.dumps(data), encoding="utf-8")
    again.rewind(*steps)
    kept = {keys_of(steps)[name, 0][:32] for name in ("b1", "b3")}
    assert saved_names(sandbox, again) == (kept, kept)
    assert again(*steps_of(*sources[:2], "echo edited", *sources[3:])).resumed == 2


def test_large_files_are_not_kept_for_every_block(again: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubetalk.running.states._MOST_BYTES_TOGETHER", 25_000)
    sources = ("head -c 10000 /dev/zero >f", "echo b", "echo c", "echo d", "echo e")
    again(*(steps := steps_of(*sources)))
    points = {path.name for path in (again.directory / "states").iterdir() if path.is_dir()}
    # Two fit; the one before the last block is always made.
    assert points == {keys_of(steps)[name, 0][:32] for name in ("b0", "b1", "b3")}
    again.rewind(*steps)
    assert again(*steps_of(*sources[:4], "echo edited")).resumed == 4
