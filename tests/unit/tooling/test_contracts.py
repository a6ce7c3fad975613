"""The import contracts must fail on a breach: a guard nobody has seen bark may be asleep.

Each breach is planted in a skeleton of the package: all its real module names, with empty files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "plugins" / "kubetalk"

# what is wrong: (module, what it holds, the contract that must break)
BREACHES = {
    "a room imports another room": ("reading/breach.py", "import kubetalk.rendering", "layers"),
    "a room imports the pipeline": ("drawing/breach.py", "from kubetalk import pipeline", "layers"),
    "the model imports a room": ("model/breach.py", "import kubetalk.comparing", "layers"),
    "the errors import the model": ("errors.py", "import kubetalk.model", "layers"),
    "an entry point imports the other": ("cli.py", "import kubetalk.mkdocs_plugin", "layers"),
    "a module that no layer names": ("utils.py", "", "layers"),
    "a room imports MkDocs": ("rendering/breach.py", "import mkdocs.utils", "host"),
    "a room imports Material": ("indexing/breach.py", "from material import templates", "host"),
    "the pipeline starts a process": ("pipeline.py", "import subprocess", "processes"),
    "a room starts a process": ("checking/breach.py", "from multiprocessing import Pool", "processes"),
    "a cycle inside a room": ("drawing/one.py", "import kubetalk.drawing.two", "acyclic"),
}


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contracts and the package, every module empty."""
    folder = tmp_path_factory.mktemp("skeleton")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path in PACKAGE.rglob("*.py"):
        target = folder / "kubetalk" / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def contract_name(contract: str) -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return text.split(f'id = "{contract}"\nname = "', 1)[1].split('"', 1)[0]


def test_without_a_breach_all_contracts_hold(skeleton: Path) -> None:
    done = lint(skeleton)
    assert done.returncode == 0, done.stdout
    assert "4 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_breaks_its_contract(breach: str, skeleton: Path, tmp_path: Path) -> None:
    module, text, contract = BREACHES[breach]
    folder = tmp_path / "planted"
    shutil.copytree(skeleton, folder)
    (folder / "kubetalk" / module).write_text(text, encoding="utf-8")
    if contract == "acyclic":
        (folder / "kubetalk/drawing/two.py").write_text("import kubetalk.drawing.one", encoding="utf-8")
    done = lint(folder)
    assert done.returncode == 1, done.stdout
    assert f"{contract_name(contract)} BROKEN" in done.stdout
    assert "1 broken" in done.stdout
