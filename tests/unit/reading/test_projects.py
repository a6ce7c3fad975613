"""Whole projects: documents and sessions, or every problem at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.reading import plan_session, read_project
from tests.support.golden import Golden
from tests.unit.reading.conftest import MakeSettings, Plain, told


@pytest.mark.golden("reading/projects")
def test_projects(golden: Golden, plain: Plain, make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(golden.input, **golden.options)
    try:
        project = read_project(settings)
        documents = {}
        for document in project.documents:
            # What stands in the texts has its own goldens; here it is enough to see which blocks became what.
            texts = {
                text.path: [f"{type(block).__name__} {getattr(block, 'id', '')}".strip() for block in text.blocks]
                for text in document.texts.values()
            }
            session = plan_session(document)
            files = [
                dataclasses.replace(item, source_path=item.source_path.relative_to(tmp_path)) for item in session.files
            ]
            documents[f"{document.kind} {document.id}"] = {
                "facts": plain(document.facts),
                "texts": texts,
                "steps": [_step(step) for step in session.steps],
                "files": plain(files),
            }
        output = {"documents": documents, "tags": plain(project.tags)}
        problems = []
    except KubetalkError as error:
        output, problems = {}, told(error)
    golden.check(output, problems)


def _step(step: object) -> str:
    names = {item.name for item in dataclasses.fields(step)}  # type: ignore[arg-type]
    command = getattr(step, "command", None)
    shown = [type(step).__name__, getattr(step, "block_id", getattr(step, "id", getattr(step, "path", "")))]
    if command is not None:
        shown += [str(getattr(step, "index", "")), f"`{command.source}`", str(command.location)]
    if "translations" in names:
        shown += [f"also {place}" for place in getattr(step, "translations", ())]
    return " ".join(shown)
