"""The order of things: read -> run or replay -> draw -> render -> index. Entry points call it, it calls the rooms.

Its names are loaded when they are first used: a build in which nothing has to run is spared the rooms that compare and
report, which would be a fifth of its time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubetalk.pipeline.building import BuiltSite, HostPage, build_site
    from kubetalk.pipeline.configuration import (
        configuration_files,
        settings_for_serving,
        settings_from_config,
        settings_from_mkdocs,
    )
    from kubetalk.pipeline.documents import has_host_pages
    from kubetalk.pipeline.freshness import check_documents, diff_documents, plan_documents, record_documents
    from kubetalk.pipeline.inspecting import check_built_site
    from kubetalk.pipeline.modes import Performed, perform_all
    from kubetalk.pipeline.visiting import run_to_block
    from kubetalk.pipeline.warm import WarmSandboxes

__all__ = [
    "BuiltSite",
    "HostPage",
    "Performed",
    "WarmSandboxes",
    "build_site",
    "check_built_site",
    "check_documents",
    "configuration_files",
    "diff_documents",
    "has_host_pages",
    "perform_all",
    "plan_documents",
    "record_documents",
    "run_to_block",
    "settings_for_serving",
    "settings_from_config",
    "settings_from_mkdocs",
]

_HOMES = {
    "BuiltSite": "building",
    "HostPage": "building",
    "Performed": "modes",
    "WarmSandboxes": "warm",
    "build_site": "building",
    "check_built_site": "inspecting",
    "check_documents": "freshness",
    "configuration_files": "configuration",
    "diff_documents": "freshness",
    "has_host_pages": "documents",
    "perform_all": "modes",
    "plan_documents": "freshness",
    "record_documents": "freshness",
    "run_to_block": "visiting",
    "settings_for_serving": "configuration",
    "settings_from_config": "configuration",
    "settings_from_mkdocs": "configuration",
}


def __getattr__(name: str) -> object:
    """PEP 562: import the module a name lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
