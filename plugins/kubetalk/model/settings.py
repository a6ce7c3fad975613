"""The options of the plugin, checked; the same object for MkDocs and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kubetalk.model.document import SandboxRequest


class Execution(StrEnum):
    """When sessions run (design, 4.2)."""

    LIVE = "live"
    REPLAY = "replay"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Which provider makes sandboxes, and what it may touch."""

    name: str = "embedded"
    """``embedded``, ``kind`` or ``context``."""
    context: str = ""
    """Provider ``context`` only: the one kubeconfig context that may be used."""
    kubeconfig: str = ""
    binaries: str = ""
    """A folder with ready sandbox binaries; empty means wheel, cache, build."""
    build: bool = False
    """Build a missing binary when a session needs it, instead of replaying (KUBETALK_BUILD_SANDBOX)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a build is told."""

    project_dir: Path
    """Where mkdocs.yml is."""
    docs_dir: Path
    site_dir: Path
    site_name: Mapping[str, str]
    """One per language."""
    site_url: str
    """Ends with a slash; empty if mkdocs.yml has none (then nothing absolute is written)."""
    site_description: Mapping[str, str] = field(default_factory=dict)
    author: str = ""
    copyright: str = ""
    repo_url: str = ""
    languages: tuple[str, ...] = ("en", "ja")
    """BCP 47 tags, the first one is the default."""
    execution: Execution = Execution.AUTO
    provider: ProviderSettings = ProviderSettings()
    cache_dir: Path = Path(".cache/kubetalk")
    """Sessions verified on this machine; never committed."""
    jobs: int = 1
    drafts: bool = True
    """Whether documents with ``draft: true`` are there; a build of the site leaves them out."""
    layers: Mapping[str, SandboxRequest] = field(default_factory=dict)
    """Name to what a document that begins on that layer asks for."""
    exclude_docs: tuple[str, ...] = ()
    """MkDocs' own option: patterns, as in .gitignore, of files below docs_dir that it does not publish."""

    @property
    def base_path(self) -> str:
        """The path part of ``site_url``: ``/`` or ``/repo/``."""
        path = self.site_url.split("://", 1)[-1]
        return "/" + path.split("/", 1)[1] if "/" in path else "/"
