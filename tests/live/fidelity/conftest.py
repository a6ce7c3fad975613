"""One sandbox for all checks. They run side by side, a few at a time; each test then only asks for its result."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, Sandbox, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider
from tests.live.sandbox.conftest import binaries, cache, quiet, settings

from .checks import Bench, Check

__all__ = ["binaries", "cache", "settings"]

SIDE_BY_SIDE = 6


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def sandbox(settings: ProviderSettings) -> Iterator[Sandbox]:
    with (
        tempfile.TemporaryDirectory(prefix="kt-fidelity-") as folder,
        EmbeddedProvider(settings).start(SandboxRequest(), Path(folder), quiet) as sandbox,
    ):
        yield sandbox


@pytest.fixture(scope="session")
def result(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Callable[[Check], None]]:
    """Gives a check's result: returns, or raises CheckFailedError."""
    chosen = [item.callspec.params.get("check") for item in request.session.items if hasattr(item, "callspec")]
    checks = sorted((c for c in chosen if isinstance(c, Check)), key=lambda c: (c.alone, not c.first))
    _make_namespaces(sandbox, [check.namespace for check in checks])
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    running: dict[Check, Future[None]] = {c: pool.submit(c.run, sandbox) for c in checks if not c.alone}

    def ask(check: Check) -> None:
        if check.alone:
            wait(running.values())
            check.run(sandbox)
        else:
            running[check].result()

    yield ask
    pool.shutdown(cancel_futures=True)


def _make_namespaces(sandbox: Sandbox, names: list[str]) -> None:
    """All at once: pods are refused until a namespace has its ServiceAccount, and that takes a moment."""
    bench = Bench(sandbox, "default")
    wanted = {"apiVersion": "v1", "kind": "List", "items": []} | {
        "items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    }
    bench.apply(json.dumps(wanted), "create")
    bench.until(
        "serviceaccounts --all-namespaces --field-selector metadata.name=default",
        lambda found: {item["metadata"]["namespace"] for item in found["items"]} >= set(names),
    )
