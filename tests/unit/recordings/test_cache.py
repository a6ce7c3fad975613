from __future__ import annotations

import dataclasses
import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubetalk.model import (
    BlockOptions,
    BlockRecord,
    Command,
    CommandRecord,
    Layer,
    Location,
    Provenance,
    Recording,
    RunStep,
    SandboxFacts,
    SandboxRequest,
    Session,
    Snapshot,
    SnapshotStep,
    StepKey,
)
from kubetalk.recordings import Cache, content_digest, key_chain

HERE = Location("en.md", 1)
FACTS = SandboxFacts("embedded", simulated=True, versions={"kubernetes": "v1.36.4"})


def session_of(*sources: str, document: str = "talk", block: str = "b") -> Session:
    steps = [RunStep(block, n, Command(source, (), HERE), BlockOptions()) for n, source in enumerate(sources)]
    return Session(document, SandboxRequest(), (*steps, SnapshotStep("d", HERE)))


def keys_of(session: Session) -> dict[StepKey, str]:
    return dict(key_chain(session, FACTS))


def ran(session: Session, mark: str = "") -> Recording:
    keys = keys_of(session)
    commands = tuple(
        CommandRecord(
            step.command.source, f"\x1b[1m{step.command.source}{mark} \n", 0, keys[step.block_id, step.index], 0.5
        )
        for step in session.commands
    )
    return Recording(
        session.document_id,
        Provenance(dt.datetime(2026, 11, 22, tzinfo=dt.UTC), "embedded", simulated=True, versions={"kubernetes": "v1"}),
        (BlockRecord(session.commands[0].block_id, commands),),
        (Snapshot("d", ({"kind": "Pod", "n": [1, {"a": None}]},), keys["d"]),),
        content=content_digest(session),
    )


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_what_was_put_comes_back(cache: Cache) -> None:
    session = session_of("a", "b")
    assert cache.get(session, keys_of(session)) is None
    cache.put(session, ran(session))
    assert cache.get(session, keys_of(session)) == ran(session)


def test_the_layer_comes_back(cache: Cache) -> None:
    session = session_of("a")
    layer = Layer("shop", ("one", "two"))
    recording = dataclasses.replace(ran(session), provenance=dataclasses.replace(ran(session).provenance, layer=layer))
    cache.put(session, recording)
    assert cache.get(session, keys_of(session)) == recording


def test_other_commands_tools_and_documents_are_other_sessions(cache: Cache) -> None:
    session = session_of("a", "b")
    cache.put(session, ran(session))
    for other in (session_of("a", "c"), session_of("a"), session_of("a", "b", "c"), session_of("a", "b", document="x")):
        assert cache.get(other, keys_of(other)) is None
    newer = dataclasses.replace(FACTS, versions={"kubernetes": "v1.37.0"})
    assert cache.get(session, key_chain(session, newer)) is None


def test_a_renamed_block_is_the_same_session(cache: Cache) -> None:
    cache.put(session_of("a", "b"), ran(session_of("a", "b")))
    renamed = session_of("a", "b", block="renamed")
    found = cache.get(renamed, keys_of(renamed))
    assert found is not None
    assert [block.id for block in found.blocks] == ["renamed"]


def test_the_longest_beginning(cache: Cache) -> None:
    edited = session_of("a", "b", "c2", "d")
    assert cache.longest_prefix(edited, keys_of(edited)) is None
    cache.put(session_of("a", "x"), ran(session_of("a", "x")))
    cache.put(session_of("a", "b", "c"), ran(session_of("a", "b", "c"), mark="!"))
    found = cache.longest_prefix(edited, keys_of(edited))
    assert found is not None
    assert [command.command for command in found.blocks[0].commands] == ["a", "b"]
    assert found.blocks[0].commands[0].output.endswith("a! \n")
    assert found.snapshots == ()
    assert found.content == ""


