"""`kill -9` of a build at twenty moments: in every phase of a sandbox's life, and a random while later."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider
from tests.support.projects import programs_of

from .conftest import out, quiet

SEED = 20261123
KILLS = 20
LONGEST_WHILE = 0.4
SIDE_BY_SIDE = 3
# The promise is 3 s (plugins/sandbox/PROTOCOL.md). On a machine that other tests keep busy one may take longer.
USUAL_SECONDS, LONGEST_SECONDS = 3.0, 20.0

BUILD = """
import subprocess, sys
from pathlib import Path
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider
def say(line):
    print(line.removeprefix("sandbox: ").split()[0], flush=True)
say("begun")
sandbox = EmbeddedProvider(ProviderSettings(binaries=sys.argv[1])).start(SandboxRequest(), Path(sys.argv[2]), say)
say("command")
subprocess.run(["/bin/bash", "-c", "kubectl create deployment web --image=nginx"], env=dict(sandbox.environment))
for step in ("checkpoint", "restore"):
    say(step)
    getattr(sandbox, step)("one")
say("close")
sandbox.close()
say("closed")
sys.stdin.read()
"""
PHASES = ("begun", "etcd", "apiserver", "controllers", "nodes", "ready", "command", "checkpoint", "restore", "close")


@dataclass(frozen=True, slots=True)
class Kill:
    """One moment, and what became of it."""

    phase: str
    later: float
    gone_after: float


def kill_at(phase: str, later: float, binaries: Path, runs: Path) -> Kill:
    """Starts a build with a run directory of its own and kills it so many seconds after it said the phase's name."""
    arguments = [sys.executable, "-c", BUILD, str(binaries), str(runs)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as build:
        assert build.stdout is not None
        assert any(line.strip() == phase for line in build.stdout), f"it never came to {phase}"
        with pytest.raises(subprocess.TimeoutExpired):
            build.wait(later)
        build.send_signal(signal.SIGKILL)
    begun = time.monotonic()
    while left := of_run(binaries, runs):
        assert time.monotonic() - begun < LONGEST_SECONDS, f"left {LONGEST_SECONDS:.0f} s after {phase}: {left}"
        time.sleep(0.02)
    return Kill(phase, later, time.monotonic() - begun)


def of_run(binaries: Path, runs: Path) -> dict[int, str]:
    """The processes of the sandboxes below one directory: each works in its sandbox's."""
    found = {}
    for pid, line in programs_of(binaries).items():
        try:
            if Path(f"/proc/{pid}/cwd").readlink().is_relative_to(runs):
                found[pid] = line
        except OSError:
            continue
    return found


def test_a_build_killed_at_any_moment_leaves_nothing(
    settings: ProviderSettings, binaries: Path, cache: Path, runs: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311  any moment will do
    moments = [(PHASES[number % len(PHASES)], chance.uniform(0, LONGEST_WHILE)) for number in range(KILLS)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        tries = [
            pool.submit(kill_at, phase, later, binaries, runs / f"{number}")
            for number, (phase, later) in enumerate(moments)
        ]
    kills = [each.result() for each in tries]
    for kill in kills:
        print(f"figure killed {kill.later:.2f} s after {kill.phase}: all gone {kill.gone_after:.2f} s later")  # noqa: T201
    assert programs_of(binaries) == {}
    assert statistics.median(kill.gone_after for kill in kills) < USUAL_SECONDS
    left = [path for path in runs.glob("*/*") if path.is_dir()]
    print(f"figure kills: {len(left)} of {KILLS} left files")  # noqa: T201
    assert left
    with EmbeddedProvider(settings).start(SandboxRequest(), runs, quiet) as sandbox:
        assert "default" in out(sandbox, "kubectl get namespaces")
    assert list(runs.glob("*/*")) == []
    assert list((cache / "runs").iterdir()) == []
    for each_runs in runs.iterdir():
        each_runs.rmdir()
