"""The whole environment of a session: the sandbox's tools, an allow-list of the system's, no host variables."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from filelock import FileLock

from kubetalk.errors import SandboxError
from kubetalk.sandbox.places import cache_dir

# Where a system keeps its tools, before anything somebody put in front of them on PATH.
_SYSTEM_FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin")

_REQUIRED = ("bash", "cat", "env", "grep", "sed", "sh")
_TOOLS = (
    # GNU coreutils: everything that reads, writes and shapes text and files
    *("[", "arch", "b2sum", "base32", "base64", "basename", "basenc", "cat", "chmod", "cksum", "comm", "cp", "csplit"),
    *("cut", "date", "dd", "df", "dirname", "du", "echo", "env", "expand", "expr", "factor", "false", "fmt", "fold"),
    *("head", "id", "install", "join", "link", "ln", "ls", "md5sum", "mkdir", "mkfifo", "mktemp", "mv", "nl", "nproc"),
    *("numfmt", "od", "paste", "pathchk", "pr", "printenv", "printf", "pwd", "readlink", "realpath", "rm", "rmdir"),
    *("seq", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shred", "shuf", "sleep", "sort", "split"),
    *("stat", "stdbuf", "stty", "sum", "sync", "tac", "tail", "tee", "test", "timeout", "touch", "tr", "true"),
    *("truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink", "wc", "whoami", "yes"),
    # what shell one-liners are made of beside them
    *("awk", "bash", "clear", "cmp", "column", "curl", "diff", "diff3", "egrep", "envsubst", "fgrep", "file", "find"),
    *("gawk", "getopt", "grep", "gunzip", "gzip", "hexdump", "hostname", "jq", "kill", "less", "mawk", "more"),
    *(
        "openssl",
        "patch",
        "pgrep",
        "ps",
        "rev",
        "script",
        "sed",
        "sh",
        "strings",
        "tar",
        "tput",
        "tree",
        "unzip",
        "watch",
    ),
    *("which", "xargs", "xxd", "xz", "yq", "zcat", "zip"),
)

TOOLS_FOLDER = "tools"
"""Where the links to them are, in the user's cache."""

_EDITOR_NAME = "kubetalk-no-editor"
# kubectl edit would start vi and wait for a person; this one says what to do instead.
_EDITOR = """#!/bin/sh
echo "there is no editor here: set KUBE_EDITOR to a command that edits, such as KUBE_EDITOR='sed -i s/old/new/'" >&2
exit 1
"""


def make_tools(folder: Path, path: str | None = None) -> Path:
    """Makes ``folder`` lead to the system's basic tools, so that nothing else of the host can be reached.

    A tool that the system does not have is left out. ``path`` is where to look after the system's own folders (PATH).

    Raises SandboxError if even a shell is missing, or if there is no place for them.
    """
    links = _links(os.environ.get("PATH", os.defpath) if path is None else path)
    if missing := [tool for tool in _REQUIRED if tool not in links]:
        raise SandboxError(f"this system has no {' and no '.join(missing)}", remedy="Install what is missing")
    try:
        folder.symlink_to(_shared(links))
    except OSError as error:
        raise SandboxError(f"the links to this system's tools cannot be made: {error}") from error
    return folder


def _links(path: str) -> dict[str, str]:
    """Where each tool is. A relative folder of PATH is none: a link would lead from where the link is."""
    places = [*_SYSTEM_FOLDERS, *filter(os.path.isabs, path.split(os.pathsep))]
    # To look for each of these in each folder takes ten times as long as to read what the folders hold.
    held = cache(_names)
    links = {}
    for tool in _TOOLS:
        found = (shutil.which(tool, path=place) for place in places if tool in held(place))
        if first := next(filter(None, found), None):
            links[tool] = first
    return links


def _names(folder: str) -> frozenset[str]:
    """What may be in that folder."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except PermissionError:  # who may not read it may still run what it holds
        return frozenset(_TOOLS)
    except OSError:  # PATH may name what is not there
        return frozenset()


def _shared(links: Mapping[str, str]) -> Path:
    """The folder with those links, one for all sandboxes: to make a hundred files can take longer than all else.

    On ext4 it takes over a millisecond each where many were removed a moment ago, as after other sandboxes
    (fs/ext4/ialloc.c, `recently_deleted`). Whoever finds the folder otherwise than it was made makes it anew.

    Raises OSError and SandboxError.
    """
    told = "".join(f"{tool} {links[tool]}\n" for tool in sorted(links)) + _EDITOR
    shared = cache_dir() / TOOLS_FOLDER / hashlib.sha256(told.encode()).hexdigest()
    if not _is_whole(shared, links):
        shared.parent.mkdir(mode=0o700, exist_ok=True)
        # Nobody may take away what another one has just made, and perhaps uses.
        with FileLock(shared.parent.with_suffix(".lock"), mode=0o600):
            if not _is_whole(shared, links):
                _make(shared, links)
    os.utime(shared)  # it is in use: `prune` leaves it alone
    return shared


def _make(shared: Path, links: Mapping[str, str]) -> None:
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=shared.parent))
    try:
        for tool, target in links.items():
            (fresh / tool).symlink_to(target)
        editor = fresh / _EDITOR_NAME
        editor.write_text(_EDITOR, encoding="utf-8")
        editor.chmod(0o700)
        shutil.rmtree(shared, ignore_errors=True)
        fresh.rename(shared)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _is_whole(shared: Path, links: Mapping[str, str]) -> bool:
    try:
        editor = (shared / _EDITOR_NAME).read_text(encoding="utf-8")
        held = {path.name: str(path.readlink()) for path in shared.iterdir() if path.name != _EDITOR_NAME}
    except OSError:
        return False
    return editor == _EDITOR and held == links


def session_environment(
    *, folders: tuple[Path, ...], home: Path, kubeconfig: Path, more: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """The exact environment of a session; ``folders`` become its PATH, the tools' folder (see `make_tools`) last."""
    return {
        **(more or {}),
        "PATH": os.pathsep.join(str(folder) for folder in folders),
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "PAGER": "cat",
        "KUBE_EDITOR": str(folders[-1] / _EDITOR_NAME),
    }
