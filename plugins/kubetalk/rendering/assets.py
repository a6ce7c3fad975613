"""Style sheets, scripts, fonts and reveal.js as files of the site, below assets/kubetalk/."""

from __future__ import annotations

import functools
import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from kubetalk.errors import ConfigError
from kubetalk.model import Output
from kubetalk.rendering.paths import ASSETS

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

EMOJI = "vendor/fonts/noto-emoji.css"
"""The font's own style sheet: which of its files has which characters. istioctl and helm plugins print emoji."""
BUNDLES = {
    "kubetalk.css": ("css/tokens.css", "css/fonts.css", EMOJI, "css/blocks.css", "css/site.css"),
    "deck.css": ("css/tokens.css", "css/fonts.css", EMOJI, "css/blocks.css", "css/deck.css"),
    "blocks.css": ("css/tokens.css", "css/blocks.css", "css/host.css"),
    "kubetalk.js": ("js/blocks.js", "js/site.js", "js/search.js"),
    "deck.js": ("js/blocks.js", "js/deck.js"),
    "blocks.js": ("js/blocks.js",),
}
"""File of the site to the files of the theme it is made of. `blocks.*` is all that a page of the host site gets."""
NEEDED = ("vendor/reveal/reveal.js", "vendor/reveal/reveal.css", "vendor/reveal/plugin/notes.js", EMOJI)
WOFF = re.compile(r", url\([^)]*\.woff\) format\('woff'\)")
"""Second choice of each font, for browsers of before 2018; its files are left out of the package."""


@functools.cache
def assets() -> tuple[Output, ...]:
    """All files, sorted by name.

    Raises ConfigError when the installation lacks reveal.js.
    """
    folder = files("kubetalk.theme") / "assets"
    for name in NEEDED:
        if not (folder / name).is_file():
            raise ConfigError(
                f"the installed kubetalk lacks theme/assets/{name}",
                remedy="Install it again with network access: `pip install -e .` in a checkout fetches it",
            )
    outputs = [
        Output(ASSETS + name, "".join(sheet_or_script(folder, part) for part in parts))
        for name, parts in BUNDLES.items()
    ]
    outputs += [Output(f"{ASSETS}vendor/{name}", source.read_bytes()) for name, source in walk(folder / "vendor")]
    outputs.append(Output(f"{ASSETS}favicon.svg", (folder / "favicon.svg").read_text(encoding="utf-8")))
    return tuple(sorted(outputs, key=lambda output: output.uri))


def sheet_or_script(folder: Traversable, name: str) -> str:
    """One part of a bundle; what the font's style sheet names lies beside the bundle in another folder."""
    text = (folder / name).read_text(encoding="utf-8")
    return WOFF.sub("", text).replace("url(./files/", "url(vendor/fonts/") if name == EMOJI else text


def walk(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    """All files below a folder with their relative names; build stamps, hidden files and parts of bundles left out."""
    found: list[tuple[str, Traversable]] = []
    for child in folder.iterdir():
        if child.is_dir():
            found += walk(child, f"{prefix}{child.name}/")
        elif child.name not in {"STAMP", "noto-emoji.css"} and not child.name.startswith("."):
            found.append((prefix + child.name, child))
    return found


@functools.cache
def version_of(name: str) -> str:
    """Eight characters that change with the file's content, so that browsers fetch a new version at once.

    Raises KeyError for an unknown name.
    """
    contents = {output.uri.removeprefix(ASSETS): output.content for output in assets()}
    content = contents[name]
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:8]
