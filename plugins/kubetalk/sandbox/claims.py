"""What this user's builds still have to clean up outside of their own processes and files, should they be killed.

A claim is a small file in the cache that names one such thing: a cluster in Docker, namespaces on somebody's cluster.
Its maker holds a lock on it, so that everybody can see whether the maker still lives: a process id would be wrong for
containers that share one Docker, and after a restart of the machine.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kubetalk.errors import SandboxError
from kubetalk.sandbox.places import cache_dir


@dataclass(slots=True)
class Claim:
    """One thing to clean up, held by who has to do it."""

    name: str
    told: Mapping[str, Any]
    _entry: Path
    _lock: FileLock

    @classmethod
    def make(cls, kind: str, name: str, told: Mapping[str, Any]) -> Claim:
        """A new one, written down before the thing is made.

        Raises SandboxError if it cannot be.
        """
        try:
            entry = _folder(kind) / f"{name}.json"
            lock = _lock(entry)
            lock.acquire(timeout=10)
            claim = cls(name, told, entry, lock)
            claim.write(told)
        except (OSError, Timeout) as error:
            raise SandboxError(f"what has to be cleaned up later cannot be written down: {error}") from error
        return claim

    def write(self, told: Mapping[str, Any]) -> None:
        """Writes down what there is to clean up now.

        Raises OSError.
        """
        self.told = told
        fresh = self._entry.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(dict(told)), encoding="utf-8")
        fresh.replace(self._entry)

    def settle(self) -> None:
        """Nothing is left to clean up; safe to call twice."""
        for path in (self._entry, self._entry.with_suffix(".new")):
            path.unlink(missing_ok=True)
        self.leave()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def leave(self) -> None:
        """It could not be cleaned up; somebody else may try (see `abandoned`)."""
        self._lock.release()


def abandoned(kind: str) -> Iterator[Claim]:
    """Claims whose makers are gone, each held by the caller until it settles or leaves it."""
    for entry in sorted(_folder(kind).glob("*.json")):
        lock = _lock(entry)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            continue
        told: object = None
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(entry.read_text(encoding="utf-8"))
        claim = Claim(entry.stem, told if isinstance(told, dict) else {}, entry, lock)
        if claim.told:
            yield claim
        else:
            claim.settle()  # its maker settled it in this moment, or it is no claim


def claimed(kind: str) -> frozenset[str]:
    """The names of all claims, held or abandoned."""
    return frozenset(entry.stem for entry in _folder(kind).glob("*.json"))


def _folder(kind: str) -> Path:
    folder = cache_dir() / "claims" / kind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _lock(entry: Path) -> FileLock:
    return FileLock(entry.with_suffix(".lock"), mode=0o600, thread_local=False)
