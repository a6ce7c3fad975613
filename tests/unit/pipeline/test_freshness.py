from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kubetalk import reading
from kubetalk.errors import ManyErrors, RecordingError, SandboxError
from kubetalk.model import Verdict
from kubetalk.pipeline import check_documents, diff_documents, plan_documents, record_documents
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.performing import run_sessions
from kubetalk.reporting import render_report
from tests.support.fakes import FakeProvider, FakeSandbox

from .conftest import Project, page, quiet

THREE = {name: page(f"kubectl get {name}") for name in ("aa", "bb", "cc")}


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_document_order_however_many_run_at_once(
    project: Project, provider: FakeProvider, jobs: int
) -> None:
    settings = project(THREE, jobs=jobs)
    report = record_documents(settings, (), progress=quiet)
    assert [document.document_id for document in report.documents] == ["aa", "bb", "cc"]
    assert [document.failure for document in report.documents] == [None] * 3
    assert all((settings.docs_dir / f"pages/{name}/recording.yml").exists() for name in THREE)
    again = check_documents(settings, (), progress=quiet)
    assert {document.verdict for document in again.documents} == {Verdict.FRESH}
    assert len(provider.sandboxes) == 6
    assert provider.all_closed


def test_jobs_really_run_at_once(project: Project, provider: FakeProvider) -> None:
    # Each start waits for the other two: one after the other would never get past the first.
    together = threading.Barrier(3, timeout=20)
    provider.prepare = lambda _: (together.wait(), None)[1]
    report = check_documents(project(THREE, jobs=3), (), progress=quiet)
    assert [document.failure for document in report.documents] == [None] * 3


def test_the_next_sandbox_starts_while_a_session_runs(project: Project, provider: FakeProvider, tmp_path: Path) -> None:
    # The first session ends only when the second sandbox was made.
    flag = tmp_path / "second"

    def prepare(_: FakeSandbox) -> None:
        if len(provider.sandboxes) == 2:
            flag.touch()

    provider.prepare = prepare
    wait = page(f"until [ -e {flag} ]; do sleep 0.05; done")
    report = check_documents(project({"aa": wait, "bb": THREE["bb"]}), (), progress=quiet)
    assert [document.failure for document in report.documents] == [None] * 2
    assert len(provider.sandboxes) == 2
    assert provider.all_closed


def test_a_failing_session_keeps_its_recording_and_does_not_stop_the_others(
    project: Project, provider: FakeProvider
) -> None:
    settings = project(THREE)
    record_documents(settings, (), progress=quiet)
    recording = settings.docs_dir / "pages/bb/recording.yml"
    before = recording.read_bytes()
    project({"bb": page("kubectl get bb", "echo broken; false"), "cc": page("kubectl get other")})
    report = record_documents(settings, (), progress=quiet)
    assert [bool(document.failure) for document in report.documents] == [False, True, False]
    assert "exit code 1" in str(report.documents[1].failure)
    assert "broken" in str(report.documents[1].failure)
    assert recording.read_bytes() == before
    assert "kubectl get other" in (settings.docs_dir / "pages/cc/recording.yml").read_text(encoding="utf-8")
    assert provider.all_closed


def test_a_dead_sandbox_is_named_as_the_cause(project: Project, provider: FakeProvider) -> None:
    def die(sandbox: FakeSandbox) -> None:
        sandbox.is_dead = True

    settings = project({"aa": page("echo connection refused; false")})
    provider.prepare = die
    (document,) = check_documents(settings, (), progress=quiet).documents
    assert "the session could not go on: the sandbox failed: kube-apiserver ended" in str(document.failure)
    assert "connection refused" in str(document.failure)


