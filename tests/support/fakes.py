"""A provider without a cluster: its kubectl is a shell script, so that whole builds and checks run in a second."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, SandboxFacts, SandboxRequest

FACTS = SandboxFacts("embedded", simulated=True, versions={"kubernetes": "v1.36.4"}, fingerprint="fake")
KUBECTL = '#!/bin/sh\necho "kubectl $*"\n'


class FakeSandbox:
    """A folder that plays a cluster; checkpoints copy it."""

    def __init__(self, directory: Path, kubectl: str) -> None:
        self.directory = directory
        self.home = directory / "home"
        (directory / "bin").mkdir(parents=True)
        self.home.mkdir()
        program = directory / "bin/kubectl"
        program.write_text(kubectl, encoding="utf-8")
        program.chmod(0o755)
        self.facts = FACTS
        self.environment: Mapping[str, str] = {
            "PATH": f"{directory / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.home),
            "KUBECONFIG": str(directory / "kubeconfig"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "COLUMNS": "120",
        }
        self.found: tuple[Mapping[str, Any], ...] = ()
        self.is_dead = False
        self.is_closed = False

    def check(self) -> None:
        if self.is_dead:
            raise SandboxError("the sandbox failed: kube-apiserver ended")

    def objects(self) -> tuple[Mapping[str, Any], ...]:
        return self.found

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def checkpoint(self, name: str) -> None:
        shutil.copytree(self.home, self.directory / "saved" / name, dirs_exist_ok=True)

    def restore(self, name: str) -> None:
        self.check()
        shutil.rmtree(self.home)
        shutil.copytree(self.directory / "saved" / name, self.home)

    def forget(self, name: str) -> None:
        shutil.rmtree(self.directory / "saved" / name)

    def close(self) -> None:
        self.is_closed = True
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FakeProvider:
    """Makes `FakeSandbox`es and remembers them."""

    def __init__(self, kubectl: str = KUBECTL) -> None:
        self.kubectl = kubectl
        self.reason = ""
        """What `unavailable` says."""
        self.facts_now = FACTS
        self.sandboxes: list[FakeSandbox] = []
        self.prepare: Callable[[FakeSandbox], None] = lambda _: None
        """Called with each sandbox before it is handed out."""
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def unavailable(self, request: SandboxRequest) -> str:  # noqa: ARG002
        return self.reason

    def facts(self, request: SandboxRequest) -> SandboxFacts:  # noqa: ARG002
        return self.facts_now

    def start(self, request: SandboxRequest, directory: Path, progress: Progress) -> FakeSandbox:  # noqa: ARG002
        with self._lock:
            sandbox = FakeSandbox(directory / f"fake{next(self._numbers)}", self.kubectl)
            sandbox.facts = self.facts_now
            self.sandboxes.append(sandbox)
        self.prepare(sandbox)
        return sandbox

    @property
    def all_closed(self) -> bool:
        """Whether nothing of them is left."""
        return all(sandbox.is_closed and not sandbox.directory.exists() for sandbox in self.sandboxes)
