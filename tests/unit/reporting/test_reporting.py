from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from kubetalk.model import Comparison, Difference, Location, Provenance, Verdict
from kubetalk.reporting import FORMATS, DocumentReport, Report, exit_code, render_report

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
        location=Location("docs/talks/x/en.md", 12),
        reason=reason,
    )


def report(*comparisons: Comparison, failure: str = "") -> Report:
    return Report((DocumentReport("x", "docs/talks/x", comparisons, 1.25, RECORDED, None, failure),))


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
    assert "| docs/talks/x | 3 | drift-major |" in text


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
    text = render_report(report(failure="docs/talks/x/en.md:3: exit code 1"), style)
    assert "exit code 1" in text


@pytest.mark.parametrize(
    ("verdict", "fail_on", "code"),
    [
        (Verdict.FRESH, Verdict.DRIFT_MINOR, 0),
        (Verdict.HISTORIC, Verdict.DRIFT_MINOR, 0),
        (Verdict.DRIFT_MINOR, Verdict.DRIFT_MINOR, 1),
        (Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR, 0),
        (Verdict.UNVERIFIED, Verdict.DRIFT_MINOR, 1),
        (Verdict.DRIFT_MAJOR, Verdict.DRIFT_MAJOR, 1),
    ],
)
def test_exit_codes(verdict: Verdict, fail_on: Verdict, code: int) -> None:
    assert exit_code([Verdict.FRESH, verdict], fail_on) == code


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