def test_a_damaged_recording_is_told_before_anything_runs(project: Project, provider: FakeProvider) -> None:
    settings = project(THREE)
    record_documents(settings, (), progress=quiet)
    for name in ("aa", "cc"):
        path = settings.docs_dir / f"pages/{name}/recording.yml"
        path.write_text("<<<<<<< HEAD\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    started = len(provider.sandboxes)
    with pytest.raises(ManyErrors) as caught:
        check_documents(settings, (), progress=quiet)
    assert len(caught.value.problems) == 2
    assert all(isinstance(problem, RecordingError) for problem in caught.value.problems)
    assert len(provider.sandboxes) == started


def test_no_sandbox_at_all_is_an_error(project: Project, provider: FakeProvider) -> None:
    provider.reason = "the sandbox binary is not built yet. Run `kubetalk sandbox build`"
    with pytest.raises(SandboxError, match="not built yet"):
        check_documents(project(THREE), (), progress=quiet)


def test_diff_shows_both_texts_and_runs_only_what_is_not_verified_here(
    project: Project, provider: FakeProvider
) -> None:
    settings = project({"aa": page("kubectl get aa")})
    record_documents(settings, (), progress=quiet)
    recording = settings.docs_dir / "pages/aa/recording.yml"
    recording.write_text(
        recording.read_text(encoding="utf-8").replace("          kubectl get aa", "          kubectl got aa"),
        encoding="utf-8",
    )
    told: list[str] = []
    report = diff_documents(settings, (), progress=told.append)
    assert len(provider.sandboxes) == 1
    assert any("nothing to run" in line for line in told)
    text = render_report(report, "terminal")
    assert "        -kubectl got aa\n        +kubectl get aa\n" in text
    project({"aa": page("kubectl get aa", "kubectl get more")})
    report = diff_documents(settings, (), progress=quiet)
    assert len(provider.sandboxes) == 2
    assert "        +kubectl get more\n" in render_report(report, "terminal")


def test_a_diff_shows_what_changed_and_not_what_always_does(project: Project, provider: FakeProvider) -> None:
    head = "NAME                   READY   STATUS    RESTARTS   AGE\n"
    row = "web-795767664d-{}   1/1     {}   0          {}\n"
    old = head + row.format("4bm8b", "Running", "5s") + row.format("ltcck", "Running", "6s")
    new = head + row.format("zzzxx", "Running", "9s") + row.format("bbcdf", "Evicted", "12s")
    settings = project({"aa": page("kubectl get pods")})
    provider.kubectl = f"#!/bin/sh\ncat <<'E'\n{old}E\n"
    record_documents(settings, (), progress=quiet)
    provider.kubectl = f"#!/bin/sh\ncat <<'E'\n{new}E\n"
    provider.facts_now = replace(provider.facts_now, fingerprint="other")
    text = render_report(diff_documents(settings, (), progress=quiet), "terminal")
    assert "-web-795767664d-ltcck   1/1     Running" in text
    assert "+web-795767664d-bbcdf   1/1     Evicted" in text
    assert "zzzxx" not in text
    assert "9s" not in text


def test_an_upgraded_engine_runs_everything_again(
    project: Project, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project({"aa": page("kubectl get aa")})
    record_documents(settings, (), progress=quiet)
    assert [plan.action for plan in plan_documents(settings, ())] == ["reuse"]
    for module in ("freshness", "modes"):
        monkeypatch.setattr(f"kubetalk.pipeline.{module}.engine", lambda: "the next one")
    assert [plan.action for plan in plan_documents(settings, ())] == ["run"]
    assert len(provider.sandboxes) == 1


def test_diff_of_what_is_as_recorded_says_so(project: Project, provider: FakeProvider) -> None:
    settings = project(THREE)
    record_documents(settings, (), progress=quiet)
    text = render_report(diff_documents(settings, (), progress=quiet), "terminal")
    assert text.endswith("3 fresh\n")
    assert len(provider.sandboxes) == 3


@pytest.mark.usefixtures("provider")
def test_only_changed_documents_are_checked(project: Project) -> None:
    settings = project(THREE)
    record_documents(settings, (), progress=quiet)
    gone = settings.docs_dir / "pages/cc/manifests/gone.yaml"
    changed = (settings.docs_dir / "pages/bb/en.md", gone, settings.docs_dir / "tags.yml")
    report = check_documents(settings, (), progress=quiet, changed=changed)
    assert [document.document_id for document in report.documents] == ["bb", "cc"]
    assert check_documents(settings, (), progress=quiet, changed=()).documents == ()


def test_the_plan_says_from_where_on_something_was_changed(project: Project, provider: FakeProvider) -> None:
    settings = project({"aa": page("kubectl get a", "kubectl get b")})
    assert plan_documents(settings, ())[0].action == "run"
    record_documents(settings, (), progress=quiet)
    assert plan_documents(settings, ())[0].action == "reuse"
    project({"aa": page("kubectl get a", "kubectl get c")})
    (plan,) = plan_documents(settings, ())
    assert (plan.action, plan.reason) == (
        "run",
        "up to command 1 as it ran here, but what follows was changed: the whole session runs again",
    )
    provider.reason = "no room"
    assert plan_documents(settings, ())[0].action == "replay"


def test_interrupting_side_by_side_sessions_leaves_nothing(project: Project, provider: FakeProvider) -> None:
    settings = project({"aa": page("kubectl get a"), "bb": page("sleep 1000")}, jobs=2)
    planned = [(document, reading.plan_session(document)) for document in live_documents(settings, ())]

    def consume() -> None:
        with closing(run_sessions(planned, provider, jobs=2, progress=quiet)) as sessions:
            assert next(sessions).recording is not None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert provider.all_closed
