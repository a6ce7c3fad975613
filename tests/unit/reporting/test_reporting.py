from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from kubetalk.errors import ContentError, KubetalkError, ManyErrors, RunError, SandboxError
from kubetalk.model import Comparison, Difference, Location, Provenance, Verdict
from kubetalk.reporting import FORMATS, DocumentReport, Report, exit_code, render_report

HERE = Location("docs/talks/x/en.md", 12)
RECORDED = Provenance(
    dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC), "embedded", simulated=True, versions={"kubernetes": "v1.36.4"}
)


def comparison(verdict: Verdict, *messages: str, reason: str = "") -> Comparison:
    return Comparison(
        block_id="get-svc",
        index=0,
        command="kubectl get svc \\\n  -A",
        verdict=verdict,
        differences=tuple(Difference(verdict, message) for message in messages),
        location=HERE,
        reason=reason,
    )


def report(*comparisons: Comparison, failure: KubetalkError | None = None) -> Report:
    return Report((DocumentReport("x", "docs/talks/x", comparisons, 1.25, RECORDED, None, failure),))


FAILED = RunError(
    "`kubectl get svc` (block get-svc) ended with exit code 1 instead of 0",
    where=HERE,
    remedy="Mend it",
    details="refused\nby nobody",
)
DRIFTED = report(
    comparison(Verdict.FRESH),
    comparison(Verdict.DRIFT_MAJOR, "PORT(S) of web: 80/TCP -> 8080/TCP", "a|b <script>"),
    comparison(Verdict.UNVERIFIED, reason="not recorded yet"),
)


def test_the_terminal_says_what_changed_where() -> None:
    text = render_report(DRIFTED, "terminal")
    assert "docs/talks/x: MAJOR, 3 commands in 1.2 s\n" in text
    assert (
        "  docs/talks/x/en.md:12: [get-svc] $ kubectl get svc \\ …  (drift-major)\n"
        "      PORT(S) of web: 80/TCP -> 8080/TCP\n" in text
    )
    assert "      not recorded yet\n" in text
    assert text.endswith("1 fresh, 1 drift-major, 1 unverified\n")


def test_markdown_cannot_be_broken_by_output() -> None:
    text = render_report(DRIFTED, "markdown")
    assert "a\\|b &lt;script>" in text
    assert "| docs/talks/x | 3 commands | drift-major |" in text


def test_annotations_point_at_the_fence_and_are_escaped() -> None:
    lines = render_report(DRIFTED, "annotations").splitlines()
    assert lines[0].startswith("::error file=docs/talks/x/en.md,line=12,title=drift-major%3A kubectl get svc")
    assert lines[0].endswith("::PORT(S) of web: 80/TCP -> 8080/TCP%0Aa|b <script>")
    assert lines[1].startswith("::warning ")


def test_junit_counts_failures_and_skips() -> None:
    suite = ET.fromstring(render_report(DRIFTED, "junit")).find("testsuite")  # noqa: S314 -- our own output
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")


def test_json_holds_everything() -> None:
    content = json.loads(render_report(DRIFTED, "json"))
    assert content["counts"]["drift-major"] == 1
    assert content["documents"][0]["recorded"]["versions"] == {"kubernetes": "v1.36.4"}


@pytest.mark.parametrize("style", sorted(FORMATS))
def test_a_failed_session_is_never_silent(style: str) -> None:
    text = render_report(report(failure=FAILED), style)
    assert "exit code 1" in text


@pytest.mark.parametrize(
    ("verdict", "fail_on", "code"),
    [
        (Verdict.UNVERIFIED, Verdict.DRIFT_MAJOR, 1),
        (Verdict.FRESH, Verdict.DRIFT_MINOR, 0),
        (Verdict.HISTORIC, Verdict.DRIFT_MINOR, 0),
        (Verdict.DRIFT_MINOR, Verdict.DRIFT_MINOR, 1),
        (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR, 0),
        (Verdict.UNVERIFIED, Verdict.DRIFT_MINOR, 1),
        (Verdict.DRIFT_MAJOR, Verdict.DRIFT_MAJOR, 1),
    ],
)
def test_exit_codes(verdict: Verdict, fail_on: Verdict, code: int) -> None:
    assert exit_code(report(comparison(Verdict.FRESH), comparison(verdict)), fail_on) == code


@pytest.mark.parametrize(
    ("failure", "verdict", "verdict_of_document", "code"),
    [
        (FAILED, Verdict.FRESH, Verdict.DRIFT_MAJOR, 1),
        (ManyErrors([FAILED, FAILED]), Verdict.UNVERIFIED, Verdict.DRIFT_MAJOR, 1),
        (SandboxError("no room"), Verdict.UNVERIFIED, Verdict.UNVERIFIED, 2),
        (SandboxError("no room"), Verdict.FRESH, Verdict.UNVERIFIED, 2),
        (SandboxError("it broke"), Verdict.DRIFT_MAJOR, Verdict.DRIFT_MAJOR, 1),
        (ContentError("no regular expression"), Verdict.UNVERIFIED, Verdict.UNVERIFIED, 2),
    ],
)
def test_what_could_not_be_checked_is_no_drift(
    failure: KubetalkError, verdict: Verdict, verdict_of_document: Verdict, code: int
) -> None:
    checked = report(comparison(verdict), failure=failure)
    assert checked.documents[0].verdict is verdict_of_document
    assert exit_code(checked, Verdict.DRIFT_MAJOR) == code
    other = report(comparison(Verdict.DRIFT_MAJOR))
    assert exit_code(Report((*checked.documents, *other.documents)), Verdict.DRIFT_MAJOR) == 1


