"""The corpus of commands: two fresh sandboxes have to print the same, in the sense of `comparing`.

benchmarks/drift runs it more often.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kubetalk import comparing, pipeline, reading, sandbox
from kubetalk.model import Document, ProviderSettings, Recording, Verdict
from kubetalk.pipeline.performing import run_live

CORPUS = Path(__file__).parent / "corpus"
SETTINGS = replace(
    pipeline.settings_from_config(CORPUS / "mkdocs.yml"),
    provider=ProviderSettings(binaries=os.environ.get("KUBETALK_TEST_BINARIES", "")),
)
DOCUMENTS = {document.id: document for document in reading.read_project(SETTINGS).documents}


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert sum(len(reading.plan_session(document).commands) for document in DOCUMENTS.values()) >= 150


@pytest.mark.live
@pytest.mark.parametrize("name", DOCUMENTS)
def test_two_fresh_sandboxes_print_the_same(name: str) -> None:
    first, second = (_run(DOCUMENTS[name]) for _ in range(2))
    comparisons = comparing.compare(reading.plan_session(DOCUMENTS[name]), first, second)
    drifted = [
        f"{c.location}: {c.command}: {'; '.join(d.message for d in c.differences) or c.reason}"
        for c in comparisons
        if c.verdict is not Verdict.FRESH
    ]
    assert drifted == []


def _run(document: Document) -> Recording:
    return run_live(document, reading.plan_session(document), sandbox.provider_for(SETTINGS), progress=lambda _: None)
