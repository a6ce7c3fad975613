"""`kubetalk check-site`: the built site, as it lies in its folder, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kubetalk import checking
from kubetalk.errors import ConfigError
from kubetalk.model import Finding, Output, Settings


def check_built_site(settings: Settings, folder: Path) -> tuple[Finding, ...]:
    """What is wrong with the site in a folder (`checking.check_site`), MkDocs' own pages included.

    Raises ConfigError if there is no site.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    pages = [path for path in files if path.suffix == ".html"]
    if not pages:
        raise ConfigError(
            f"there is no site in {folder}", remedy="Build it first with `mkdocs build`, or name its folder"
        )
    uris = (path.relative_to(folder).as_posix() for path in files)
    return checking.check_site(_outputs(pages, folder), settings, existing=uris)


def _outputs(pages: list[Path], folder: Path) -> Iterator[Output]:
    for path in pages:
        yield Output(path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
