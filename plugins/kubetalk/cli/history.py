"""Asks git what was changed: the one process the command line starts, and never on the way to a page."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from kubetalk.errors import ConfigError

_SECONDS = 30


def changed_since(ref: str, folder: Path) -> tuple[Path, ...]:
    """The files below a folder that differ from where this branch left ``ref``: edited, added, removed, untracked.

    Raises ConfigError if there is no git, no repository, or no such commit in it.
    """
    return tuple(folder / name for name in _changed(folder, ref))


def is_changed_since(ref: str, files: Sequence[Path]) -> bool:
    """Whether one of these files differs, likewise. Raises ConfigError likewise."""
    return any(_changed(file.parent, ref, file.name) for file in files)


def _changed(folder: Path, ref: str, *only: str) -> list[str]:
    # A word that begins with a hyphen would be an option of git's.
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    commit = _git(folder, *words, ref=ref).strip("\n")
    names = ("--", *(f":(literal){name}" for name in only))
    compared = ("diff", "--merge-base", "--name-only", "--no-renames", "--relative", "-z", commit)
    changed = _git(folder, *compared, *names, ref=ref)
    untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", *names, ref=ref)
    return sorted({*changed.split("\0"), *untracked.split("\0")} - {""})


def _git(folder: Path, *arguments: str, ref: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"git cannot be asked what was changed since {ref}: {error}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it knows no commit `{ref}`"]
        raise ConfigError(
            f"git cannot say what was changed since `{ref}`: {said[0]}",
            where="--since",
            remedy="Name a commit that is here; a shallow clone has only the last one",
        )
    return done.stdout
