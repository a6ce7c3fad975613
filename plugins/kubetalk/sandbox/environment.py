"""The whole environment of a session: the sandbox's tools, an allow-list of the system's, no host variables."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from kubetalk.errors import SandboxError

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

# kubectl edit would start vi and wait for a person; this one says what to do instead.
_EDITOR = """#!/bin/sh
echo "there is no editor here: set KUBE_EDITOR to a command that edits, such as KUBE_EDITOR='sed -i s/old/new/'" >&2
exit 1
"""


def make_tools(folder: Path, path: str | None = None) -> Path:
    """Fills a new folder with links to the system's basic tools, so that nothing else of the host can be reached.

    A tool that the system does not have is left out. ``path`` is where to look after the system's own folders (PATH).

    Raises SandboxError if even a shell is missing.
    """
    folder.mkdir(mode=0o700)
    search = os.pathsep.join([*_SYSTEM_FOLDERS, os.environ.get("PATH", os.defpath) if path is None else path])
    for tool in _TOOLS:
        if found := shutil.which(tool, path=search):
            (folder / tool).symlink_to(found)
    if missing := [tool for tool in _REQUIRED if not (folder / tool).is_symlink()]:
        raise SandboxError(f"this system has no {' and no '.join(missing)}", remedy="Install what is missing")
    editor = folder / "kubetalk-no-editor"
    editor.write_text(_EDITOR, encoding="utf-8")
    editor.chmod(0o700)
    return folder


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
        "KUBE_EDITOR": str(folders[-1] / "kubetalk-no-editor"),
    }
