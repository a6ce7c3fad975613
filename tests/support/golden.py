"""Golden files: one YAML file per case with input, options, expected output and expected warnings together.

    @pytest.mark.golden("reading/blocks")          # every tests/goldens/reading/blocks/*.yml becomes one test
    def test_blocks(golden: Golden) -> None:
        golden.check(split(golden.input, **golden.options))

`pytest --regenerate` writes what the code gives now into the files; the change is then reviewed as a diff.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

GOLDENS = Path(__file__).parent.parent / "goldens"


class Golden:
    """One case."""

    def __init__(self, path: Path, *, regenerate: bool = False) -> None:
        self.path = path
        self._regenerate = regenerate
        self._case: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))

    @property
    def input(self) -> Any:
        """What the code is given: text, or whatever YAML the case needs."""
        return self._case["input"]

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments or settings of the case; empty if the file has none."""
        return self._case.get("options") or {}

    def check(self, output: Any, warnings: Iterable[str] = ()) -> None:
        """Compares with the file, or rewrites the file under --regenerate.

        `output` is text or plain YAML data (dict, list, str, int, bool, None); tuples must be made lists before.
        """
        told = list(warnings)
        if self._regenerate:
            self._rewrite(output, told)
        assert output == self._case.get("output"), f"{self.path}: pytest --regenerate rewrites it"
        assert told == (self._case.get("warnings") or [])

    def _rewrite(self, output: Any, warnings: list[str]) -> None:
        case = {key: value for key, value in self._case.items() if key not in {"output", "warnings"}}
        case["output"] = output
        if warnings:
            case["warnings"] = warnings
        if case == self._case:
            return
        self.path.write_text(dump(case), encoding="utf-8")
        self._case = yaml.safe_load(self.path.read_text(encoding="utf-8"))


def dump(case: dict[str, Any]) -> str:
    """YAML in the order of its keys, with every text of several lines as a block literal."""
    return yaml.dump(case, Dumper=_LiteralDumper, sort_keys=False, allow_unicode=True, width=120)


class _LiteralDumper(yaml.SafeDumper):
    """Writes block literals even where PyYAML is afraid of them: spaces at line ends and tabs survive there."""

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if "\n" in scalar and all(char.isprintable() or char in "\n\t" for char in scalar) and scalar.strip():
            analysis.allow_block = True
        return analysis


def _represent_text(dumper: _LiteralDumper, text: str) -> yaml.ScalarNode:
    # YAML 1.1 takes these three for line breaks, so they only survive as escapes.
    style = '"' if any(char in text for char in "\x85\u2028\u2029") else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_LiteralDumper.add_representer(str, _represent_text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "golden(folder): run the test once per file of tests/goldens/<folder>")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "golden" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("golden")
    if marker is None:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: mark it with @pytest.mark.golden('<room>/<topic>')")
    folder = GOLDENS / marker.args[0]
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: no *.yml in {folder}")
    metafunc.parametrize("golden", paths, ids=[path.stem for path in paths], indirect=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The case a test marked with `golden` runs on."""
    return Golden(request.param, regenerate=request.config.getoption("--regenerate"))
