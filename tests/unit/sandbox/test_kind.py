"""kind and Docker as scripts: what is called, with what, and what is cleaned up. The real ones: tests/live/sandbox."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.kind import KindProvider, prune_clusters

from .conftest import FakeBinary

KIND = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2" in
    "version ") echo "kind v0.33.0 go1.26.8 linux/amd64" ;;
    "create cluster")
        [ -e {log}.fail ] && echo "ERROR: no disk" >&2 && exit 1
        printf 'from kind' > "$6"
        cat "$8" > {log}.config ;;
    "get clusters") printf 'kubetalk-4194303-00000000\\nkubetalk-{pid}-00000000\\nprecious\\n' ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "path"
    folder.mkdir()
    path = tmp_path / "kind.log"
    for name, script in (("kind", KIND.format(log=path, pid=os.getpid())), ("docker", "#!/bin/sh\necho 29.0\n")):
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


def test_only_clusters_of_the_dead_are_pruned(log: Path) -> None:
    assert prune_clusters() == ("kubetalk-4194303-00000000",)
    assert calls(log)[-1] == "delete cluster --name kubetalk-4194303-00000000"
