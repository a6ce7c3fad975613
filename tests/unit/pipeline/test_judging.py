"""What check, record, diff and the build say of diagrams, failed sessions and historic commands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubetalk.model import Execution, Location, Settings, Verdict
from kubetalk.pipeline import check_documents, diff_documents, perform_all, record_documents
from kubetalk.pipeline.documents import live_documents
from kubetalk.reporting import Report, exit_code, render_report
from tests.support.fakes import FakeProvider, FakeSandbox

from .conftest import Project, page, quiet

DIAGRAM = '\n```diagram id="overview"\n```\n'


def deployment(image: str = "nginx:1.27", replicas: int = 2, name: str = "web") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": image}]},
            },
        },
        "status": {"replicas": replicas, "readyReplicas": replicas},
    }


def holds(provider: FakeProvider, *objects: dict[str, Any]) -> None:
    def prepare(sandbox: FakeSandbox) -> None:
        sandbox.found = objects

    provider.prepare = prepare
    # Another sandbox as far as the cache is concerned.
    provider.facts_now = replace(provider.facts_now, fingerprint=str(objects))


def verdicts(report: Report) -> list[tuple[str, Verdict]]:
    return [(c.block_id, c.verdict) for document in report.documents for c in document.comparisons]


def messages(report: Report) -> list[str]:
    return [d.message for document in report.documents for c in document.comparisons for d in c.differences]


@pytest.mark.parametrize("text", [page("kubectl get a") + DIAGRAM, "# A page\n" + DIAGRAM])
def test_a_change_that_only_a_diagram_shows_is_drift(project: Project, provider: FakeProvider, text: str) -> None:
    settings = project({"aa": text})
    holds(provider, deployment())
    report = record_documents(settings, (), progress=quiet)
    assert verdicts(report)[-1] == ("overview", Verdict.UNVERIFIED)
    report = check_documents(settings, (), progress=quiet)
    assert verdicts(report)[-1] == ("overview", Verdict.FRESH)
    assert exit_code(report, Verdict.DRIFT_MINOR) == 0
    holds(provider, deployment(replicas=3))
    for examine in (check_documents, diff_documents):
        report = examine(settings, (), progress=quiet)
        assert verdicts(report)[-1] == ("overview", Verdict.DRIFT_MAJOR)
        assert "status.desired of deployment web: 2 -> 3" in messages(report)
        assert "[overview] the diagram  (drift-major)" in render_report(report, "terminal")
        assert exit_code(report, Verdict.DRIFT_MAJOR) == 1
    assert report.documents[0].comparisons[-1].location == Location(
        "docs/pages/aa/en.md", text[: text.index("```diagram")].count("\n") + 1
    )


def test_record_writes_the_diagram_that_changed_and_no_other_byte(project: Project, provider: FakeProvider) -> None:
    settings = project({"aa": page("kubectl get a") + DIAGRAM})
    holds(provider, deployment())
    record_documents(settings, (), progress=quiet)
    recording = settings.docs_dir / "pages/aa/recording.yml"
    before = recording.read_bytes()
    record_documents(settings, (), progress=quiet)
    assert recording.read_bytes() == before
    holds(provider, deployment(replicas=3))
    report = record_documents(settings, (), progress=quiet)
    assert verdicts(report)[-1] == ("overview", Verdict.DRIFT_MAJOR)
    assert b"desired: 3" in recording.read_bytes()
    assert exit_code(check_documents(settings, (), progress=quiet), Verdict.DRIFT_MINOR) == 0


def test_diagrams_that_came_or_went_are_unverified(project: Project, provider: FakeProvider) -> None:
    settings = project({"aa": page("kubectl get a") + DIAGRAM})
    holds(provider, deployment())
    record_documents(settings, (), progress=quiet)
    project({"aa": page("kubectl get a") + DIAGRAM.replace("overview", "other")})
    (document,) = check_documents(settings, (), progress=quiet).documents
    assert [(c.block_id, c.verdict, c.reason) for c in document.comparisons[1:]] == [
        ("other", Verdict.UNVERIFIED, "not recorded yet"),
        ("overview", Verdict.UNVERIFIED, "recorded, but no longer in the document"),
    ]


def test_a_build_tells_of_a_diagram_that_is_not_as_recorded(project: Project, provider: FakeProvider) -> None:
    settings = project({"aa": page("kubectl get a") + DIAGRAM}, execution=Execution.AUTO)
    holds(provider, deployment())
    record_documents(settings, (), progress=quiet)
    holds(provider, deployment(replicas=3))
    told: list[str] = []
    performed = perform_all(live_documents(settings, ()), settings, progress=told.append)
    assert [c.verdict for c in performed["aa"].comparisons] == [Verdict.FRESH, Verdict.DRIFT_MAJOR]
    assert "aa: 1 of 2 outputs and diagrams are not as recorded; `kubetalk check docs/pages/aa` says how" in told


FOUR = (
    page("kubectl get a", "kubectl get b", block="one")
    + page("kubectl get c", "kubectl get d", block="two")
    + DIAGRAM
    + page("kubectl get e", block="three")
)
AS_RECORDED = '#!/bin/sh\necho "kubectl $*"\n'
BROKEN = """#!/bin/sh
case $2 in
a) echo "kubectl got a" ;;
c) echo "kubectl get c"; exit 1 ;;
*) echo "kubectl $*" ;;
esac
"""


def broken(project: Project, provider: FakeProvider) -> Settings:
    settings = project({"aa": FOUR})
    record_documents(settings, (), progress=quiet)
    provider.kubectl = BROKEN
    return settings


def test_another_exit_code_is_told_with_what_drifted_before_it(project: Project, provider: FakeProvider) -> None:
    (document,) = check_documents(broken(project, provider), (), progress=quiet).documents
    never = "the session ended before it, at block two"
    assert [
        (c.block_id, c.index, c.verdict, c.reason or [d.message for d in c.differences]) for c in document.comparisons
    ] == [
        ("one", 0, Verdict.DRIFT_MAJOR, ["line: kubectl get a -> kubectl got a"]),
        ("one", 1, Verdict.FRESH, []),
        ("two", 0, Verdict.DRIFT_MAJOR, ["exit 0 -> 1"]),
        ("two", 1, Verdict.UNVERIFIED, never),
        ("overview", 0, Verdict.UNVERIFIED, never),
        ("three", 0, Verdict.UNVERIFIED, never),
    ]
    assert document.verdict is Verdict.DRIFT_MAJOR
    assert "ended with exit code 1 instead of 0" in str(document.failure)
    assert document.current is not None


def test_a_failure_is_never_recorded(project: Project, provider: FakeProvider) -> None:
    settings = broken(project, provider)
    recording = settings.docs_dir / "pages/aa/recording.yml"
    before = recording.read_bytes()
    report = record_documents(settings, (), progress=quiet)
    assert [document.is_new for document in report.documents] == [False]
    assert recording.read_bytes() == before
    provider.kubectl = AS_RECORDED
    assert exit_code(check_documents(settings, (), progress=quiet), Verdict.DRIFT_MINOR) == 0


def test_a_failing_command_that_was_never_recorded_has_drifted_too(project: Project, provider: FakeProvider) -> None:
    provider.kubectl = BROKEN
    settings = project({"aa": FOUR})
    report = record_documents(settings, (), progress=quiet)
    assert [document.is_new for document in report.documents] == [False]
    assert not (settings.docs_dir / "pages/aa/recording.yml").exists()
    assert [c.verdict for c in report.documents[0].comparisons].index(Verdict.DRIFT_MAJOR) == 2
    assert "`kubectl get c` (block two) ended with exit code 1 instead of 0" in messages(report)


def test_a_command_that_does_not_end_has_no_invented_exit_code(project: Project, provider: FakeProvider) -> None:
    text = page("kubectl get a", "kubectl get b").replace('id="one"', 'id="one" timeout="0.5s"')
    settings = project({"aa": text})
    record_documents(settings, (), progress=quiet)
    provider.kubectl = "#!/bin/sh\necho begun; [ $2 = b ] || sleep 60\n"
    report = check_documents(settings, (), progress=quiet)
    assert [verdict for _, verdict in verdicts(report)] == [Verdict.DRIFT_MAJOR, Verdict.UNVERIFIED]
    assert messages(report) == ["`kubectl get a` (block one) did not end within 0.5 s and was ended"]


def test_a_broken_sandbox_is_no_drift(project: Project, provider: FakeProvider) -> None:
    settings = broken(project, provider)

    def die(sandbox: FakeSandbox) -> None:
        sandbox.is_dead = True

    provider.prepare = die
    provider.kubectl = BROKEN.replace("got a", "get a")
    report = check_documents(settings, (), progress=quiet)
    assert [verdict for _, verdict in verdicts(report)] == [Verdict.FRESH] * 2 + [Verdict.UNVERIFIED] * 4
    assert report.documents[0].comparisons[2].reason == "the sandbox failed before it was verified"
    assert report.documents[0].verdict is Verdict.UNVERIFIED
    assert exit_code(report, Verdict.DRIFT_MINOR) == 2


HISTORIC = (
    '\n```console recorded="2018-11-17" reason="Galley is gone"\n$ kubectl get galley\nold\n$ kubectl get pods\n```\n'
)


@pytest.mark.usefixtures("provider")
def test_historic_commands_are_counted_and_never_fail(project: Project) -> None:
    settings = project({"aa": page("kubectl get a") + HISTORIC})
    record_documents(settings, (), progress=quiet)
    report = check_documents(settings, (), progress=quiet)
    assert report.count(Verdict.HISTORIC) == 2
    assert report.documents[0].verdict is Verdict.FRESH
    assert exit_code(report, Verdict.DRIFT_MINOR) == 0
    assert report.documents[0].comparisons[1].reason == "recorded on 2018-11-17: Galley is gone"
    assert "  docs/pages/aa/en.md:8: $ kubectl get galley  (historic)\n" in render_report(report, "terminal")


@pytest.mark.usefixtures("provider")
def test_a_recording_that_cannot_be_compared_keeps_its_bytes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = project({"aa": page("kubectl get a")})
    record_documents(settings, (), progress=quiet)
    recording = settings.docs_dir / "pages/aa/recording.yml"
    before = recording.read_bytes()
    project({"aa": page("kubectl get a", "kubectl get b")})
    monkeypatch.setattr("kubetalk.comparing.compare", _refuse)
    report = record_documents(settings, (), progress=quiet)
    assert str(report.documents[0].failure) == "docs/pages/aa/en.md:5: no regular expression"
    assert recording.read_bytes() == before
    assert exit_code(report, Verdict.DRIFT_MAJOR) == 2


def _refuse(*_: object) -> None:
    from kubetalk.errors import ContentError  # noqa: PLC0415

    raise ContentError("no regular expression", where="docs/pages/aa/en.md:5")
