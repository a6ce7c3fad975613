"""How documents look in golden files, and a project folder to read them from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.model import Location, Settings

Plain = Callable[[object], Any]


def to_plain(value: object) -> Any:
    """Dataclasses as mappings without the fields that have their default."""
    if isinstance(value, Location):
        return value.line
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = {}
        for item in dataclasses.fields(value):
            own = getattr(value, item.name)
            factory = item.default_factory
            default = factory() if factory is not dataclasses.MISSING else item.default
            if own != default:
                shown[item.name] = to_plain(own)
        return {type(value).__name__: shown}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.as_posix() if isinstance(value, Path) else value


@pytest.fixture
def plain() -> Plain:
    return to_plain


MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """A function that writes files below docs/ and gives the settings of that project."""

    def make(files: Mapping[str, str | bytes], **changes: Any) -> Settings:
        (tmp_path / "docs").mkdir(exist_ok=True)
        for name, content in files.items():
            path = tmp_path / "docs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        settings = Settings(
            project_dir=tmp_path,
            docs_dir=tmp_path / "docs",
            site_dir=tmp_path / "site",
            site_name={"en": "Site", "ja": "サイト"},
            site_url="https://example.org/",
        )
        return dataclasses.replace(settings, **changes)

    return make


def told(error: KubetalkError) -> list[str]:
    """The lines an author sees."""
    return [str(problem) for problem in error.problems]
