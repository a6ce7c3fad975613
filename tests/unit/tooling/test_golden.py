from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.golden import Golden, dump


def write(path: Path, **case: object) -> Path:
    path.write_text(dump(case), encoding="utf-8")
    return path


def test_a_case_is_compared_as_a_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "case.yml", input="a\n", output="A\n", warnings=["loud"])
    Golden(path).check("A\n", ["loud"])
    with pytest.raises(AssertionError):
        Golden(path).check("B\n", ["loud"])
    with pytest.raises(AssertionError):
        Golden(path).check("A\n")


def test_regenerate_keeps_the_input_and_writes_block_literals(tmp_path: Path) -> None:
    path = write(tmp_path / "case.yml", about="why it exists", input="in\n", options={"x": 1}, output="old\n")
    new = "NAME   AGE   \nweb\t5s\n"
    Golden(path, regenerate=True).check(new, ["careful"])
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {
        "about": "why it exists",
        "input": "in\n",
        "options": {"x": 1},
        "output": new,
        "warnings": ["careful"],
    }
    assert "output: |\n  NAME   AGE   \n  web\t5s\n" in path.read_text(encoding="utf-8")
    Golden(path).check(new, ["careful"])


@example("\x85")
@example("a\u2028b\n")
@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from(" \t\n#:-|'\"")))
def test_any_text_survives(text: str) -> None:
    assert yaml.safe_load(dump({"output": text, "after": 1})) == {"output": text, "after": 1}
