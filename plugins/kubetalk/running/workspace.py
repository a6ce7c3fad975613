"""A session's working directory: a fresh copy of the document's files, and its blocks' files; nothing outside."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kubetalk.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubetalk.model import FileStep, SourceFile


class Workspace:
    """Two folders below ``root``, made anew: ``work`` is the shell's working directory, ``shell`` the engine's own."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.work = root / "work"
        self.private = root / "shell"
        for folder in (self.work, self.private):
            if folder.is_symlink():
                folder.unlink()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    def fill(self, files: Iterable[SourceFile]) -> None:
        """Copy the document's files.

        Raises RunError if one is gone or is no longer what was read: the recording would claim what did not run.
        """
        for file in files:
            try:
                content = file.source_path.read_bytes()
            except OSError as error:
                raise RunError(f"{file.path} cannot be read: {error.strerror}", where=file.source_path) from error
            if file.digest and hashlib.sha256(content).hexdigest() != file.digest:
                raise RunError(f"{file.path} was changed during the build", where=file.path, remedy="Build again")
            write_inside(self.work, file.path, content, executable=file.executable)

    def write(self, step: FileStep) -> None:
        """Write a block's file.

        Raises RunError if its path leads out of the working directory.
        """
        try:
            write_inside(self.work, step.path, step.content.encode())
        except (OSError, RunError) as error:
            reason = error.message if isinstance(error, RunError) else error.strerror
            raise RunError(
                f"{step.path} cannot be written: {reason}",
                where=step.location,
                remedy="Name a file inside the working directory",
            ) from error


def write_inside(root: Path, path: str, content: bytes, *, executable: bool = False) -> None:
    """Write a file below ``root`` without following a link, whatever the commands before have made there.

    The new file takes the place of an old one by renaming, so that no hard link to somewhere else is written through.
    Raises RunError for a path that leads outside, OSError for what the file system refuses.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise RunError("it lies outside of the working directory", where=path)
    with contextlib.ExitStack() as opened:
        folder = _open_folder(str(root), None, opened)
        for part in parts[:-1]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
            try:
                folder = _open_folder(part, folder, opened)
            except OSError as error:
                raise RunError(f"{part} is no folder of the working directory", where=path) from error
        temporary = f".{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o755 if executable else 0o644, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        try:
            os.replace(temporary, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            raise


def _open_folder(name: str, parent: int | None, opened: contextlib.ExitStack) -> int:
    no_follow = os.O_NOFOLLOW if parent is not None else 0
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | no_follow, dir_fd=parent)
    opened.callback(os.close, descriptor)
    return descriptor
