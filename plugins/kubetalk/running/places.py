"""What a session's output must not tell of the machine it ran on: temporary folders, home, user, host.

The folders get names that say what they are (``/sandbox/work``, ``/sandbox/home``): a constant that no run varies, that
points at nobody's computer, and under which relative paths go on being right. A user or host name that the author's
own commands or files mention is no secret and stays, as do names that everybody has (``root``).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

SANDBOX: Final = "/sandbox"
WORK: Final = "/sandbox/work"
HOME: Final = "/sandbox/home"
TOOLS: Final = "/sandbox/bin"
KUBECONFIG: Final = "/sandbox/kubeconfig"

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/opt/homebrew", "/nix", "/etc", "/run", "/snap")
_DEPTH: Final = 4
_EVERYBODY: Final = frozenset({
    "root", "user", "users", "admin", "nobody", "daemon", "runner", "ubuntu", "debian", "default", "node", "app",
    "test", "localhost", "build", "builder", "docker", "kubernetes", "kube", "web", "dev", "www-data",
    "host", "home", "guest",
})  # fmt: skip


class Places:
    """The replacements of one session."""

    def __init__(self, workspace: Path, work: Path, environment: Mapping[str, str], mentioned: Iterable[str]) -> None:
        """``mentioned``: everything the author wrote, so that names in it are known to be public."""
        texts = "\n".join(mentioned)
        paths: dict[str, str] = {}
        _add(paths, work, WORK)
        if home := environment.get("HOME"):
            _add(paths, home, HOME)
            # The sandbox's own folder; never a folder of everybody's such as /home or /tmp.
            if len(Path(home).parts) > _DEPTH:
                _add(paths, Path(home).parent, SANDBOX)
        if kubeconfig := environment.get("KUBECONFIG"):
            _add(paths, kubeconfig, KUBECONFIG)
        for tools in environment.get("PATH", "").split(os.pathsep):
            if tools and not tools.startswith(_SYSTEM):
                _add(paths, tools, TOOLS)
        if temporary := environment.get("TMPDIR"):
            _add(paths, temporary, "/tmp")  # noqa: S108  a name to show, nothing is written there
        _add(paths, workspace, SANDBOX)
        with contextlib.suppress(RuntimeError):
            _add(paths, Path.home(), "/home/user")
        self._paths = {path: shown for path, shown in paths.items() if len(path) > 1 and path not in _SYSTEM}
        names = {name: shown for name, shown in _host_names().items() if _tells(name, texts)}
        alternatives = [
            *(rf"{re.escape(path)}(?![\w.-])" for path in sorted(self._paths, key=len, reverse=True)),
            *(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in sorted(names, key=len, reverse=True)),
            # Kubernetes' programs write the host's name, whatever it is, behind theirs (client-go, events.NewRecorder)
            # and before the UUID of a Lease's holder (leaderelection).
            *(
                rf"(?<=default-scheduler-){host}(?![\w-])|(?<![\w-]){host}(?=_[0-9a-f]{{8}}-[0-9a-f]{{4}}-)"
                for host in map(re.escape, sorted(_hosts(), key=len, reverse=True))
            ),
        ]
        self._expression = re.compile("|".join(alternatives)) if alternatives else None
        self._shown = {**dict.fromkeys(_hosts(), "host"), **names, **self._paths}

    def hide(self, text: str) -> str:
        """The text with the machine's own names replaced, the same ones always by the same."""
        if self._expression is None:
            return text
        return self._expression.sub(lambda match: self._shown[match[0]], text)


def _add(paths: dict[str, str], path: str | Path, shown: str) -> None:
    """Both spellings of a path: as given, and with links resolved (macOS: /var is /private/var)."""
    for spelling in (str(path).rstrip("/"), os.path.realpath(path)):
        if spelling.startswith("/"):
            paths.setdefault(spelling, shown)


def _hosts() -> set[str]:
    return {socket.gethostname(), socket.gethostname().split(".")[0]} - {""}


def _host_names() -> dict[str, str]:
    names = dict.fromkeys(_hosts(), "host")
    with contextlib.suppress(OSError, KeyError):
        names[getpass.getuser()] = "user"
    return names


def _tells(name: str, texts: str) -> bool:
    if len(name) < 3 or name.lower() in _EVERYBODY:
        return False
    return not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", texts)
