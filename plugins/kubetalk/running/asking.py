"""What the engine itself asks the cluster beside the session's commands: the Secrets, and what Helm keeps in them.

The session's shell is not used for it: an alias, another context or a readonly variable must not make a difference,
and the author's home folder must not show that somebody asked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_TIMEOUT: Final = 15.0


class Cluster:
    """The sandbox's kubectl with a kubeconfig of its own, a copy of what the session began with."""

    def __init__(self, environment: Mapping[str, str], private: Path) -> None:
        """``private`` is a folder that the session does not know."""
        self._kubectl = shutil.which("kubectl", path=environment.get("PATH", ""))
        self._folder = private
        kubeconfig = private / "kubeconfig"
        self._environment = {**environment, "HOME": str(private), "KUBECONFIG": str(kubeconfig)}
        try:
            kubeconfig.touch(mode=0o600)
            kubeconfig.write_bytes(Path(environment.get("KUBECONFIG", "")).read_bytes())
        except OSError:
            self._kubectl = None

    def secrets(self) -> Sequence[Mapping[str, Any]] | None:
        """All Secrets as the API returns them; None if it does not."""
        if self._kubectl is None:
            return None
        try:
            # By its path: to find out first what the server calls its resources costs more than the question.
            done = subprocess.run(
                [self._kubectl, "get", "--raw", "/api/v1/secrets"],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
            items = json.loads(done.stdout)["items"] if done.returncode == 0 else None
        except (OSError, subprocess.TimeoutExpired, ValueError, TypeError, KeyError):
            return None
        return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else None
