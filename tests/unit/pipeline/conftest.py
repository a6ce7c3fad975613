"""A small project on disk, and a provider whose sandboxes are folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kubetalk.model import Settings
from kubetalk.pipeline import settings_from_config
from tests.support.fakes import FakeProvider

Project = Callable[..., Settings]


def page(*commands: str, block: str = "one") -> str:
    """A text with one live block."""
    lines = "\n".join(f"$ {command}" for command in commands)
    return f'# A page\n\n```console live id="{block}"\n{lines}\n```\n'


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    made = FakeProvider()
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: made)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A function that writes one page per entry (id to English text) and gives the project's settings."""

    def write(pages: Mapping[str, str], **changes: object) -> Settings:
        (tmp_path / "mkdocs.yml").write_text(
            "site_name: X\nsite_url: https://example.org/\nplugins:\n  - kubetalk:\n      languages: [en]\n",
            encoding="utf-8",
        )
        for name, text in pages.items():
            folder = tmp_path / "docs/pages" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "page.yml").write_text("title: X\n", encoding="utf-8")
            (folder / "en.md").write_text(text, encoding="utf-8")
        return replace(settings_from_config(tmp_path / "mkdocs.yml"), **changes)  # type: ignore[arg-type]

    return write


def quiet(_: str) -> None:
    pass


def lines_of(told: Iterable[str], start: str) -> list[str]:
    return [line for line in told if line.startswith(start)]
