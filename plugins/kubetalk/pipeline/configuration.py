"""Settings from their two sources: MkDocs' loaded configuration, or mkdocs.yml read by the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubetalk import reading
from kubetalk.model import Execution, Settings


def settings_from_mkdocs(options: Mapping[str, Any], site: Mapping[str, Any]) -> Settings:
    """The settings of a build that MkDocs started; ``site`` is MkDocs' own configuration."""
    return reading.read_settings(options, config_path=Path(site["config_file_path"] or "mkdocs.yml"), site=site)


def settings_from_config(path: Path) -> Settings:
    """The settings in a mkdocs.yml, without MkDocs."""
    return reading.read_config(path)


def settings_for_serving(settings: Settings) -> Settings:
    """``mkdocs serve`` rebuilds at every save, so it replays unless somebody asked for live (design, 4.2)."""
    if settings.execution is Execution.AUTO:
        return dataclasses.replace(settings, execution=Execution.REPLAY)
    return settings
