"""The sandbox's Istio against what Istio's documentation promises, page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live.fidelity.checks import ISTIO, Check

from . import analysis, charts, commands, gateways, injection, lifecycle, validation
from .mesh import FROM_EMPTY, FROM_INSTALLED, SHARED

MODULES = (analysis, charts, commands, gateways, injection, lifecycle, validation)
CHECKS = [*SHARED, *FROM_INSTALLED, *FROM_EMPTY]


def test_there_are_enough_checks_to_mean_something() -> None:
    assert len(CHECKS) > 60, "docs/pages/sandbox says so"
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {check.function.__module__ for check in CHECKS} == {module.__name__ for module in MODULES}
    assert all(check.page.removeprefix(ISTIO) != check.page for check in CHECKS)


def _name(check: Check) -> str:
    return check.name


@pytest.mark.parametrize("check", CHECKS, ids=_name)
def test_as_documented(check: Check, result: Callable[[Check], None]) -> None:
    result(check)
