"""A sandbox against what the documentation of Kubernetes and Helm promises, page by page; Istio's is in `istio`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from . import (
    access,
    api,
    configuration,
    differs,
    helm,
    jobs,
    kinds,
    network,
    pods,
    policies,
    scheduling,
    simulated,
    storage,
    workloads,
)
from .checks import CHECKS, Check, OnlySimulatedError

MODULES = (
    access,
    api,
    configuration,
    differs,
    helm,
    jobs,
    kinds,
    network,
    pods,
    policies,
    scheduling,
    simulated,
    storage,
    workloads,
)


def test_there_are_enough_checks_to_mean_something() -> None:
    assert len(CHECKS) > 150, "docs/pages/sandbox says so"
    assert {check.function.__module__ for check in CHECKS} == {module.__name__ for module in MODULES}


# Those that measure time come last, when nothing else runs.
ORDERED: list[Check] = sorted(CHECKS, key=lambda check: check.alone)


def _name(check: Check) -> str:
    return check.name


@pytest.mark.parametrize("check", ORDERED, ids=_name)
def test_as_documented(check: Check, result: Callable[[Check], None]) -> None:
    try:
        result(check)
    except OnlySimulatedError as reason:
        pytest.skip(str(reason))
