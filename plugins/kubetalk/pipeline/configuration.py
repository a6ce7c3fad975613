"""Settings from their two sources: MkDocs' loaded configuration, or mkdocs.yml read by the command line."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubetalk import reading
from kubetalk.model import Execution, Settings

_INHERIT = re.compile(r"^INHERIT:\s*(?:([\"'])(?P<quoted>.+?)\1|(?P<plain>\S+))", re.MULTILINE)
"""The key as people write it. The whole YAML is `reading`'s business, and was read before."""


def settings_from_mkdocs(options: Mapping[str, Any], site: Mapping[str, Any]) -> Settings:
    """The settings of a build that MkDocs started, so without drafts; ``site`` is MkDocs' own configuration."""
    path = Path(site["config_file_path"] or "mkdocs.yml")
    return dataclasses.replace(reading.read_settings(options, config_path=path, site=site), drafts=False)


def settings_from_config(path: Path) -> Settings:
    """The settings in a mkdocs.yml, without MkDocs."""
    return reading.read_config(path)


def configuration_files(path: Path) -> tuple[Path, ...]:
    """A mkdocs.yml and what it inherits from, in that order, as far as those files are there."""
    found: list[Path] = []
    while path.is_file() and path not in found:
        found.append(path)
        parent = _INHERIT.search(path.read_text(encoding="utf-8-sig"))
        if parent:
            path = Path(os.path.normpath(path.parent / (parent["quoted"] or parent["plain"])))
    return tuple(found)


def settings_for_serving(settings: Settings, options: Mapping[str, Any], *, is_rebuild: bool) -> Settings:
    """``mkdocs serve`` rebuilds at every save, so it replays unless somebody asked for more (design, 4.2).

    Asked for is what ``execution`` says in mkdocs.yml, or KUBETALK_EXECUTION. What ``live`` ran at the start is not
    run again at a save that did not touch it. Drafts are shown, as MkDocs does with its own.
    """
    settings = dataclasses.replace(settings, drafts=True)
    asked = bool(options.get("execution") or os.environ.get("KUBETALK_EXECUTION"))
    if settings.execution is Execution.AUTO and not asked:
        return dataclasses.replace(settings, execution=Execution.REPLAY)
    if settings.execution is Execution.LIVE and is_rebuild:
        return dataclasses.replace(settings, execution=Execution.AUTO)
    return settings
