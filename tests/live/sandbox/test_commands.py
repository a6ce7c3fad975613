"""`kubetalk sandbox up`, `shell`, `checkpoint`, `restore`, `down` with the real thing."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox import commands, upkeep
from kubetalk.sandbox.keeper import state_file
from tests.support.projects import eventually, programs_of

from .conftest import quiet

SHELL = (
    "import sys; from kubetalk.model import *; from kubetalk.sandbox.shell import shell; "
    "settings = ProviderSettings(binaries=sys.argv[1]); "
    "sys.exit(shell(settings, SandboxRequest(), 'default', str, sys.argv[2]))"
)


@pytest.fixture
def kept(settings: ProviderSettings) -> Iterator[str]:
    commands.up(settings, SandboxRequest(), "default", quiet)
    yield "default"
    for path in state_file("default").parent.glob("*.json"):
        commands.down(path.stem)


def shell(binaries: Path, command: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", SHELL, str(binaries), command]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)


def test_a_sandbox_that_stays(kept: str, binaries: Path) -> None:
    assert shell(binaries, "kubectl create ns shop").returncode == 0
    commands.checkpoint(kept, "with-shop")
    assert shell(binaries, "kubectl delete ns shop").returncode == 0
    commands.restore(kept, "with-shop")
    done = shell(binaries, "kubectl get ns shop -o name; helm version --short; exit 5")
    assert done.returncode == 5
    assert done.stdout.startswith("namespace/shop\nv4.")
    (found,) = commands.status()
    assert found.checkpoints == ("with-shop",)
    assert len(found.parts) >= 6
    assert "kube-apiserver" in {log.part for log in commands.logs(kept)}


def test_down_leaves_nothing(kept: str, binaries: Path) -> None:
    directory = Path(json.loads(state_file(kept).read_text(encoding="utf-8"))["directory"])
    commands.down(kept)
    assert programs_of(binaries) == {}
    assert not directory.exists()


def test_a_killed_keeper_takes_everything_with_it(kept: str, binaries: Path) -> None:
    state = json.loads(state_file(kept).read_text(encoding="utf-8"))
    os.kill(state["pid"], signal.SIGKILL)
    # Within 3 s, says test_kills.py, which kills at every moment; here it counts what is left in the end.
    eventually(lambda: not programs_of(binaries), 60, "left after the keeper was killed")
    upkeep.prune()
    assert not Path(state["directory"]).exists()


def test_a_shell_of_its_own(binaries: Path) -> None:
    done = shell(binaries, "kubectl create deployment web --image=nginx --replicas=3 && kubectl get nodes -o wide")
    assert "deployment.apps/web created" in done.stdout
    assert "sandbox-control-plane" in done.stdout
    assert programs_of(binaries) == {}


def read_until(terminal: int, word: bytes) -> bytes:
    """What the terminal shows, up to a word that must come."""
    seen = b""
    deadline = time.monotonic() + 60
    while word not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 4096)
    return seen


def test_the_tab_key_completes_verbs_and_objects(kept: str, binaries: Path) -> None:
    assert kept
    code = SHELL.replace(", sys.argv[2]", "")
    outer, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    arguments = [sys.executable, "-c", code, str(binaries)]
    process = subprocess.Popen(arguments, stdin=inner, stdout=inner, stderr=inner, env=environment)
    os.close(inner)
    read_until(outer, b"(kubetalk sandbox default v1.")
    for typed, completed in (
        (b"kubectl get namesp\t", b"namespaces "),
        (b"kube-pu\t", b"kube-public "),
        (b"\n", b"Active"),
    ):
        os.write(outer, typed)
        read_until(outer, completed)
    # The alias, as most people type it.
    os.write(outer, b"k get namespaces kube-no\t")
    read_until(outer, b"de-lease ")
    os.write(outer, b"\nhelm vers\t")
    read_until(outer, b"version ")
    os.write(outer, b"\nexit 4\n")
    read_until(outer, b"BuildInfo")
    while True:
        try:
            if not os.read(outer, 4096):
                break
        except OSError:
            break
    os.close(outer)
    assert process.wait(30) == 4