@pytest.mark.parametrize("what", ["half", "no keys", "more"])
def test_nothing_but_a_whole_session_is_kept(cache: Cache, what: str) -> None:
    session = session_of("a", "b")
    whole = ran(session)
    commands = whole.blocks[0].commands
    if what == "half":
        commands = commands[:1]
    elif what == "no keys":
        commands = tuple(dataclasses.replace(command, key="") for command in commands)
    else:
        commands = (*commands, commands[0])
    # gpoore/codebraid#57: a failed run was cached.
    with pytest.raises(ValueError, match="not whole"):
        cache.put(session, dataclasses.replace(whole, blocks=(BlockRecord("b", commands),)))
    assert cache.get(session, keys_of(session)) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b"\xff", None], ids=repr)
def test_a_damaged_entry_is_ignored_with_a_note(tmp_path: Path, damage: bytes | None) -> None:
    notes: list[str] = []
    cache = Cache(tmp_path, note=notes.append)
    session = session_of("a")
    cache.put(session, ran(session))
    (path,) = tmp_path.glob("*/*.json")
    path.write_bytes(path.read_bytes().replace(b"u001b[1ma", b"u001b[1mz") if damage is None else damage)
    assert cache.get(session, keys_of(session)) is None
    assert cache.longest_prefix(session, keys_of(session)) is None
    assert len(notes) == 2
    assert path.name in notes[0]
    cache.put(session, ran(session))
    assert cache.get(session, keys_of(session)) == ran(session)


def test_an_entry_of_another_format_is_no_damage(tmp_path: Path) -> None:
    notes: list[str] = []
    cache = Cache(tmp_path, note=notes.append)
    session = session_of("a")
    cache.put(session, ran(session))
    (path,) = tmp_path.glob("*/*.json")
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 99'))
    assert cache.get(session, keys_of(session)) is None
    assert notes == []


def test_old_and_surplus_entries_go_the_least_used_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_per_document=3)
    sessions = [session_of("a", str(n)) for n in range(5)]
    for age, session in zip((50, 40, 30), sessions, strict=False):
        before = set(tmp_path.glob("*/*.json"))
        cache.put(session, ran(session))
        (path,) = set(tmp_path.glob("*/*.json")) - before
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    assert cache.get(sessions[0], keys_of(sessions[0]))
    cache.put(sessions[3], ran(sessions[3]))
    kept = [n for n, session in enumerate(sessions) if cache.get(session, keys_of(session))]
    assert kept == [0, 2, 3]
    for path in tmp_path.glob("*/*.json"):
        os.utime(path, (1, 1))
    cache.put(sessions[4], ran(sessions[4]))
    assert [n for n, session in enumerate(sessions) if cache.get(session, keys_of(session))] == [4]


def test_size_is_bounded_but_the_newest_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=1)
    for document in "xyz":
        cache.put(session_of("a", document=document), ran(session_of("a", document=document)))
    assert len(list(tmp_path.glob("*/*.json"))) == 1


def test_it_is_never_committed_and_names_are_safe(tmp_path: Path) -> None:
    session = session_of("a", document="../guide/start.md")
    Cache(tmp_path / "c").put(session, ran(session))
    assert (tmp_path / "c/.gitignore").read_text(encoding="utf-8") == "*\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["c"]
    assert Cache(tmp_path / "c").get(session, keys_of(session))


def test_two_builds_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.unit.recordings.test_cache import *\n"
        "cache = Cache(Path(sys.argv[1]), max_per_document=2)\n"
        "for n in range(12):\n"
        "    session = session_of('a', str(n % 4)); cache.put(session, ran(session))\n"
        "    assert cache.get(session, keys_of(session)) in (None, ran(session))\n"
    )
    environment = {"PYTHONPATH": "plugins:.", "PATH": os.environ["PATH"]}
    builds = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environment) for _ in range(2)]
    assert [build.wait(60) for build in builds] == [0, 0]
    assert len(list(tmp_path.glob("*/*.json"))) == 2
    assert not list(tmp_path.glob("*/.*"))
