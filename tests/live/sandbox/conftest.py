"""The real binary: the one a build uses (`kubetalk sandbox build` makes it), or the one in KUBETALK_TEST_BINARIES."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, Sandbox, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.guard import MARK_COMMAND
from kubetalk.sandbox.providers import make_provider
from tests.support.projects import private_binaries

PROVIDERS = ["embedded", "context", *(["kind"] if os.environ.get("KUBETALK_TEST_KIND") == "1" else [])]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def binaries() -> Iterator[Path]:
    """A folder of this run's own. What needs Istio's binary, and does not find it there, says so itself."""
    with private_binaries(optional=("istio",)) as folder:
        yield folder


@pytest.fixture(scope="session")
def settings(binaries: Path) -> ProviderSettings:
    return ProviderSettings(binaries=str(binaries))


@pytest.fixture(scope="session", autouse=True)
def cache(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Seeds and run directories of this run's own; after the binary was found in the user's."""
    assert binaries.is_dir()
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "kubetalk"
    entries = folder / "kubetalk" / "runs"
    assert not entries.is_dir() or list(entries.iterdir()) == []


@pytest.fixture
def runs() -> Iterator[Path]:
    """Where sandboxes put their files; nothing may be left there."""
    with tempfile.TemporaryDirectory(prefix="kt-live-") as folder:
        yield Path(folder)
        assert list(Path(folder).iterdir()) == []


@pytest.fixture
def fresh(settings: ProviderSettings, runs: Path) -> Iterator[EmbeddedSandbox]:
    """An embedded sandbox that only this test uses."""
    with EmbeddedProvider(settings).start(SandboxRequest(), runs, quiet) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=PROVIDERS)
def sandbox(request: pytest.FixtureRequest, settings: ProviderSettings) -> Iterator[Sandbox]:
    """The same tests for every provider. For `context`, an embedded sandbox plays the cluster that was there before."""
    with tempfile.TemporaryDirectory(prefix="kt-live-") as name:
        folder = Path(name)
        if request.param != "context":
            own = ProviderSettings(request.param, binaries=settings.binaries)
            with make_provider(own).start(SandboxRequest(), folder, quiet) as sandbox:
                yield sandbox
            return
        with EmbeddedProvider(settings).start(SandboxRequest(), folder, quiet) as host:
            assert run(host, MARK_COMMAND).returncode == 0
            named = ProviderSettings(
                "context", context="sandbox", kubeconfig=host.environment["KUBECONFIG"], binaries=settings.binaries
            )
            with make_provider(named).start(SandboxRequest(), folder, quiet) as sandbox:
                yield sandbox


def quiet(_: str) -> None:
    pass


def run(sandbox: Sandbox, command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """A command line as a session runs it: bash, the sandbox's environment, nothing else."""
    return subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", command],
        env=dict(sandbox.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def out(sandbox: Sandbox, command: str) -> str:
    done = run(sandbox, command)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
