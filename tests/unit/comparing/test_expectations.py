"""The author's text below a command: masked like the output, with `...` lines and `[..]`, compared cell by cell."""

from __future__ import annotations

import pytest

from kubetalk.comparing import matches_expectation
from kubetalk.errors import ContentError
from kubetalk.model import BlockOptions, Match

PODS = """\
NAME                   READY   STATUS    RESTARTS   AGE
web-795767664d-4bm8b   1/1     Running   0          1s
web-795767664d-ltcck   1/1     Running   0          1s
db-0                   1/1     Running   0          1s
"""


NARROW = """\
NAME  READY  STATUS  RESTARTS  AGE
db-0  1/1  Running  0  5d
web-795767664d-x7k2p  1/1  Running  0  2y10d
web-795767664d-z9z9z  1/1  Running  0  3h
"""


def told(command: str, expectation: str, output: str, **options: object) -> list[str]:
    found = matches_expectation(command, expectation, output, BlockOptions(**options))  # type: ignore[arg-type]
    return [difference.message for difference in found]


@pytest.mark.parametrize(
    "expectation",
    [
        PODS,
        NARROW,
        "NAME   STATUS\ndb-0   Running\nweb-795767664d-x7k2p   Running\nweb-795767664d-z9z9z   Running\n",
        "NAME   READY   STATUS    RESTARTS   AGE\ndb-0   1/1     Running   0          1s\n...\n",
        "NAME   READY   STATUS    RESTARTS   AGE\n...\n",
        "NAME        READY   STATUS   RESTARTS   AGE\nweb-[..]    1/1     [..]     0          1s\n...\n",
    ],
)
def test_a_table_fits_whatever_its_widths_ages_and_random_names(expectation: str) -> None:
    assert told("kubectl get pods", expectation, PODS) == []


@pytest.mark.parametrize(
    ("expectation", "messages"),
    [
        (PODS.replace("db-0                   1/1", "db-0                   0/1"), ["READY of db-0: 0/1 -> 1/1"]),
        (PODS.replace("db-0", "db-1"), ["row gone: db-1", "row added: db-0"]),
        (PODS + "web-1                  1/1     Running   0          1s\n", ["row gone: web-1"]),
        (PODS.replace("   AGE", "   AGE   IP").replace("1s", "1s    10.0.0.1"), ["column gone: IP"]),
        ("NAME   READY   STATUS   RESTARTS   AGE\napi-[..]   1/1   Running   0   1s\n...\n", ["row gone: api-[..]"]),
    ],
)
def test_what_does_not_fit_is_told(expectation: str, messages: list[str]) -> None:
    assert told("kubectl get pods", expectation, PODS) == messages


TEXT = "Installing\nstep 1 of 3\nstep 2 of 3\nstep 3 of 3\ndone in 12 seconds\n"


@pytest.mark.parametrize(
    "expectation",
    [
        TEXT,
        "...\ndone in [..] seconds\n",
        "Installing\n...\n",
        "Installing\n...\nstep 2 of 3\n...\ndone in [..]\n",
        "...\nstep 1 of 3\n...\nstep 3 of 3\n...\n",
        "...",
        "Installing\nstep 1 of 3\n...\nstep 2 of 3\nstep 3 of 3\ndone in 12 seconds\n",
    ],
)
def test_lines_fit_in_order_around_gaps(expectation: str) -> None:
    assert told("./install.sh", expectation, TEXT) == []


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ("step 1 of 3\n...\n", "lines not printed in this order: step 1 of 3"),
        ("...\nstep 3 of 3\n...\nstep 1 of 3\n...\n", "line not printed: step 1 of 3"),
        ("...\nstep 2 of 3\n", "lines not printed in this order: step 2 of 3"),
        ("Installing\n...\nfailed\n", "line not printed: failed"),
        ("Installing\n", "line added: step 1 of 3"),
    ],
)
def test_gaps_do_not_hide_what_is_missing(expectation: str, message: str) -> None:
    assert message in told("./install.sh", expectation, TEXT)


def test_kubectls_own_dots_are_no_gap() -> None:
    output = "NAME   ENDPOINTS\nweb    10.244.0.3:80,10.244.0.4:80,10.244.0.5:80 + 2 more...\n"
    assert told("kubectl get endpoints", output.replace("10.244", "10.99"), output) == []
    assert told("kubectl get endpoints", output.replace("2 more", "3 more"), output) != []


def test_an_empty_expectation_of_an_empty_output() -> None:
    assert told("true", "", "") == []
    assert told("true", "", "surprise\n") == ["line added: surprise"]


def test_match_exact_masks_nothing() -> None:
    assert told("kubectl get pods", PODS, PODS, match=Match.EXACT) == []
    assert told("kubectl get pods", PODS.replace("1s", "2s"), PODS, match=Match.EXACT) != []


def test_match_lines_wants_them_anywhere() -> None:
    assert told("./install.sh", "done in [..]\nstep 2 of 3\n", TEXT, match=Match.LINES) == []
    assert told("./install.sh", "step 9 of 3\n", TEXT, match=Match.LINES) == ["line not printed: step 9 of 3"]
    assert told("./install.sh", "step 2 of 3\nstep 2 of 3\n", TEXT, match=Match.LINES) == [
        "line not printed: step 2 of 3"
    ]


def test_match_regex() -> None:
    assert told("./install.sh", r"^done in \d+ seconds$", TEXT, match=Match.REGEX) == []
    assert told("./install.sh", r"^done in \d+ minutes$", TEXT, match=Match.REGEX) == [
        r"nothing fits the expression ^done in \d+ minutes$"
    ]
    with pytest.raises(ContentError, match="no regular expression"):
        told("./install.sh", "(", TEXT, match=Match.REGEX)


def test_match_json_lets_keys_be_left_out() -> None:
    output = '{"kind": "Pod", "metadata": {"name": "web-0", "uid": "1"}, "ready": true}'
    command = "kubectl get pod web-0 -o json"
    assert told(command, '{"metadata": {"name": "web-0"}}', output, match=Match.JSON) == []
    assert told(command, '{"metadata": {"uid": "[..]"}}', output, match=Match.JSON) == []
    assert told(command, '{"metadata": {"name": "web-1"}}', output, match=Match.JSON) == [
        'metadata.name: "web-1" -> "web-0"'
    ]
    assert told(command, '{"spec": {}}', output, match=Match.JSON) == ["gone: spec"]
    assert told(command, "{}", "no json", match=Match.JSON) == ["the output is no JSON: no json"]
    with pytest.raises(ContentError, match="no JSON"):
        told(command, "{", output, match=Match.JSON)


def test_match_none_and_ignore() -> None:
    assert told("kubectl get pods", "nothing like it", PODS, match=Match.NONE) == []
    other = PODS.replace("Running", "Pending")
    assert told("kubectl get pods", other, PODS) != []
    assert told("kubectl get pods", other, PODS, ignore=("status",)) == []
