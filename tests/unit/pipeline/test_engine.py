from __future__ import annotations

import dataclasses

from kubetalk.model import BlockOptions, Command, Location, RunStep, SandboxRequest, Session
from kubetalk.pipeline.engine import engine, rules


def session(line: int = 1, expectation: str | None = None, **options: object) -> Session:
    command = Command("kubectl get ns", (), Location("en.md", line), expectation=expectation)
    step = RunStep("ns", 0, command, dataclasses.replace(BlockOptions(), **options))  # type: ignore[arg-type]
    return Session("d", SandboxRequest(), (step,))


def test_prose_is_no_rule_and_what_is_compared_is() -> None:
    assert engine() == engine()
    assert rules(session(line=1)) == rules(session(line=9))
    others = {rules(session()), rules(session(ignore=("AGE",))), rules(session(expectation="NAME\n..."))}
    assert len(others) == 3
