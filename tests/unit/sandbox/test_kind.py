"""kind, k3d and Docker as scripts: what is called, and what is cleaned up. The real kind: tests/live/sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.claims import Claim
from kubetalk.sandbox.kind import KindProvider, prune_clusters
from kubetalk.sandbox.places import prune_dead

from .conftest import FakeBinary

KIND = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2" in
    "version ") echo "kind v0.33.0 go1.26.8 linux/amd64" ;;
    "create cluster")
        [ -e {log}.fail ] && echo "ERROR: no disk" >&2 && exit 1
        printf 'from kind' > "$6"
        cat "$8" > {log}.config ;;
    "get clusters") cat {log}.clusters ;;
esac
"""

# As k3d 5 is called: `random` is its word for a free port, 0 would stay 0 in the kubeconfig.
K3D = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2" in
    "version ") printf 'k3d version v5.8.3\\nk3s version v1.36.1-k3s1 (default)\\n' ;;
    "cluster create") [ -e {log}.fail ] && echo "FATA[0000] no disk" >&2 && exit 1 ;;
    "kubeconfig get") printf 'from k3d' ;;
    "cluster list") sed 's:$:   1/1   2/2   true:' {log}.clusters ;;
esac
exit 0
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "path"
    folder.mkdir()
    path = tmp_path / "kind.log"
    for name, script in (("kind", KIND.format(log=path)), ("docker", "#!/bin/sh\necho 29.0\n")):
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return path


@pytest.fixture
def provider(make_binary: Callable[..., FakeBinary]) -> KindProvider:
    binary = make_binary()
    server = {"serverVersion": {"gitVersion": "v1.36.1"}, "clientVersion": {"gitVersion": "v1.36.4"}}
    binary.answer(["version", "--output=json"], json.dumps(server))
    binary.answer(["version", "--template"], "v4.2.4\n")
    return KindProvider(ProviderSettings("kind", binaries=str(binary.folder)))


def calls(log: Path) -> list[str]:
    return [line for line in log.read_text(encoding="utf-8").splitlines() if line != "version"]


def test_a_life(provider: KindProvider, log: Path, runs: Path) -> None:
    assert provider.unavailable(SandboxRequest()) == ""
    assert provider.facts(SandboxRequest()).versions == {}
    with provider.start(SandboxRequest(), runs, lambda _: None) as sandbox:
        assert Path(sandbox.environment["KUBECONFIG"]).read_text(encoding="utf-8") == "from kind"
        assert not sandbox.facts.simulated
        # From now on the versions are known before a start, so that what was verified is found again.
        assert provider.facts(SandboxRequest()) == sandbox.facts
        with pytest.raises(SandboxError, match="provider kind has no checkpoints"):
            sandbox.checkpoint("a")
    created, deleted = calls(log)
    name = created.split()[3]
    assert name.startswith(f"kubetalk-{os.getpid()}-")
    assert deleted == f"delete cluster --name {name}"
    config = json.loads(Path(f"{log}.config").read_text(encoding="utf-8"))
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    assert config["networking"] == {"apiServerAddress": "127.0.0.1"}


def test_a_failed_creation_is_cleaned_up(provider: KindProvider, log: Path, runs: Path) -> None:
    Path(f"{log}.fail").touch()
    with pytest.raises(SandboxError, match="kind create cluster failed: ERROR: no disk"):
        provider.start(SandboxRequest(), runs, lambda _: None)
    assert calls(log)[-1].startswith("delete cluster --name kubetalk-")


def test_another_minor_than_asked_for(provider: KindProvider, log: Path, runs: Path) -> None:
    request = SandboxRequest(kubernetes="1.34")
    with pytest.raises(SandboxError, match=r"asks for Kubernetes 1.34, the cluster runs v1.36.1"):
        provider.start(request, runs, lambda _: None)
    assert calls(log)[-1].startswith("delete cluster")
    provider.start(SandboxRequest(), runs, lambda _: None).close()
    assert "the cluster runs v1.36.1" in provider.unavailable(request)


