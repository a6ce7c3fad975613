"""`symbol=`: a value that only the session knows has the same name in every run, wherever it stands."""

from __future__ import annotations

import datetime as dt

import pytest

from kubetalk.comparing import compare
from kubetalk.model import (
    BlockOptions,
    BlockRecord,
    Command,
    CommandRecord,
    Location,
    Provenance,
    Recording,
    RunStep,
    SandboxRequest,
    Session,
    Verdict,
)

TABLE = """\
NAME           STATUS   AGE   LABELS
shop-{0}       Active   5s    kubernetes.io/metadata.name=shop-{0},run={0}
default        Active   20s   kubernetes.io/metadata.name=default
"""
DESCRIBED = "Name:         shop-{0}\nLabels:       run={0}\nStatus:       Active\n"
COMMANDS = {
    "date +%s%N | sha1sum | cut -c1-8": "{0}\n",
    "kubectl get ns --show-labels": TABLE,
    'kubectl describe ns "shop-$RUN"': DESCRIBED,
    'kubectl get ns "shop-$RUN" -o yaml': "kind: Namespace\nmetadata:\n  labels:\n    run: '{0}'\n  name: shop-{0}\n",
    'echo "this is run $RUN"': "this is run {0}\n",
    'kubectl create ns "shop-$RUN"': "namespace/shop-{0} created\n",
}


def session(symbol: str) -> Session:
    steps = [
        RunStep(
            f"b{number}", 0, Command(source, (), Location("en.md", 1)), BlockOptions(symbol="" if number else symbol)
        )
        for number, source in enumerate(COMMANDS)
    ]
    return Session("d", SandboxRequest(), tuple(steps))


def recording(value: str, change: tuple[str, str] = ("", "")) -> Recording:
    provenance = Provenance(dt.datetime(2026, 11, 22, tzinfo=dt.UTC), "embedded", simulated=True)
    outputs = [
        output.format(value).replace(*change) if change[0] else output.format(value) for output in COMMANDS.values()
    ]
    records = [CommandRecord(source, output, 0) for source, output in zip(COMMANDS, outputs, strict=True)]
    return Recording("d", provenance, tuple(BlockRecord(f"b{n}", (record,)) for n, record in enumerate(records)))


def verdicts(symbol: str, new: Recording) -> set[Verdict]:
    return {found.verdict for found in compare(session(symbol), recording("a1b2c3d4"), new)}


def test_the_value_is_the_same_everywhere() -> None:
    assert verdicts("run", recording("99ffee00")) == {Verdict.FRESH}


def test_without_the_option_it_is_news() -> None:
    assert Verdict.DRIFT_MAJOR in verdicts("", recording("99ffee00"))


@pytest.mark.parametrize("place", ["shop-99ffee00", "run=99ffee00", "run 99ffee00"])
def test_another_value_in_its_place_is_told(place: str) -> None:
    assert Verdict.DRIFT_MAJOR in verdicts("run", recording("99ffee00", (place, place[:-8] + "00000000")))
