from __future__ import annotations

import pytest

from kubetalk import reading
from kubetalk.errors import RunError
from kubetalk.model import Recording, Settings
from kubetalk.pipeline.documents import live_documents
from kubetalk.pipeline.performing import run_live
from kubetalk.sandbox import REFUSAL
from tests.support.fakes import FakeProvider

from .conftest import Project, page, quiet

LOGS = f"echo 'error: {REFUSAL}, so there is nothing to read logs from'"


def run(provider: FakeProvider, settings: Settings) -> Recording:
    (document,) = live_documents(settings, ())
    return run_live(document, reading.plan_session(document), provider, progress=quiet)


@pytest.mark.parametrize("command", [f"{LOGS} | head -1", f"{LOGS} || true"])
def test_a_refusal_that_its_exit_code_hides_is_told(project: Project, provider: FakeProvider, command: str) -> None:
    with pytest.raises(RunError) as caught:
        run(provider, project({"aa": page("true", command)}))
    assert str(caught.value).startswith("docs/pages/aa/en.md:5: `echo 'error: this pod is simulated")
    assert "(block one) needs a container that runs, and pods are simulated here" in caught.value.message
    assert 'with exit="1" on the fence' in caught.value.remedy


def test_a_refusal_that_is_meant_is_shown(project: Project, provider: FakeProvider) -> None:
    meant = page(f"({LOGS}; exit 1)").replace('id="one"', 'id="one" exit="1"')
    (block,) = run(provider, project({"aa": meant})).blocks
    assert REFUSAL in block.commands[0].output
