"""What a person's shell says of itself, and what the Tab key finds there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubetalk.sandbox.shell import prompt_place, run_shell

VERSIONS = {"kubernetes": "v1.36.4"}
COMPLETION = """#!/bin/sh
# What a tool made with cobra writes.
echo "__start_$(basename "$0")() { COMPREPLY=(pods); }"
echo "complete -o default -F __start_$(basename "$0") $(basename "$0")"
"""


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (("embedded",), "sandbox"),
        (("embedded", "", "default"), "sandbox default"),
        (("kind", "", "demo"), "sandbox demo"),
        (("context", "dev"), "existing cluster dev"),
        (("context", "dev", "demo"), "existing cluster dev"),
    ],
)
def test_where_a_prompt_says_you_are(told: tuple[str, ...], place: str) -> None:
    assert prompt_place(*told) == place


def typed(tmp_path: Path, lines: str, *, place: str = "sandbox", capfd: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Standard output and error of an interactive shell that reads those lines; kubectl and helm complete."""
    for name in ("kubectl", "helm"):
        (tmp_path / name).write_text(COMPLETION, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    script = tmp_path / "lines"
    script.write_text(lines, encoding="utf-8")
    environment = {"PATH": f"{tmp_path}:{os.defpath}:/usr/bin", "HOME": str(tmp_path)}
    stdin = os.dup(0)
    with script.open(encoding="utf-8") as file:
        os.dup2(file.fileno(), 0)
    try:
        run_shell(environment, VERSIONS, cwd=tmp_path, place=place)
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
    seen = capfd.readouterr()
    return seen.out, seen.err


def test_a_name_in_the_prompt_is_only_a_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = prompt_place("context", "a'$(touch x)`touch x`\\u")
    _, error = typed(tmp_path, "true\n", place=place, capfd=capfd)
    assert "(kubetalk existing cluster a???touch x??touch x??u v1.36) " in error
    assert not (tmp_path / "x").exists()


def test_the_alias_completes_as_kubectl_does(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = "_kubetalk_completion k; echo status $?; complete -p k kubectl helm\n"
    out, _ = typed(tmp_path, lines, capfd=capfd)
    assert out.splitlines() == [
        "status 124",
        "complete -o default -F __start_kubectl k",
        "complete -o default -F __start_kubectl kubectl",
        "complete -F _kubetalk_completion helm",
    ]
