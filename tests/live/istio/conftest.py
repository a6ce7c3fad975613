"""Real sandboxes with Istio: from what `kubetalk sandbox build --istio` made, or from KUBETALK_TEST_BINARIES."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from tests.support.projects import private_binaries


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def binaries() -> Iterator[Path]:
    """Both binaries in a folder of this run's own."""
    with private_binaries("istio") as folder:
        yield folder


@pytest.fixture(scope="session")
def provider(binaries: Path) -> EmbeddedProvider:
    return EmbeddedProvider(ProviderSettings(binaries=str(binaries)))


@pytest.fixture(scope="session", autouse=True)
def cache(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Seeds and run directories of this run's own; after the binaries were found in the user's."""
    assert binaries.is_dir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def sandbox(provider: EmbeddedProvider) -> Iterator[EmbeddedSandbox]:
    """One sandbox for all tests: they put it back to a checkpoint, which is under test too."""
    with tempfile.TemporaryDirectory(prefix="kt-istio-") as folder:
        with provider.start(SandboxRequest(istio=True), Path(folder), quiet) as sandbox:
            sandbox.checkpoint("empty")
            yield sandbox
        assert list(Path(folder).iterdir()) == []


@pytest.fixture(scope="session")
def minimal(sandbox: EmbeddedSandbox) -> str:
    """Name of a checkpoint: Istio's profile minimal is installed, and namespace demo is labelled."""
    begun = time.monotonic()
    text = out(sandbox, "istioctl install --set profile=minimal -y")
    print(f"figure istioctl install minimal: {time.monotonic() - begun:.2f} s")  # noqa: T201
    for line in ("✔ Istio core installed", "✔ Istiod installed", "✔ Installation complete"):
        assert line in text
    out(sandbox, "kubectl create namespace demo && kubectl label namespace demo istio-injection=enabled")
    sandbox.checkpoint("minimal")
    return "minimal"


@pytest.fixture
def istio(sandbox: EmbeddedSandbox, minimal: str) -> EmbeddedSandbox:
    """A sandbox as at that checkpoint."""
    sandbox.restore(minimal)
    return sandbox


@pytest.fixture
def empty(sandbox: EmbeddedSandbox) -> EmbeddedSandbox:
    """A sandbox in which nothing was done."""
    sandbox.restore("empty")
    return sandbox


def quiet(_: str) -> None:
    pass


def run(sandbox: EmbeddedSandbox, command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """A command line as a session runs it: bash, the sandbox's environment, one stream for both outputs."""
    return subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", command],
        env=dict(sandbox.environment),
        cwd=sandbox.environment["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def out(sandbox: EmbeddedSandbox, command: str, status: int = 0) -> str:
    done = run(sandbox, command)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
    return done.stdout
