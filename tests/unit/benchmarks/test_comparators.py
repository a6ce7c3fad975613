"""The comparators of other tools, as measured: what they take for the same, and what not."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def comparators(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("_comparators")


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("istio-galley", "istio-citadel", True),
        ("istio-injection=enabled", "istio-injection=disabled", True),
        ("web-5d4f-x7k2p  1/1  5m", "web-5d4f-bbcdf  1/1  3h12m", True),
        ("10.96.0.1", "10.96.7.3", True),
        ("a\r\n", "a", True),
        ("web 0", "web 1 (5m ago)", False),
        ("web 2y10d", "web 3d", False),
        ("80:31380/TCP", "80:32001/TCP", False),
        ("fd00::1", "fd00::2", False),
        ("a\nb", "b\na", False),
        ("galley", "citadel", False),
    ],
)
def test_tokens_in_istios_manner(comparators: ModuleType, old: str, new: str, same: bool) -> None:
    assert comparators.tokens(old, new) is same


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [("MARTHA", "MARHTA", 0.961), ("DIXON", "DICKSONX", 0.813), ("a", "", 0.0), ("abc", "xyz", 0.0)],
)
def test_jaro_winkler_as_published(comparators: ModuleType, a: str, b: str, value: float) -> None:
    assert comparators.jaro_winkler(a, b) == pytest.approx(value, abs=0.001)
