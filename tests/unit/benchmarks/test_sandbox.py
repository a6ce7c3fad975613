"""What the benchmark of the sandbox does to the programs' sources before it builds them again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from kubetalk.sandbox.recipe import load_recipe

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.mark.parametrize("module", ["core", "istio"])
def test_the_change_is_in_the_code_of_the_program(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("benchmark_of_the_sandbox", FOLDER / "sandbox.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, benchmark)
    spec.loader.exec_module(benchmark)
    recipe = load_recipe(module)
    edited = benchmark.with_a_change(recipe, tmp_path / "source")
    main = Path(recipe.package) / "main.go"
    before = (recipe.source / main).read_text(encoding="utf-8")
    assert "func main()" in before
    assert (edited.source / main).read_text(encoding="utf-8") == f"{before}\nvar changedForTheBenchmark = true\n"
