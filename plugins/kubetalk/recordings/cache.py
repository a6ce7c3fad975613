"""Sessions verified on this machine, by their key chain; losing it costs a run, never a wrong page.

One JSON file per verified session, below a folder per document. Reading needs no lock, since files are only ever
replaced as a whole; writing and pruning take one for all builds on this machine.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from filelock import FileLock

from kubetalk.model import (
    BlockRecord,
    CommandRecord,
    Layer,
    Progress,
    Provenance,
    Recording,
    RunStep,
    Session,
    Snapshot,
    SnapshotStep,
    StepKey,
)
from kubetalk.recordings.chain import content_digest
from kubetalk.recordings.emit import plain
from kubetalk.recordings.files import replace_file

_FORMAT: Final = 1
_LOCK_SECONDS: Final = 60


class Cache:
    """Recordings of whole, successful sessions."""

    def __init__(
        self,
        directory: Path,
        *,
        engine: str = "",
        note: Progress = lambda _: None,
        max_age_days: float = 30,
        max_bytes: int = 256 * 1024 * 1024,
        max_per_document: int = 8,
    ) -> None:
        """``engine`` says what ran the sessions: entries of another one are as good as none.

        ``note`` is told about entries that cannot be used. The limits count when something is put in.
        """
        self._directory = directory
        self._engine = engine
        self._note = note
        self._max_age = max_age_days * 86400
        self._max_bytes = max_bytes
        self._max_per_document = max_per_document

    def get(self, session: Session, keys: Mapping[StepKey, str]) -> Recording | None:
        """The recording of a session that ran here with exactly these keys (`key_chain`), None if there is none.

        The keys name no blocks: after a block was renamed the same outputs come back under its new id.
        """
        path = self._path(session.document_id, keys.values())
        entry = self._read(path)
        if entry is None:
            return None
        recording, done = _select(session, keys, entry)
        if done < len(keys):
            return None
        with suppress(OSError):
            os.utime(path)
        return recording

    def longest_prefix(self, session: Session, keys: Mapping[StepKey, str]) -> Recording | None:
        """The longest beginning of the session that some run here has verified; None if not even its first step."""
        best: tuple[int, Recording] | None = None
        for path in self._entries(session.document_id):
            entry = self._read(path)
            if entry is None:
                continue
            recording, done = _select(session, keys, entry)
            if done and (best is None or done > best[0]):
                best = (done, recording)
        return best[1] if best else None

    def put(self, session: Session, recording: Recording) -> None:
        """Keep a recording of the whole session.

        Raises ValueError if it is not whole or has no keys: a failed or half session is never kept.
        """
        whole = {(step.block_id, step.index) for step in session.commands}
        whole_snapshots = {step.id for step in session.steps if isinstance(step, SnapshotStep)}
        records = {
            (block.id, index): record for block in recording.blocks for index, record in enumerate(block.commands)
        }
        snapshots = {snapshot.id: snapshot for snapshot in recording.snapshots}
        links = [record.key for record in records.values()] + [snapshot.key for snapshot in snapshots.values()]
        if set(records) != whole or set(snapshots) != whole_snapshots or not all(links):
            raise ValueError(f"the recording of {session.document_id} is not whole or has no keys")
        data = _to_data(recording)
        entry = {"format": _FORMAT, "engine": self._engine, "digest": _digest(data), "data": data}
        content = json.dumps(entry, ensure_ascii=False)
        self._directory.mkdir(parents=True, exist_ok=True)
        with FileLock(self._directory / ".lock", timeout=_LOCK_SECONDS):
            ignore = self._directory / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            path = self._path(session.document_id, links)
            replace_file(path, content.encode("utf-8", "surrogatepass"))
            self._prune(keep=path)

    def is_known_fresh(self, committed: Recording, verified: Recording, rules: str) -> bool:
        """Whether `remember_fresh` was told of exactly these two: a comparison made once need not be made again."""
        return self._fresh_path(committed, verified, rules).exists()

    def remember_fresh(self, committed: Recording, verified: Recording, rules: str) -> None:
        """Keep that a comparison of these two recordings by these rules (a hash of them) found nothing."""
        path = self._fresh_path(committed, verified, rules)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, b"{}")

    def _fresh_path(self, committed: Recording, verified: Recording, rules: str) -> Path:
        pair = _digest([rules, _to_data(committed), _to_data(verified)])[:40]
        return self._directory / quote(committed.document_id, safe="") / f"fresh-{pair}.json"

    def _path(self, document_id: str, links: Iterable[str]) -> Path:
        name = hashlib.sha256("\n".join(sorted(set(links))).encode()).hexdigest()[:40]
        return self._directory / quote(document_id, safe="") / f"{name}.json"

    def _entries(self, document_id: str) -> list[Path]:
        entries = (self._directory / quote(document_id, safe="")).glob("*.json")
        return sorted(path for path in entries if not path.name.startswith("fresh-"))

    def _read(self, path: Path) -> Recording | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note(f"the cache entry {path.name} cannot be read ({error.strerror}); it is ignored")
            return None
        try:
            entry = json.loads(content.decode("utf-8", "surrogatepass"))
            if entry["format"] != _FORMAT or entry.get("engine", "") != self._engine:
                return None
            if entry["digest"] == _digest(entry["data"]):
                return _from_data(entry["data"])
            reason = "its digest is wrong"
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
        self._note(f"the cache entry {path.name} is damaged ({reason}); it is ignored")
        return None

    def _prune(self, keep: Path) -> None:
        """Remove what is old, then what is too much, the least recently used first."""
        found: list[tuple[float, int, Path]] = []
        for path in self._directory.glob("*/*.json"):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        found.sort(reverse=True)
        total = 0
        per_document: dict[Path, int] = {}
        oldest = time.time() - self._max_age
        for used, size, path in found:
            total += size
            per_document[path.parent] = per_document.get(path.parent, 0) + 1
            too_much = total > self._max_bytes or per_document[path.parent] > self._max_per_document
            if path != keep and (used < oldest or too_much):
                path.unlink(missing_ok=True)


def _select(session: Session, keys: Mapping[StepKey, str], entry: Recording) -> tuple[Recording, int]:
    """The beginning of the session whose links are in the entry, under the session's own names, and its length."""
    records = {record.key: record for block in entry.blocks for record in block.commands}
    snapshots = {snapshot.key: snapshot for snapshot in entry.snapshots}
    blocks: dict[str, list[CommandRecord]] = {}
    taken: list[Snapshot] = []
    done = 0
    for step in session.steps:
        if isinstance(step, RunStep):
            record = records.get(keys[step.block_id, step.index])
            if record is None:
                break
            blocks.setdefault(step.block_id, []).append(record)
            done += 1
        elif isinstance(step, SnapshotStep):
            snapshot = snapshots.get(keys[step.id])
            if snapshot is None:
                break
            taken.append(dataclasses.replace(snapshot, id=step.id))
            done += 1
    recording = Recording(
        document_id=session.document_id,
        provenance=entry.provenance,
        blocks=tuple(BlockRecord(name, tuple(commands)) for name, commands in blocks.items()),
        snapshots=tuple(taken),
        content=content_digest(session) if done == len(keys) else "",
    )
    return recording, done


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _to_data(recording: Recording) -> dict[str, Any]:
    provenance = recording.provenance
    return {
        "document": recording.document_id,
        "content": recording.content,
        "verified": provenance.verified.isoformat(),
        "provider": provenance.provider,
        "simulated": provenance.simulated,
        "versions": dict(provenance.versions),
        "layer": [provenance.layer.name, list(provenance.layer.commands)] if provenance.layer else None,
        "blocks": [
            [block.id, [[c.command, c.output, c.exit_code, c.key, c.seconds] for c in block.commands]]
            for block in recording.blocks
        ],
        "snapshots": [[s.id, s.key, plain(s.objects)] for s in recording.snapshots],
    }


def _from_data(data: Mapping[str, Any]) -> Recording:
    return Recording(
        document_id=data["document"],
        provenance=Provenance(
            verified=dt.datetime.fromisoformat(data["verified"]),
            provider=data["provider"],
            simulated=data["simulated"],
            versions=data["versions"],
            layer=_layer(data.get("layer")),
        ),
        blocks=tuple(BlockRecord(name, tuple(_commands(commands))) for name, commands in data["blocks"]),
        snapshots=tuple(Snapshot(name, tuple(objects), key) for name, key, objects in data["snapshots"]),
        content=data["content"],
    )


def _layer(data: list[Any] | None) -> Layer | None:
    return Layer(data[0], tuple(data[1])) if data else None


def _commands(rows: Iterable[list[Any]]) -> Iterator[CommandRecord]:
    for command, output, exit_code, key, seconds in rows:
        yield CommandRecord(command, output, exit_code, key, seconds)
