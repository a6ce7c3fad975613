"""What the benchmark of the sandbox does to the programs' sources before it builds them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from kubetalk.sandbox.recipe import load_recipe


@pytest.mark.parametrize("module", ["core", "istio"])
def test_the_change_is_in_the_code_of_the_program(
    benchmark: Callable[[str], ModuleType], module: str, tmp_path: Path
) -> None:
    recipe = load_recipe(module)
    edited = benchmark("sandbox").with_a_change(recipe, tmp_path / "source")
    main = Path(recipe.package) / "main.go"
    before = (recipe.source / main).read_text(encoding="utf-8")
    assert "func main()" in before
    assert (edited.source / main).read_text(encoding="utf-8") == f"{before}\nvar changedForTheBenchmark = true\n"
