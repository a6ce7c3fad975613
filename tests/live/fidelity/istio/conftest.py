"""One sandbox with Istio for all its checks, apart from the plain one: that one stays fast, and without CRDs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from tests.live.fidelity.checks import Bench, Check
from tests.live.fidelity.conftest import chosen_checks, make_namespaces, side_by_side
from tests.live.sandbox.conftest import quiet

from .mesh import FROM_INSTALLED, SHARED


@pytest.fixture(scope="module")
def mesh(settings: ProviderSettings) -> Iterator[EmbeddedSandbox]:
    """With the CRDs of the Gateway API, and checkpoints before and after Istio's installation."""
    request = SandboxRequest(istio=True, gateway_api=True)
    with (
        tempfile.TemporaryDirectory(prefix="kt-fidelity-") as folder,
        EmbeddedProvider(settings).start(request, Path(folder), quiet) as sandbox,
    ):
        sandbox.checkpoint("empty")
        Bench(sandbox, "default").out("istioctl install --set profile=minimal -y")
        sandbox.checkpoint("installed")
        yield sandbox


@pytest.fixture(scope="module")
def result(request: pytest.FixtureRequest, mesh: EmbeddedSandbox) -> Iterator[Callable[[Check], None]]:
    """Gives a check's result: returns, or raises CheckFailedError."""
    checks = chosen_checks(request, mesh.facts.provider)
    shared = sorted((check for check in checks if check in SHARED), key=lambda check: not check.first)
    if shared:
        make_namespaces(mesh, [check.namespace for check in shared])
    with side_by_side(mesh, shared) as running:

        def ask(check: Check) -> None:
            if check in running:
                running[check].result()
                return
            wait(running.values())
            mesh.restore("installed" if check in FROM_INSTALLED else "empty")
            make_namespaces(mesh, [check.namespace])
            check.run(mesh)

        yield ask
