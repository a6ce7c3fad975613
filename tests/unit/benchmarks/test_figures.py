from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def figures(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("_figures")


def test_a_short_figure_makes_the_exit_code_1(
    figures: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench = figures.Benchmark("", ["--json", str(tmp_path / "out.json")])
    bench.note("pages", 7)
    bench.figure("start", 4.4999, "s", 4.5)
    assert bench.finish() == 0
    bench.figure("memory", 451, "MiB", 450)
    bench.figure("edges", 20, "edges", 19, at_most=False)
    assert bench.finish() == 1
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "figure start 4.5 s limit 4.5 ok",
        "figure memory 451 MiB limit 450 short",
        "figure edges 20 edges limit 19 ok",
    ]
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [figure["ok"] for figure in written["figures"]] == [True, False, True]
    assert written["table"] == {"pages": "7"}


def test_rounds_alternate_their_order(figures: ModuleType) -> None:
    order: list[str] = []

    def variant(name: str) -> float:
        order.append(name)
        return float(len(order))

    values = figures.interleaved(2, {"a": lambda: variant("a"), "b": lambda: variant("b")})
    assert order == ["a", "b", "b", "a"]
    assert values == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


def test_a_failed_run_has_no_time(figures: ModuleType) -> None:
    with pytest.raises(SystemExit, match="out of order"):
        figures.timed([sys.executable, "-c", "import sys; sys.exit('out of order')"])
