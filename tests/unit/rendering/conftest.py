"""What the tests of this room render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kubetalk import reading, rendering
from kubetalk.model import Origin, Rendition
from tests.support.rendered import Sample, render, rendition_of, sample_files, settings_for, write


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A talk, two posts (one not translated), the start page and another page."""
    project_dir = tmp_path_factory.mktemp("site")
    write(project_dir, sample_files())
    return render(settings_for(project_dir))


ReadPost = Callable[..., tuple[rendering.Renderer, Rendition]]


@pytest.fixture
def read_post(tmp_path: Path) -> ReadPost:
    """A function from the texts of one post to its renderer and rendition."""

    def read(
        outputs: Mapping[str, str], origin: Origin = Origin.VERIFIED, **texts: str
    ) -> tuple[rendering.Renderer, Rendition]:
        languages = ", ".join(texts)
        facts = f"title: {{en: Sample, ja: 見本}}\ndate: 2026-11-12\nlanguages: [{languages}]\n"
        files = {f"{language}.md": text for language, text in texts.items()}
        write(tmp_path, {"posts/sample": {"post.yml": facts, **files}})
        settings = settings_for(tmp_path)
        project = reading.read_project(settings)
        renderer = rendering.Renderer(settings, documents=project.documents)
        return renderer, rendition_of(project.documents[0], outputs, origin)

    return read
