"""One sandbox for all checks. They run side by side, a few at a time; each test then only asks for its result."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubetalk.model import ProviderSettings, Sandbox, SandboxRequest
from kubetalk.sandbox.providers import make_provider
from tests.live.sandbox.conftest import binaries, cache, quiet, settings

from .checks import Bench, Check

__all__ = ["binaries", "cache", "settings"]

SIDE_BY_SIDE = 6
PROVIDERS = ["embedded", *(["kind"] if os.environ.get("KUBETALK_TEST_KIND") == "1" else [])]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.live)
        chosen = _parameters(item)
        if chosen.get("sandbox") == "kind" and isinstance(check := chosen.get("check"), Check) and check.simulated:
            item.add_marker(pytest.mark.skip(reason="about what the embedded sandbox simulates"))


@pytest.fixture(scope="module", params=PROVIDERS)
def sandbox(request: pytest.FixtureRequest, settings: ProviderSettings) -> Iterator[Sandbox]:
    """The same checks for every provider that makes a cluster of its own."""
    own = ProviderSettings(request.param, binaries=settings.binaries)
    with (
        tempfile.TemporaryDirectory(prefix="kt-fidelity-") as folder,
        make_provider(own).start(SandboxRequest(), Path(folder), quiet) as sandbox,
    ):
        yield sandbox


@pytest.fixture(scope="module")
def result(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Callable[[Check], None]]:
    """Gives a check's result: returns, or raises what `Check.run` does."""
    checks = sorted(chosen_checks(request, sandbox.facts.provider), key=lambda c: (c.alone, not c.first))
    make_namespaces(sandbox, [check.namespace for check in checks])
    with side_by_side(sandbox, [check for check in checks if not check.alone]) as running:

        def ask(check: Check) -> None:
            if check.alone:
                wait(running.values())
                check.run(sandbox)
            else:
                running[check].result()

        yield ask


def chosen_checks(request: pytest.FixtureRequest, provider: str) -> list[Check]:
    """The checks of this module's tests that will run on that provider."""
    found = []
    for item in request.session.items:
        chosen = _parameters(item)
        here = item.path == request.path and chosen.get("sandbox", provider) == provider
        if here and isinstance(check := chosen.get("check"), Check) and item.get_closest_marker("skip") is None:
            found.append(check)
    return found


@contextmanager
def side_by_side(sandbox: Sandbox, checks: Sequence[Check]) -> Iterator[dict[Check, Future[None]]]:
    """Runs checks a few at a time, in this order, and gives each one's future result."""
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    try:
        yield {check: pool.submit(check.run, sandbox) for check in checks}
    finally:
        pool.shutdown(cancel_futures=True)


def make_namespaces(sandbox: Sandbox, names: Sequence[str]) -> None:
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


def _parameters(item: pytest.Item) -> dict[str, object]:
    return dict(item.callspec.params) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