def test_a_document_that_only_a_broken_sandbox_kept_from_being_checked_is_not_fresh() -> None:
    (document,) = report(failure=SandboxError("no room")).documents
    assert document.verdict is Verdict.UNVERIFIED
    text = render_report(Report((document,)), "terminal")
    assert text.startswith("docs/talks/x: not verified, ")
    assert text.endswith("0 fresh, 1 could not be checked\n")


def test_a_failed_session_is_annotated_where_it_failed_and_the_rest_once() -> None:
    never = "the session ended before it, at block get-svc"
    failed = report(
        comparison(Verdict.DRIFT_MAJOR, "exit 0 -> 1"),
        *(replace(comparison(Verdict.UNVERIFIED, reason=never), location=None, index=n) for n in (1, 2, 3)),
        failure=FAILED,
    )
    words = f"{FAILED.message}. Mend it%0A    refused%0A    by nobody%0Aexit 0 -> 1"
    assert render_report(failed, "annotations").splitlines() == [
        f"::error file=docs/talks/x/en.md,line=12,title=session failed::{words}",
        f"::warning title=unverified%3A kubectl get svc \\ … and 2 more::{never}"
        + 2 * "%0A[get-svc] $ kubectl get svc \\ …",
    ]


def test_every_problem_of_a_session_is_annotated() -> None:
    errors = ManyErrors([ContentError("one", where="a.md:1"), ContentError("two", where="b.md")])
    assert render_report(report(failure=errors), "annotations") == (
        "::error file=a.md,line=1,title=could not be checked::one\n::error title=could not be checked::two\n"
    )


def test_junit_says_where_and_how_long_and_all_that_was_printed() -> None:
    text = render_report(report(comparison(Verdict.DRIFT_MAJOR, "exit 0 -> 1"), failure=FAILED), "junit")
    suite = ET.fromstring(text).find("testsuite")  # noqa: S314 -- our own output
    assert suite is not None
    assert suite.get("time") == "1.25"
    session, command = suite.findall("testcase")
    assert [case.get("file") for case in (session, command)] == ["docs/talks/x/en.md"] * 2
    assert [case.get("line") for case in (session, command)] == ["12"] * 2
    failure = session.find("failure")
    assert failure is not None
    assert failure.text == str(FAILED)
    broken = ET.fromstring(render_report(report(failure=SandboxError("no room")), "junit"))  # noqa: S314
    assert (broken.get("failures"), broken.get("errors")) == ("0", "1")


def test_no_format_is_broken_by_what_a_command_printed() -> None:
    printed = RunError("`kubectl x` failed", details="\x1b[31mred\x1b[0m\n```\n# head\x00\uffff")
    echo = replace(comparison(Verdict.DRIFT_MAJOR, "line: a -> \x1b[1mb\x1b[0m\x07"), command="echo `date`")
    hostile = report(echo, failure=printed)
    suite = ET.fromstring(render_report(hostile, "junit")).find("testsuite")  # noqa: S314 -- our own output
    assert suite is not None
    assert str(suite.findtext("testcase/failure")).endswith("    red\n    ```\n    # head\ufffd\ufffd")
    text = render_report(hostile, "markdown")
    assert "````\n`kubectl x` failed\n    red\n    ```\n    # head" in text
    assert "- `` echo `date` `` (docs/talks/x/en.md:12): drift-major\n" in text
    assert "\x1b" not in render_report(hostile, "annotations")


def test_diagrams_and_historic_commands_have_their_own_words() -> None:
    diagram = Comparison(
        "overview", 0, "", Verdict.DRIFT_MINOR, (Difference(Verdict.DRIFT_MINOR, "added: pod/web"),), HERE
    )
    old = replace(comparison(Verdict.HISTORIC, reason="recorded on 2018-11-17: galley is gone"), block_id="")
    mixed = report(comparison(Verdict.FRESH), diagram, old)
    text = render_report(mixed, "terminal")
    assert text.startswith("docs/talks/x: minor, 1 command, 1 diagram in 1.2 s\n")
    assert f"  {HERE}: [overview] the diagram  (drift-minor)\n      added: pod/web\n" in text
    assert f"  {HERE}: $ kubectl get svc \\ …  (historic)\n" in text
    assert text.endswith("1 fresh, 1 drift-minor, 1 historic\n")
    assert exit_code(report(comparison(Verdict.FRESH), old), Verdict.DRIFT_MINOR) == 0
    assert [command["kind"] for command in json.loads(render_report(mixed, "json"))["documents"][0]["commands"]] == [
        "command",
        "diagram",
        "command",
    ]
    assert "- `diagram overview` (docs/talks/x/en.md:12): drift-minor\n" in render_report(mixed, "markdown")
    assert "historic" not in render_report(mixed, "annotations")
    suite = ET.fromstring(render_report(mixed, "junit")).find("testsuite")  # noqa: S314 -- our own output
    assert suite is not None
    assert [case.get("name") for case in suite.findall("testcase")][1:] == ["diagram overview", "kubectl get svc \\ …"]
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")


def test_the_texts_of_a_drift_are_shown_without_columns_that_only_got_wider() -> None:
    (document,) = DRIFTED.documents
    old = "NAME  PORT  AGE\na     80    1s\nb     81    1s\nc     82    1s\nd     83    1s"
    new = "NAME  PORT   AGE\na     80     1s\nb     81     1s\nc     82     1s\nd     8083   \x1b[1m1s\x1b[0m\n"
    new += "new   1      1s"
    text = render_report(Report((replace(document, texts={("get-svc", 0): (old, new)}),)), "terminal")
    assert (
        "         b     81     1s\n         c     82     1s\n        -d     83    1s\n"
        "        +d     8083   1s\n        +new   1      1s\n" in text
    )
    assert "NAME" not in text
