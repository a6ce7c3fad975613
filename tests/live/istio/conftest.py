"""Real sandboxes with Istio: from what `kubetalk sandbox build --istio` made, or from KUBETALK_TEST_BINARIES."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.binaries import find_binary
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def binaries() -> Iterator[Path]:
    """Both binaries in a folder of this run's own, so that their processes can be told from all others."""
    settings = ProviderSettings(binaries=os.environ.get("KUBETALK_TEST_BINARIES", ""))
    with tempfile.TemporaryDirectory(prefix="kt-binaries-") as name:
        folder = Path(name).resolve()
        for module in ("core", "istio"):
            try:
                found = find_binary(settings, module)
            except SandboxError as error:
                pytest.fail(str(error))
            if found is None:
                pytest.fail("no sandbox binaries: run `kubetalk sandbox build --istio`")
            target = folder / found.path.name
            try:
                target.hardlink_to(found.path)
            except OSError:
                shutil.copyfile(found.path, target)
            target.chmod(0o755)
            if (found.path.parent / "share").is_dir():
                shutil.copytree(found.path.parent / "share", folder / "share", dirs_exist_ok=True)
        yield folder
        assert processes(folder) == {}


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


def processes(folder: Path, word: str = "") -> dict[int, str]:
    """Every process that runs a program of that folder, with its command line; only those with that word in it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "exe").readlink().is_relative_to(folder):
                line = (path / "cmdline").read_text(encoding="utf-8").replace("\0", " ")
                if word in line:
                    found[int(path.name)] = line
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Waits for a condition and returns how long that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, what
        time.sleep(0.05)
    return time.monotonic() - begun
