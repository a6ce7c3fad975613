"""Settings from their two sources: MkDocs' loaded configuration, or mkdocs.yml read by the command line."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubetalk import reading
from kubetalk.errors import ConfigError, KubetalkError, ManyErrors
from kubetalk.model import Execution, Settings


def settings_from_mkdocs(options: Mapping[str, Any], site: Mapping[str, Any]) -> Settings:
    """The settings of a build that MkDocs started, so without drafts; ``site`` is MkDocs' own configuration.

    Raises ConfigError or ManyErrors.
    """
    path = Path(site["config_file_path"] or "mkdocs.yml")
    settings = reading.read_settings(options, config_path=path, site=site)
    return _with_texts(dataclasses.replace(settings, drafts=False), path)


def settings_from_config(path: Path) -> Settings:
    """The settings in a mkdocs.yml, without MkDocs. Raises ConfigError or ManyErrors."""
    return reading.read_config(path)


def configuration_files(path: Path) -> tuple[Path, ...]:
    """A mkdocs.yml and what it inherits from, the nearest first, as far as they can be read."""
    return reading.config_files(path)


def _with_texts(settings: Settings, path: Path) -> Settings:
    """The settings, if the interface speaks all their languages; told here, where the line is known."""
    from kubetalk import rendering  # noqa: PLC0415  the command line renders nothing and does not wait for it

    errors: list[KubetalkError] = []
    for language in settings.languages:
        try:
            rendering.load_strings(language)
        except ConfigError as error:
            where = reading.option_place(path, "languages")
            errors.append(ConfigError(error.message, where=where, remedy=error.remedy))
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)
    return settings


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
