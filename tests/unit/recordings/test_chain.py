from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from kubetalk.model import (
    BlockOptions,
    Command,
    FileStep,
    Layer,
    Location,
    Match,
    OutputMode,
    RunStep,
    SandboxFacts,
    SandboxRequest,
    Session,
    SnapshotStep,
    SourceFile,
)
from kubetalk.recordings import content_digest, key_chain

HERE = Location("en.md", 3)
FACTS = SandboxFacts("embedded", simulated=True, versions={"kubernetes": "v1.36.4", "helm": "v4"}, fingerprint="f")


def step(source: str, block: str = "b", index: int = 0, **options: Any) -> RunStep:
    return RunStep(block, index, Command(source, (f"$ {source}",), HERE), BlockOptions(**options))


BASE = Session(
    "talk",
    SandboxRequest(),
    (step("one"), FileStep("f", "content\n", HERE), step("two", index=1), SnapshotStep("d", HERE), step("three", "c")),
    (SourceFile("x", Path("x"), "digest"),),
)


def with_step(number: int, changed: Any) -> Session:
    steps = list(BASE.steps)
    steps[number] = changed
    return dataclasses.replace(BASE, steps=tuple(steps))


def moved(session: Session, facts: SandboxFacts = FACTS) -> list[object]:
    """What has another key than in BASE."""
    old = list(key_chain(BASE, FACTS).items())
    new = list(key_chain(session, facts).items())
    return [key for (key, before), (_, after) in zip(old, new, strict=True) if before != after]


ALL: list[object] = [("b", 0), ("b", 1), "d", ("c", 0)]


def test_one_link_per_command_and_snapshot_in_order() -> None:
    keys = key_chain(BASE, FACTS)
    assert list(keys) == ALL
    assert len(set(keys.values())) == 4
    assert all(len(key) == 64 for key in keys.values())
    assert keys == key_chain(BASE, FACTS)


def test_a_change_moves_what_comes_after() -> None:
    assert moved(with_step(0, step("other"))) == ALL
    assert moved(with_step(1, FileStep("f", "changed\n", HERE))) == ALL[1:]
    assert moved(with_step(1, FileStep("g", "content\n", HERE))) == ALL[1:]
    assert moved(with_step(2, step("other", index=1))) == ALL[1:]
    assert moved(with_step(4, step("other", "c"))) == ALL[3:]


@pytest.mark.parametrize("options", [{"exit": 1}, {"until": "x"}, {"stable": 2}, {"tty": True}])
def test_options_that_change_how_it_runs_count(options: dict[str, Any]) -> None:
    assert moved(with_step(4, step("three", "c", **options))) == ALL[3:]


@pytest.mark.parametrize(
    "options",
    [
        {"hide": True},
        {"output": OutputMode.FOLD},
        {"columns": ("NAME",)},
        {"head": 3},
        {"tail": 3},
        {"match": Match.LINES},
        {"ignore": ("AGE",)},
        {"timeout": 9.0},
    ],
)
def test_options_of_the_page_and_of_the_comparison_do_not(options: dict[str, Any]) -> None:
    # executablebooks/MyST-NB#350: display-only tags invalidated the cache.
    assert moved(with_step(0, step("one", **options))) == []


def test_neither_do_names_places_and_looks() -> None:
    command = Command("one", ("% one",), Location("en.md", 99), prompt="%", expectation="x", hidden=True)
    assert moved(with_step(0, RunStep("b", 0, command, BlockOptions(), (HERE,)))) == []
    renamed = key_chain(with_step(4, step("three", "renamed")), FACTS)
    assert list(renamed.values()) == list(key_chain(BASE, FACTS).values())
    without = dataclasses.replace(BASE, steps=tuple(s for s in BASE.steps if not isinstance(s, SnapshotStep)))
    assert set(key_chain(without, FACTS).items()) < set(key_chain(BASE, FACTS).items())


@pytest.mark.parametrize(
    "facts",
    [
        dataclasses.replace(FACTS, provider="kind"),
        dataclasses.replace(FACTS, simulated=False),
        dataclasses.replace(FACTS, versions={"kubernetes": "v1.37.0", "helm": "v4"}),
        dataclasses.replace(FACTS, fingerprint="g"),
    ],
)
def test_the_sandbox_is_in_the_root_but_not_in_the_content(facts: SandboxFacts) -> None:
    assert moved(BASE, facts) == ALL


def test_the_order_of_versions_does_not_count() -> None:
    assert moved(BASE, dataclasses.replace(FACTS, versions={"helm": "v4", "kubernetes": "v1.36.4"})) == []


@pytest.mark.parametrize(
    "request_",
    [
        SandboxRequest(kubernetes="1.36"),
        SandboxRequest(nodes=1),
        SandboxRequest(istio=True),
        SandboxRequest(gateway_api=True),
    ],
)
def test_so_are_the_request_and_the_files(request_: SandboxRequest) -> None:
    assert moved(dataclasses.replace(BASE, request=request_)) == ALL
    for file in (SourceFile("x", Path("x"), "new"), SourceFile("y", Path("x"), "digest")):
        assert moved(dataclasses.replace(BASE, files=(file,))) == ALL
        assert content_digest(dataclasses.replace(BASE, files=(file,))) != content_digest(BASE)
    assert moved(dataclasses.replace(BASE, files=(SourceFile("x", Path("elsewhere"), "digest"),))) == []


def test_the_content_is_what_the_author_wrote() -> None:
    assert content_digest(BASE) == content_digest(with_step(0, step("one", head=3)))
    assert content_digest(BASE) != content_digest(with_step(4, step("other", "c")))
    assert content_digest(BASE) != content_digest(with_step(1, FileStep("f", "new", HERE)))


def test_a_layer_is_part_of_what_was_asked_for() -> None:
    def on(line: int, *commands: str) -> Session:
        layer = Layer("shop", commands, Location("mkdocs.yml", line))
        return dataclasses.replace(BASE, request=SandboxRequest(layer=layer))

    assert moved(on(1, "one")) == ALL
    assert content_digest(on(1, "one")) != content_digest(on(1, "two"))
    assert content_digest(on(1, "one")) == content_digest(on(99, "one"))
