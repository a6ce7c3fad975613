from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kubetalk.errors import ConfigError, RunError
from kubetalk.model import RunStep, Settings
from kubetalk.pipeline import run_to_block
from tests.support.fakes import FakeProvider
from tests.support.sites import ROOT

from .conftest import Project, page, quiet

SEVERAL = (
    page("export COLOUR=green", "greet() { echo hello $1; }", "mkdir deep && cd deep", block="first")
    + page("echo second", block="second")[len("# A page") :]
    + page("echo third", block="third")[len("# A page") :]
)


def visit(settings: Settings, block: str, command: str | None, *paths: Any) -> tuple[int, list[tuple[str, str, int]]]:
    seen: list[tuple[str, str, int]] = []

    def printed(step: RunStep, output: str, status: int) -> None:
        seen.append((step.command.source, output, status))

    return run_to_block(settings, block, paths, printed=printed, progress=quiet, command=command), seen


def test_the_command_runs_in_the_state_the_block_left(
    project: Project, provider: FakeProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = project({"aa": SEVERAL})
    status, seen = visit(settings, "second", "greet $COLOUR; kubectl get pods; pwd; exit 3")
    assert status == 3
    assert [source for source, _, _ in seen][-1] == "echo second"
    assert seen[-1][1:] == ("second\n", 0)
    lines = capfd.readouterr().out.splitlines()
    assert lines[:2] == ["hello green", "kubectl get pods"]
    assert lines[2].endswith("/work/deep")
    assert provider.all_closed


# The shell of a person is a process with the terminal's own descriptors, so the command line runs as one too.
PROGRAM = """
import sys
from kubetalk import sandbox
from tests.support.fakes import FakeProvider
sandbox.provider_for = lambda _: FakeProvider()
from kubetalk.cli import main
main(sys.argv[1:])
"""


def test_a_person_gets_a_prompt_and_aliases_and_keeps_the_shell_after_an_error(project: Project) -> None:
    settings = project({"aa": SEVERAL.replace("$ export", "$ set -e\n$ export")})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run", "-f", str(settings.project_dir / "mkdocs.yml"), "second"],
        cwd=ROOT,
        input="k get pods; greet you; false\necho still $COLOUR\nexit 5\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 5
    assert "$ echo second\nsecond\n" in done.stdout
    assert "kubectl get pods\nhello you\nstill green\n" in done.stdout
    assert "(kubetalk sandbox v1.36)" in done.stderr


def test_a_block_that_no_document_has(project: Project, provider: FakeProvider) -> None:
    with pytest.raises(ConfigError) as caught:
        visit(project({"aa": SEVERAL}), "secnod", "true")
    assert str(caught.value) == "no live block has the id `secnod`. Did you mean `second`?"
    assert provider.sandboxes == []


def test_a_block_that_two_documents_have(project: Project, provider: FakeProvider) -> None:
    settings = project({"aa": SEVERAL, "bb": SEVERAL})
    with pytest.raises(ConfigError, match=r"2 documents have a block `second`.*kubetalk run second docs/pages/aa"):
        visit(settings, "second", "true")
    assert visit(settings, "second", "true", settings.docs_dir / "pages/bb")[0] == 0
    assert len(provider.sandboxes) == 1


@pytest.mark.usefixtures("provider")
def test_a_command_that_fails_is_shown_and_nothing_runs_after_it(project: Project) -> None:
    settings = project({"aa": page("echo so; false", "echo never")})
    seen: list[str] = []
    with pytest.raises(RunError, match="exit code 1"):
        run_to_block(
            settings, "one", (), printed=lambda _, output, __: seen.append(output), progress=quiet, command="echo no"
        )
    assert seen == ["so\n"]
