from __future__ import annotations

import threading
from contextlib import closing

import pytest

from kubetalk import reading
from kubetalk.errors import RunError
from kubetalk.model import Recording, Settings
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.performing import run_live, run_sessions
from kubetalk.sandbox import REFUSAL
from tests.support.fakes import FakeProvider

from .conftest import Project, page, quiet

LOGS = f"echo 'error: {REFUSAL}, so there is nothing to read logs from'"


def run(provider: FakeProvider, settings: Settings) -> Recording:
    (document,) = live_documents(settings, ())
    return run_live(document, reading.plan_session(document), provider, progress=quiet)


@pytest.mark.parametrize("command", [f"{LOGS} | head -1", f"{LOGS} || true"])
def test_a_refusal_that_its_exit_code_hides_is_told(project: Project, provider: FakeProvider, command: str) -> None:
    with pytest.raises(RunError) as caught:
        run(provider, project({"aa": page("true", command)}))
    assert str(caught.value).startswith("docs/pages/aa/en.md:5: `echo 'error: this pod is simulated")
    assert "(block one) needs a container that runs, and pods are simulated here" in caught.value.message
    assert 'with exit="1" on the fence' in caught.value.remedy


def test_a_refusal_that_is_meant_is_shown(project: Project, provider: FakeProvider) -> None:
    meant = page(f"({LOGS}; exit 1)").replace('id="one"', 'id="one" exit="1"')
    (block,) = run(provider, project({"aa": meant})).blocks
    assert REFUSAL in block.commands[0].output


@pytest.mark.parametrize("one_cluster", [False, True])
def test_sessions_on_one_cluster_run_one_after_another(
    project: Project, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, one_cluster: bool
) -> None:
    monkeypatch.setattr("kubetalk.sandbox.has_one_cluster", lambda _: one_cluster)
    monkeypatch.setattr("kubetalk.sandbox.pool.has_one_cluster", lambda _: one_cluster)
    monkeypatch.setattr("kubetalk.sandbox.affordable", lambda wanted, _: wanted)
    monkeypatch.setattr("kubetalk.sandbox.pool.available_memory", lambda: 1 << 40)
    together = threading.Barrier(2)
    living: list[int] = []

    def count(_: object) -> None:
        living.append(sum(not sandbox.is_closed for sandbox in provider.sandboxes))
        if not one_cluster:
            together.wait(60)  # breaks unless two are there at once

    provider.prepare = count
    settings = project({"aa": page("true"), "bb": page("true")})
    planned = [(document, reading.plan_session(document)) for document in live_documents(settings, ())]
    with closing(run_sessions(planned, provider, jobs=2, progress=quiet)) as sessions:
        assert [ran.failure for ran in sessions] == [None, None]
    if one_cluster:
        assert living == [1, 1]


def test_what_a_session_prints_is_heard_by_its_sandbox(
    project: Project, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr("kubetalk.sandbox.hear", lambda _, output: heard.append(output))
    run(provider, project({"aa": page("echo namespace/shop created", "echo more")}))
    assert heard == ["namespace/shop created\n", "more\n"]
