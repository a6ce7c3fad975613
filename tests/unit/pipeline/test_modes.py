from __future__ import annotations

import pytest

from kubetalk.errors import ContentError, ManyErrors, RecordingError
from kubetalk.model import Execution
from kubetalk.pipeline import perform_all, plan_documents, record_documents
from kubetalk.pipeline.documents import live_documents
from tests.support.fakes import FakeProvider

from .conftest import Project, page, quiet

TWO = {name: page(f"kubectl get {name}") for name in ("aa", "bb")}


@pytest.mark.parametrize("execution", list(Execution))
def test_a_damaged_recording_is_told_before_anything_runs(
    project: Project, provider: FakeProvider, execution: Execution
) -> None:
    settings = project(TWO, execution=execution)
    record_documents(settings, (), progress=quiet)
    project({name: page(f"kubectl get {name}", "kubectl get more") for name in TWO})
    path = settings.docs_dir / "pages/bb/recording.yml"
    path.write_text("<<<<<<< HEAD\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    started = len(provider.sandboxes)
    with pytest.raises((RecordingError, ManyErrors), match=r"merge conflict|2 problems") as caught:
        perform_all(live_documents(settings, ()), settings, progress=quiet)
    assert "docs/pages/bb/recording.yml:1: a merge conflict was left" in str(caught.value)
    assert len(provider.sandboxes) == started


def test_a_session_that_cannot_be_compared_does_not_lose_the_others(
    project: Project, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project(TWO, execution=Execution.LIVE)
    record_documents(settings, (), progress=quiet)
    provider.kubectl = "#!/bin/sh\necho something else\n"

    def refuse(*_: object) -> None:
        raise ContentError("no regular expression")

    monkeypatch.setattr("kubetalk.comparing.compare", refuse)
    with pytest.raises(ManyErrors) as caught:
        perform_all(live_documents(settings, ()), settings, progress=quiet)
    assert len(caught.value.problems) == 2
    assert [plan.action for plan in plan_documents(settings, ())] == ["reuse"] * 2
