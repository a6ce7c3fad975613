"""A sandbox without a cluster: its tools are tiny shell scripts, so that what is tested is the engine."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import (
    BlockOptions,
    Command,
    Location,
    RunStep,
    SandboxFacts,
    SandboxRequest,
    Session,
    SessionResult,
    SourceFile,
    Step,
)
from kubetalk.running import run_session

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)

# A cluster that is a folder: what is created can be listed, and `get` says NotFound until then.
KUBECTL = """#!/bin/sh
state=@STATE@
mkdir -p "$state"
case "$1" in
create) touch "$state/$3"; echo "$2/$3 created" ;;
delete) rm -f "$state/$3"; echo "$2/$3 deleted" ;;
get)
    if [ "$2" = pods ] && [ "$3" = --watch ]; then
        n=0; while :; do echo "pod $n"; n=$((n + 1)); sleep 0.05; done
    elif [ -z "$3" ]; then
        ls "$state"
    elif [ -e "$state/$3" ]; then
        echo "$3"
    else
        echo "Error from server (NotFound): $2 \\"$3\\" not found" >&2; exit 1
    fi ;;
*) echo "kubectl $*" ;;
esac
"""


class FakeSandbox:
    """What `running` needs of a sandbox."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tools = directory / "bin"
        self.tools.mkdir(parents=True)
        self.home = directory / "home"
        self.home.mkdir()
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text("apiVersion: v1\nkind: Config\nusers: []\n", encoding="utf-8")
        self.cluster = directory / "cluster"
        self.cluster.mkdir()
        self.tool("kubectl", KUBECTL.replace("@STATE@", str(self.cluster)))
        self.found: tuple[Mapping[str, Any], ...] = ()
        self.held = directory / "secrets"
        """A file with the list of Secrets, which the tools may change."""
        self.asked = 0
        """How often the engine itself asked for the Secrets."""
        self.calls: list[str] = []
        self.is_dead = False
        self.is_silent = False
        """It does not say what its Secrets are."""
        self.facts = SandboxFacts(
            provider="embedded", simulated=True, versions={"kubernetes": "v1.36.4"}, fingerprint="f1"
        )
        self.environment: Mapping[str, str] = {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "COLUMNS": "120",
        }

    def tool(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def check(self) -> None:
        if self.is_dead:
            raise SandboxError("the sandbox failed: etcd ended")

    def objects(self) -> tuple[Mapping[str, Any], ...]:
        return self.found

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        self.asked += 1
        if self.is_silent:
            raise SandboxError("the API server refuses GET /api/v1/secrets: forbidden")
        return list(json.loads(self.held.read_text(encoding="utf-8"))["items"]) if self.held.exists() else []

    def checkpoint(self, name: str) -> None:
        self.calls.append(f"checkpoint {name}")
        for kept in (self.cluster, self.home):
            shutil.copytree(kept, self.directory / "saved" / name / kept.name, dirs_exist_ok=True)

    def restore(self, name: str) -> None:
        self.calls.append(f"restore {name}")
        for kept in (self.cluster, self.home):
            shutil.rmtree(kept)
            shutil.copytree(self.directory / "saved" / name / kept.name, kept)

    def forget(self, name: str) -> None:
        self.calls.append(f"forget {name}")
        shutil.rmtree(self.directory / "saved" / name)

    def close(self) -> None:
        self.calls.append("close")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def run_step(source: str, block: str = "b", index: int = 0, line: int = 10, **options: Any) -> RunStep:
    return RunStep(
        block_id=block,
        index=index,
        command=Command(source=source, shown=(f"$ {source}",), location=Location("docs/talks/t/en.md", line)),
        options=BlockOptions(**options),
    )


def session_of(*steps: Step | str, files: Sequence[SourceFile] = ()) -> Session:
    """A session; plain texts are commands of one block."""
    made: list[Step] = []
    for step in steps:
        if isinstance(step, str):
            count = sum(isinstance(earlier, RunStep) and earlier.block_id == "b" for earlier in made)
            made.append(run_step(step, index=count, line=10 + len(made)))
        else:
            made.append(step)
    return Session("talk", SandboxRequest(), tuple(made), tuple(files))


def prune(objects: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(objects)


Runner = Callable[..., SessionResult]


@pytest.fixture
def sandbox(tmp_path: Path) -> FakeSandbox:
    return FakeSandbox(tmp_path / "sandbox")


@pytest.fixture
def run(sandbox: FakeSandbox, tmp_path: Path) -> Runner:
    """Runs commands (texts) or steps and gives the result."""

    def runner(*steps: Step | str, files: Sequence[SourceFile] = (), **arguments: Any) -> SessionResult:
        arguments.setdefault("progress", lambda _: None)
        return run_session(
            session_of(*steps, files=files),
            sandbox,
            workspace=tmp_path / "w",
            prune=prune,
            now=lambda: NOW,
            **arguments,
        )

    return runner


def outputs(result: SessionResult) -> list[str]:
    return [record.output for block in result.recording.blocks for record in block.commands]


def with_options(step: RunStep, **options: Any) -> RunStep:
    return replace(step, options=replace(step.options, **options))
