from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from kubetalk import reading
from kubetalk.errors import RunError, SandboxError
from kubetalk.model import Execution, Recording, SandboxFacts, Settings
from kubetalk.pipeline import WarmSandboxes, build_site, settings_for_serving
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.performing import run_live
from kubetalk.pipeline.warm import MOST
from tests.support.fakes import FakeProvider, FakeSandbox

from .conftest import Project, page, quiet


@pytest.fixture
def warm(provider: FakeProvider) -> Iterator[WarmSandboxes]:
    made = WarmSandboxes()
    yield made
    made.close()
    made.close()
    assert provider.all_closed


def two_blocks(last: str) -> str:
    first = page("echo first >> $HOME/runs; cat $HOME/runs", "export COLOUR=green", block="first")
    return first + page(last, block="last")[len("# A page") :]


def run(warm: WarmSandboxes, provider: FakeProvider, settings: Settings, name: str = "aa") -> Recording:
    (document,) = live_documents(settings, (settings.docs_dir / f"pages/{name}",))
    return warm.run(document, reading.plan_session(document), provider, progress=quiet)


def outputs(recording: Recording) -> list[str]:
    return [command.output for block in recording.blocks for command in block.commands]


@pytest.mark.parametrize("settled", [False, True])
def test_an_edit_of_the_last_block_runs_that_block_in_the_same_sandbox(
    project: Project, provider: FakeProvider, warm: WarmSandboxes, settled: bool
) -> None:
    run(warm, provider, project({"aa": two_blocks("echo $COLOUR >> $HOME/runs; cat $HOME/runs")}))
    if settled:
        warm.settle()
    settings = project({"aa": two_blocks("echo very $COLOUR >> $HOME/runs; cat $HOME/runs")})
    recording = run(warm, provider, settings)
    # What the edited command had done before is undone, what came before it was not done again.
    assert outputs(recording) == ["first\n", "", "first\nvery green\n"]
    assert len(provider.sandboxes) == 1
    (document,) = live_documents(settings, ())
    fresh = run_live(document, reading.plan_session(document), provider, progress=quiet)
    assert outputs(fresh) == outputs(recording)


def test_a_mended_command_goes_on_in_the_same_sandbox(
    project: Project, provider: FakeProvider, warm: WarmSandboxes
) -> None:
    with pytest.raises(RunError):
        run(warm, provider, project({"aa": two_blocks("false")}))
    assert outputs(run(warm, provider, project({"aa": two_blocks("true")}))) == ["first\n", "", ""]
    assert len(provider.sandboxes) == 1


def test_only_the_last_documents_keep_a_sandbox(project: Project, provider: FakeProvider, warm: WarmSandboxes) -> None:
    names = [f"p{number}" for number in range(MOST + 1)]
    settings = project({name: page(f"echo {name}") for name in names})
    for name in names:
        run(warm, provider, settings, name)
    assert [sandbox.is_closed for sandbox in provider.sandboxes] == [True] + [False] * MOST


def test_another_sandbox_than_before_is_a_fresh_one(
    project: Project, provider: FakeProvider, warm: WarmSandboxes
) -> None:
    settings = project({"aa": page("echo a")})
    run(warm, provider, settings)
    provider.facts_now = SandboxFacts("embedded", simulated=True, fingerprint="another binary")
    run(warm, provider, settings)
    assert [sandbox.is_closed for sandbox in provider.sandboxes] == [True, False]


def test_a_sandbox_that_broke_is_replaced(project: Project, provider: FakeProvider, warm: WarmSandboxes) -> None:
    settings = project({"aa": two_blocks("echo a")})
    run(warm, provider, settings)
    provider.sandboxes[0].is_dead = True
    assert outputs(run(warm, provider, settings))[-1] == "a\n"
    assert [sandbox.is_closed for sandbox in provider.sandboxes] == [True, False]


def test_without_a_sandbox_nothing_is_kept(project: Project, provider: FakeProvider, warm: WarmSandboxes) -> None:
    def die(sandbox: FakeSandbox) -> None:
        sandbox.is_dead = True

    provider.prepare = die
    with pytest.raises(SandboxError):
        run(warm, provider, project({"aa": page("false")}))
    assert provider.all_closed


def test_a_rebuild_runs_nothing_after_a_change_of_prose(
    project: Project, provider: FakeProvider, warm: WarmSandboxes
) -> None:
    settings = project({"aa": two_blocks("echo a"), "bb": page("echo b")}, execution=Execution.AUTO)
    build_site(settings, progress=quiet, warm=warm)
    told: list[str] = []
    project({"aa": two_blocks("echo a") + "\nMore words.\n"})
    site = build_site(settings, progress=told.append, warm=warm)
    assert [performed.ran for performed in site.performed.values()] == [False, False]
    project({"aa": two_blocks("echo c")})
    site = build_site(settings, progress=told.append, warm=warm)
    assert {name: performed.ran for name, performed in site.performed.items()} == {"aa": True, "bb": False}
    assert len(provider.sandboxes) == 2


def test_serving_runs_only_what_was_asked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBETALK_EXECUTION", raising=False)
    auto = project({"aa": page("true")}, execution=Execution.AUTO)
    live = dataclasses.replace(auto, execution=Execution.LIVE)

    def mode(settings: Settings, option: str = "", *, is_rebuild: bool = False) -> Execution:
        return settings_for_serving(settings, {"execution": option}, is_rebuild=is_rebuild).execution

    assert mode(auto) is Execution.REPLAY
    assert mode(auto, "auto") is Execution.AUTO
    assert mode(live, "live") is Execution.LIVE
    assert mode(live, "live", is_rebuild=True) is Execution.AUTO
    monkeypatch.setenv("KUBETALK_EXECUTION", "auto")
    assert mode(auto) is Execution.AUTO
