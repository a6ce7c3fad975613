"""What a sandbox binary is made of: a Go module with its `build.json` (see PROTOCOL.md), and the key of its sources."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kubetalk.errors import BuildError

_PACKAGE = Path(__file__).resolve().parent.parent
# A wheel carries the Go sources inside the package, a checkout beside it.
_HOMES = (_PACKAGE / "_sandbox_sources", _PACKAGE.parent / "sandbox")
_BUILT_IN_PLACE = {"kubetalk-sandbox", "kubetalk-supervisor", "kubetalk-istio"}


@dataclass(frozen=True, slots=True)
class ModuleFolder:
    """A folder of a Go module that is copied next to the binary, as no Go package embeds it."""

    module: str
    source: str
    """Relative to the module."""
    target: str
    """Relative to the binary's folder."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One Go module and how to build it."""

    source: Path
    """The module's directory."""
    binary: str
    package: str
    beside: Mapping[str, str]
    """Smaller programs that belong beside the binary, and the packages they are built from."""
    go: str
    """Oldest Go that can build it, ``1.26.0``."""
    env: Mapping[str, str]
    flags: tuple[str, ...]
    tags: tuple[str, ...]
    ldflags: tuple[str, ...]
    versions: Mapping[str, str]
    emulates: tuple[str, ...]
    multicall: tuple[str, ...]
    folders: tuple[ModuleFolder, ...]
    sources_key: str
    """SHA-256, hex, of everything that goes into the binary except the Go toolchain and the platform."""

    @property
    def build_flags(self) -> tuple[str, ...]:
        """What `go list`, `go vet` and `go build` share, so that they share the cache."""
        return (*self.flags, "-tags", ",".join(self.tags))


def load_recipe(module: str = "core", homes: tuple[Path, ...] = _HOMES) -> Recipe:
    """The recipe of the module ``core`` or ``istio``.

    Raises BuildError if this installation does not have it, or if it cannot be read.
    """
    for home in homes:
        if (home / module / "build.json").is_file():
            return _load(home / module)
    raise BuildError(
        f"this installation of kubetalk has no sources of the sandbox module {module!r}",
        remedy="Install the wheel or use a checkout of the repository",
    )


@lru_cache(maxsize=8)
def _load(source: Path) -> Recipe:
    path = source / "build.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        wanted_go = re.search(r"^go (\S+)$", (source / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
        return Recipe(
            source=source,
            binary=told["binary"],
            package=told["package"],
            beside=told.get("beside", {}),
            go=max((told["go"], wanted_go[1] if wanted_go else "0"), key=version_tuple),
            env=told["env"],
            flags=tuple(told["flags"]),
            tags=tuple(told["tags"]),
            ldflags=tuple(told["ldflags"]),
            versions=told["versions"],
            emulates=tuple(told.get("emulates", ())),
            multicall=tuple(told.get("multicall", ())),
            folders=tuple(ModuleFolder(file["module"], file["from"], file["to"]) for file in told.get("files", ())),
            sources_key=_digest(source),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BuildError(f"the sandbox's build.json cannot be used: {error!r}", where=path) from error


def version_tuple(version: str) -> tuple[int, ...]:
    """``go1.26.8`` as ``(1, 26, 8)``; a release candidate counts as its release."""
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"rc|beta", version)[0]))


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    for path in _inputs(source):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(source).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _inputs(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        left_out = any(part.startswith(".") or part in {"bin", "dist", "testdata"} for part in parts)
        # Tests and texts do not change the binary, and a binary that was built in place must not change its own key.
        left_out |= path.name.endswith(("_test.go", ".md")) or path.name in _BUILT_IN_PLACE
        if path.is_file() and not left_out:
            yield path
