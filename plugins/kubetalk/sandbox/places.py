"""Where the room keeps things on this machine: the user's cache, and a short private directory per sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kubetalk.errors import SandboxError

# A Unix socket's path may have 107 bytes; what the sandbox puts below its directory needs this many at most.
_LONGEST_DIRECTORY = 60
_MARKER = ".kubetalk-run"
KEPT_LOGS = 10


def cache_dir() -> Path:
    """The user's cache for kubetalk, made with mode 0700 when it is missing.

    ``$XDG_CACHE_HOME/kubetalk``, else ``~/.cache/kubetalk``; where neither can be written (a service user without a
    home), a directory of that user's own below the system's temporary directory.

    Raises SandboxError if there is no such place.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    candidates = [(configured if configured.is_absolute() else _home() / ".cache") / "kubetalk"]
    candidates.append(Path(tempfile.gettempdir()) / f"kubetalk-cache-{os.getuid()}")
    for candidate in candidates:
        try:
            candidate.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        # Somebody else's directory under a guessable name in /tmp would let them swap the binary.
        if candidate.stat().st_uid == os.getuid() and os.access(candidate, os.W_OK):
            return candidate
    raise SandboxError(
        f"no place for the sandbox's files: {candidates[0]} cannot be written",
        remedy="Set XDG_CACHE_HOME to a folder of yours",
    )


@dataclass(slots=True)
class RunDirectory:
    """The files of one sandbox: private, short, and known to `prune_dead` should this process be killed."""

    path: Path
    _entry: Path
    _lock: FileLock
    _kept_logs: Path | None = None

    @classmethod
    def create(cls, below: Path) -> RunDirectory:
        """A new directory with mode 0700 below ``below``, or below the temporary directory when that path is too long.

        Raises SandboxError when it cannot be made.
        """
        try:
            below.mkdir(mode=0o700, parents=True, exist_ok=True)
            parent = below.resolve()
            if len(os.fsencode(parent)) > _LONGEST_DIRECTORY - len("/kt-xxxxxxxx/box"):
                parent = _short_temporary_directory()
            path = parent / f"kt-{secrets.token_hex(4)}"
            registry = cache_dir() / "runs"
            registry.mkdir(mode=0o700, exist_ok=True)
            entry = registry / f"{path.name}.json"
            lock = FileLock(entry.with_suffix(".lock"), mode=0o600, thread_local=False)
            lock.acquire(timeout=10)
            run = cls(path, entry, lock)
            # First, so that a kill right after it leaves nothing that nobody knows of.
            run.register(0)
            path.mkdir(mode=0o700)
            (path / _MARKER).touch(mode=0o600)
        except (OSError, Timeout) as error:
            raise SandboxError(f"the sandbox's directory cannot be made below {below}: {error}") from error
        return run

    def register(self, pid: int) -> None:
        """Writes down which process works in the directory."""
        fresh = self._entry.with_suffix(".new")
        fresh.write_text(json.dumps({"directory": str(self.path), "pid": pid}), encoding="utf-8")
        fresh.replace(self._entry)

    def keep_logs(self, logs: Path) -> Path | None:
        """Copies a folder of logs to the cache, where those of `KEPT_LOGS` sandboxes stay.

        Only the first time: one failure, asked about again and again, must not push out those of others. Returns where
        they are, None if there is nothing to keep. Raises OSError.
        """
        if self._kept_logs:
            return self._kept_logs
        if not logs.is_dir() or not any(logs.iterdir()):
            return None
        kept = cache_dir() / "logs"
        kept.mkdir(mode=0o700, exist_ok=True)
        target = kept / f"{time.strftime('%Y%m%d-%H%M%S')}-{self.path.name}"
        shutil.copytree(logs, target, dirs_exist_ok=True)
        self._kept_logs = target
        for old in sorted(path for path in kept.iterdir() if path.is_dir())[:-KEPT_LOGS]:
            shutil.rmtree(old, ignore_errors=True)
        return target

    def remove(self) -> None:
        """Removes every file; safe to call twice."""
        _remove_tree(self.path)
        self._entry.unlink(missing_ok=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def prune_dead() -> tuple[Path, ...]:
    """Removes the directories of sandboxes and builds whose owner was killed, and returns them."""
    removed = _prune()
    # The folder of a build may have come before that of the sandbox in it.
    return removed + _prune() if removed else ()


def _prune() -> tuple[Path, ...]:
    registry = cache_dir() / "runs"
    removed = []
    for name in sorted({path.stem for path in registry.iterdir()} if registry.is_dir() else ()):
        entry = registry / f"{name}.json"
        lock = FileLock(entry.with_suffix(".lock"), mode=0o600, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            continue
        try:
            told = json.loads(entry.read_text(encoding="utf-8"))
            directory, pid = Path(told["directory"]), int(told["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            directory, pid = Path(), 0
        # Its processes go by themselves within seconds; files are never taken from under a running etcd.
        # A folder with another one in it goes after that: its own entry knows whether something runs there.
        if not (pid and is_alive(pid)) and not _holds_another(directory, registry):
            if directory.name.startswith("kt-") and _is_ours(directory):
                _remove_tree(directory)
                removed.append(directory)
            for path in (entry, entry.with_suffix(".new"), Path(lock.lock_file)):
                path.unlink(missing_ok=True)
        lock.release()
    return tuple(removed)


def is_alive(pid: int) -> bool:
    """True while a process with that id exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state not in {"Z", "X"}
    return True


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def _short_temporary_directory() -> Path:
    temporary = Path(tempfile.gettempdir()).resolve()
    if len(os.fsencode(temporary)) <= _LONGEST_DIRECTORY - len("/kt-xxxxxxxx/box"):
        return temporary
    return Path("/tmp")  # noqa: S108  mkdtemp makes a private directory in it


def _is_ours(directory: Path) -> bool:
    try:
        status = directory.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        return False
    # Empty when its owner was killed before it could write the marker; nothing is lost with it then.
    return (directory / _MARKER).is_file() or not any(directory.iterdir())


def _holds_another(directory: Path, registry: Path) -> bool:
    """Whether a registered directory lies below it; a folder of a build holds its sandbox's."""
    if not directory.name.startswith("kt-"):
        return False
    inner = {path.name for path in (*directory.glob("kt-*"), *directory.glob("*/kt-*"))}
    return any((registry / f"{name}.json").exists() for name in inner)


def _remove_tree(directory: Path) -> None:
    # A part that is about to end may still write; what comes up after the first pass goes with the second.
    for _ in range(3):
        with contextlib.suppress(OSError):
            # The marker goes last: a directory without it would be nobody's if this process is killed half-way.
            for path in sorted(directory.iterdir(), key=lambda path: path.name == _MARKER):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            directory.rmdir()
        if not directory.exists():
            return