def test_without_docker(provider: KindProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs Docker and kind (or k3d)" in provider.unavailable(SandboxRequest())


def test_docker_that_does_not_answer(provider: KindProvider, log: Path) -> None:
    docker = log.parent / "path" / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n", encoding="utf-8")
    assert "Cannot connect to the Docker daemon" in provider.unavailable(SandboxRequest())


KILLED, LIVING, FOREIGN = (f"kubetalk-{number}-00000000" for number in (4194303, 7, 1))


@pytest.fixture
def living(log: Path) -> Iterator[Callable[[str], None]]:
    """Makes clusters of a build that was killed, of one that lives, and of somebody else with the same Docker."""
    claims = []

    def make(tool: str) -> None:
        Path(f"{log}.clusters").write_text(f"{KILLED}\n{LIVING}\n{FOREIGN}\nprecious\n", encoding="utf-8")
        claims.append(Claim.make("clusters", LIVING, {"tool": tool}))
        for name in (KILLED, "kubetalk-4194303-11111111"):  # the second one is gone already
            Claim.make("clusters", name, {"tool": tool}).leave()

    yield make
    for claim in claims:
        claim.settle()


def test_only_clusters_of_the_dead_are_pruned(log: Path, living: Callable[[str], None], cache: Path) -> None:
    living("kind")
    assert prune_clusters() == ((KILLED,), (FOREIGN,))
    assert calls(log)[-1] == f"delete cluster --name {KILLED}"
    assert prune_clusters() == ((), (KILLED, FOREIGN))  # the script deletes nothing
    assert [path.stem for path in (cache / "claims" / "clusters").glob("*.json")] == [LIVING]


def test_a_cluster_that_cannot_be_deleted_is_tried_again(
    provider: KindProvider, log: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = provider.start(SandboxRequest(), runs, lambda _: None)
    name = calls(log)[0].split()[3]

    def fail(*_: object) -> None:
        raise SandboxError("Docker does not answer")

    with monkeypatch.context() as patch:
        patch.setattr("kubetalk.sandbox.kind._delete", fail)
        with pytest.raises(SandboxError, match="does not answer"):
            sandbox.close()
    Path(f"{log}.clusters").write_text(f"{name}\n", encoding="utf-8")
    assert prune_clusters() == ((name,), ())


BUILD = """
import sys, time
from pathlib import Path
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.kind import KindProvider
with KindProvider(ProviderSettings("kind", binaries=sys.argv[1])).start(SandboxRequest(), Path(sys.argv[2]), str):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_ended_leaves_no_cluster(
    provider: KindProvider, log: Path, runs: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", BUILD, provider._settings.binaries, str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        process.wait(30)
    name = calls(log)[0].split()[3]
    if number == signal.SIGKILL:
        Path(f"{log}.clusters").write_text(f"{name}\n", encoding="utf-8")
        assert prune_clusters() == ((name,), ())
        prune_dead()
    assert calls(log)[-1] == f"delete cluster --name {name}"


@pytest.fixture
def k3d(log: Path) -> Path:
    """A machine that has k3d and no kind."""
    folder = log.parent / "path"
    (folder / "kind").unlink()
    (folder / "k3d").write_text(K3D.format(log=log), encoding="utf-8")
    (folder / "k3d").chmod(0o755)
    return log


def test_a_life_with_k3d(provider: KindProvider, k3d: Path, runs: Path) -> None:
    assert provider.unavailable(SandboxRequest()) == ""
    with provider.start(SandboxRequest(), runs, lambda _: None) as sandbox:
        kubeconfig = Path(sandbox.environment["KUBECONFIG"])
        assert kubeconfig.read_text(encoding="utf-8") == "from k3d"
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        assert provider.facts(SandboxRequest()) == sandbox.facts
    created, asked, deleted = calls(k3d)
    name = created.split()[2]
    assert name.startswith(f"kubetalk-{os.getpid()}-")
    assert created.split()[3:] == [
        *("--agents", "2"),
        *("--kubeconfig-update-default=false", "--kubeconfig-switch-context=false"),
        *("--api-port", "127.0.0.1:random", "--wait"),
    ]
    assert asked == f"kubeconfig get {name}"
    assert deleted == f"cluster delete {name}"


def test_a_failed_creation_with_k3d_is_cleaned_up(provider: KindProvider, k3d: Path, runs: Path) -> None:
    Path(f"{k3d}.fail").touch()
    with pytest.raises(SandboxError, match="k3d cluster create failed"):
        provider.start(SandboxRequest(), runs, lambda _: None)
    assert calls(k3d)[-1].startswith("cluster delete kubetalk-")


def test_clusters_of_k3d_are_pruned_alike(k3d: Path, living: Callable[[str], None]) -> None:
    living("k3d")
    assert prune_clusters() == ((KILLED,), (FOREIGN,))
    assert calls(k3d)[-1] == f"cluster delete {KILLED}"


@pytest.mark.parametrize("tool", ["kind", "k3d"])
def test_nothing_of_the_host_s_clusters_is_handed_on(
    provider: KindProvider, log: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    program = log.parent / "path" / "kind"
    if tool == "k3d":
        program.unlink()
    text = (KIND if tool == "kind" else K3D).format(log=log)
    program = program.with_name(tool)
    program.write_text(text.replace("\n", f"\nenv >> {log}.environment\n", 1), encoding="utf-8")
    program.chmod(0o755)
    for name in ("KUBECONFIG", "HTTPS_PROXY", "AWS_PROFILE", "KIND_EXPERIMENTAL_PROVIDER", "K3D_FIX_DNS"):
        monkeypatch.setenv(name, "hostile")
    provider.start(SandboxRequest(), runs, lambda _: None).close()
    assert "hostile" not in Path(f"{log}.environment").read_text(encoding="utf-8")
