"""Nobody else gets in, nothing gets out, and what is only simulated says so."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox

from .conftest import out, quiet, run


@pytest.fixture(scope="module")
def sandbox(settings: ProviderSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSandbox]:
    runs = tmp_path_factory.mktemp("r")
    with EmbeddedProvider(settings).start(SandboxRequest(), runs, quiet) as sandbox:
        out(sandbox, "kubectl create deployment web --image=nginx && kubectl rollout status deployment web")
        yield sandbox


def test_no_file_can_be_read_by_others(sandbox: EmbeddedSandbox) -> None:
    assert stat.S_IMODE(sandbox.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((sandbox.directory / "box").stat().st_mode) == 0o700
    keys = [*(sandbox.directory / "box" / "pki").rglob("*"), Path(sandbox.environment["KUBECONFIG"])]
    assert len(keys) > 3
    open_ones = [path for path in keys if path.is_file() and path.stat().st_mode & 0o077]
    assert open_ones == []
    assert (sandbox.directory / "own" / "kubeconfig").stat().st_mode & 0o077 == 0


def listening(pid: int) -> set[str]:
    """Addresses (hexadecimal, as the kernel writes them) on which a process listens for TCP connections."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(fields[1].split(":")[0])
    return found


def test_every_port_is_on_loopback(sandbox: EmbeddedSandbox) -> None:
    addresses = {part["name"]: listening(part["pid"]) for part in sandbox.status()["parts"]}
    assert addresses["kube-apiserver"]
    assert set().union(*addresses.values()) <= {"0100007F"}


def test_a_stranger_learns_nothing(sandbox: EmbeddedSandbox) -> None:
    server = out(sandbox, "kubectl config view --minify -o jsonpath={..server}")
    text = out(sandbox, f"curl -sk -o /dev/null -w '%{{http_code}}' {server}/api/v1/secrets")
    assert text in {"401", "403"}


@pytest.mark.parametrize(
    "command",
    [
        "kubectl logs deployment/web",
        "kubectl exec deployment/web -- ls",
        "kubectl attach deployment/web",
        "kubectl port-forward deployment/web 8080:80",
        "kubectl top pods",
        "kubectl top nodes",
        "kubectl run -it --rm debug --image=busybox -- sh",
    ],
)
def test_what_needs_a_container_is_refused_at_once(sandbox: EmbeddedSandbox, command: str) -> None:
    begun = time.monotonic()
    done = run(sandbox, command, timeout=60)
    took = time.monotonic() - begun
    print(f"figure refused in {took:.2f} s: {command}: {done.stderr.strip()}")  # noqa: T201
    assert done.returncode != 0
    assert took < 2.0
    assert done.stdout == ""
    # attach says two lines of its own before it tries.
    *before, last = done.stderr.strip().splitlines()
    assert before == [] or command.startswith("kubectl attach")
    assert "this pod is simulated: no container runs in it" in last or last == "error: Metrics API not available"


def test_nodes_do_not_pretend(sandbox: EmbeddedSandbox) -> None:
    assert "kwok://" in out(sandbox, "kubectl get nodes -o wide")
