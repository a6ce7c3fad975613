"""Beginning and end of an embedded sandbox, also the violent ones."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider
from kubetalk.sandbox.pool import SandboxPool
from tests.support.projects import eventually, programs_of

from .conftest import out, quiet, run

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534

BUILD = """
import subprocess, sys, time
from pathlib import Path
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider
provider = EmbeddedProvider(ProviderSettings(binaries=sys.argv[1]))
print("begun", flush=True)
with provider.start(SandboxRequest(), Path(sys.argv[2]), lambda _: None) as sandbox:
    kubectl = ["/bin/bash", "-c", sys.argv[3]]
    done = subprocess.run(kubectl, env=dict(sandbox.environment), capture_output=True, text=True)
    print(done.stdout + done.stderr, flush=True)
    print("ready", flush=True)
    sys.stdin.read()
"""


def a_build(binaries: Path, runs: Path, command: str = "true") -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", BUILD, str(binaries), str(runs), command]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if line.strip() == word:
            return seen
    pytest.fail(f"the build ended early: {seen}")


def end(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    status = process.wait(30)
    process.stdin.close()
    process.stdout.close()
    return status


def test_several_lives_one_after_another(settings: ProviderSettings, binaries: Path, runs: Path) -> None:
    for number in range(3):
        begun = time.monotonic()
        with EmbeddedProvider(settings).start(SandboxRequest(), runs, quiet) as sandbox:
            started = time.monotonic() - begun
            assert "default" in out(sandbox, "kubectl get ns")
            parts = {part["name"] for part in sandbox.status()["parts"]}
            assert {"supervisor", "etcd", "kube-apiserver", "kwok"} <= parts
            memory = sum(part["pss"] for part in sandbox.status()["parts"]) / (1 << 20)
            disk = sandbox.status()["bytes"] / (1 << 20)
            begun = time.monotonic()
        took = time.monotonic() - begun
        assert programs_of(binaries) == {}
        amounts = f"{memory:.0f} MiB memory, {disk:.0f} MiB disk"
        print(f"figure life {number}: start {started:.1f} s (seed {sandbox.seeded}), {amounts}, end {took:.2f} s")  # noqa: T201


def test_side_by_side(settings: ProviderSettings, runs: Path) -> None:
    provider = EmbeddedProvider(settings)
    with (
        provider.start(SandboxRequest(), runs, quiet) as one,
        provider.start(SandboxRequest(nodes=1), runs, quiet) as two,
    ):
        out(one, "kubectl create ns only-in-one")
        assert "only-in-one" not in out(two, "kubectl get ns")
        assert len(out(two, "kubectl get nodes -o name").split()) == 1
        assert len(out(one, "kubectl get nodes -o name").split()) == 3


def test_a_spare_is_there_at_once_and_pristine(settings: ProviderSettings, runs: Path) -> None:
    with SandboxPool(EmbeddedProvider(settings), runs) as pool:
        assert pool.prepare(SandboxRequest())
        assert pool._spare is not None
        pool._spare[1].result(60)
        begun = time.monotonic()
        with pool.start(SandboxRequest(), runs, quiet) as sandbox:
            assert "shop" not in out(sandbox, "kubectl get ns")
            print(f"figure spare: first answer after {time.monotonic() - begun:.2f} s")  # noqa: T201


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_order(binaries: Path, runs: Path, number: signal.Signals) -> None:
    process = a_build(binaries, runs)
    wait_for(process, "ready")
    process.send_signal(number)
    assert end(process) != 0
    assert programs_of(binaries) == {}


def test_a_part_that_dies_is_told(settings: ProviderSettings, binaries: Path, runs: Path) -> None:
    with EmbeddedProvider(settings).start(SandboxRequest(), runs, quiet) as sandbox:
        (pid,) = (part["pid"] for part in sandbox.status()["parts"] if part["name"] == "etcd")
        os.kill(pid, signal.SIGKILL)

        eventually(lambda: sandbox._supervisor.failure, 60, "nobody noticed")
        with pytest.raises(SandboxError, match="etcd") as caught:
            sandbox.check()
        assert "Its logs are kept in" in caught.value.remedy
    assert programs_of(binaries) == {}


def interpreter_for_nobody() -> str:
    """A Python that an ordinary user may run; the one of this environment may lie in somebody's home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [candidate, "-c", "import kubetalk.sandbox"],
                env=environment_for_nobody("/nonexistent"),
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                capture_output=True,
                timeout=60,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.skip("no Python here that an ordinary user may run")


def environment_for_nobody(temporary: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "plugins"), sysconfig.get_path("purelib")])
    return {"PATH": os.defpath, "PYTHONPATH": path, "TMPDIR": temporary, "HOME": "/nonexistent"}


def test_an_ordinary_user_with_1024_open_files(binaries: Path) -> None:
    """Root becomes somebody else for it; everybody else is an ordinary user already."""
    root = os.getuid() == 0
    user, group = (NOBODY, NOBODY) if root else (os.getuid(), os.getgid())
    python = interpreter_for_nobody() if root else sys.executable
    with tempfile.TemporaryDirectory(prefix="kt-nobody-") as folder:
        os.chown(folder, user, group)
        done = subprocess.run(
            [python, "-c", BUILD, str(binaries), folder, "id -u; ulimit -n; kubectl get nodes -o name"],
            env=environment_for_nobody(folder),
            stdin=subprocess.DEVNULL,
            user=user if root else None,
            group=group if root else None,
            extra_groups=[] if root else None,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stdout.split()[:3] == ["begun", str(user), "1024"], done.stderr
        assert "node/sandbox-control-plane" in done.stdout
        assert done.returncode == 0
    assert programs_of(binaries) == {}


def test_a_minor_by_emulation_says_so(settings: ProviderSettings, runs: Path) -> None:
    request = SandboxRequest(kubernetes="1.34")
    provider = EmbeddedProvider(settings)
    with provider.start(request, runs, quiet) as sandbox:
        assert sandbox.facts == provider.facts(request)
        assert sandbox.facts.versions["emulated"] == "1.34"
        assert '"emulationMinor": "34"' in out(sandbox, "kubectl get --raw /version")


def test_a_fresh_one_knows_what_the_provider_promised(settings: ProviderSettings, runs: Path) -> None:
    provider = EmbeddedProvider(settings)
    with provider.start(SandboxRequest(), runs, quiet) as sandbox:
        assert sandbox.facts == provider.facts(SandboxRequest())
        assert run(sandbox, "kubectl version").returncode == 0
