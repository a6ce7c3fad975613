"""The locks are complete, and carry no address and no path of the machine that made them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements"


def locked(file: str) -> dict[str, list[str]]:
    """Package to the lines below it."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (REQUIREMENTS / file).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([a-z0-9._-]+)==\S+", line):
            name = match[1]
            found.setdefault(name, [])
        elif line.startswith("    ") and name:
            found[name].append(line.strip())
    return found


def wanted(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {re.split(r"[<>=! \[;]", line, maxsplit=1)[0].lower() for line in lines}


@pytest.mark.parametrize(("file", "extras"), [("runtime.txt", ()), ("dev.txt", ("dev",))])
def test_every_dependency_is_locked(file: str, extras: tuple[str, ...]) -> None:
    assert wanted(*extras) <= set(locked(file)), "run scripts/lock"


def test_what_is_tested_is_what_is_shipped() -> None:
    runtime = (REQUIREMENTS / "runtime.txt").read_text(encoding="utf-8")
    pins = set(re.findall(r"^[a-z0-9._-]+==\S+", runtime, re.MULTILINE))
    assert pins <= set(re.findall(r"^[a-z0-9._-]+==\S+", (REQUIREMENTS / "dev.txt").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("file", ["runtime.txt", "dev.txt", "node.txt"])
def test_every_package_has_hashes_and_no_address(file: str) -> None:
    assert locked(file)
    for name, lines in locked(file).items():
        assert any(line.startswith("--hash=sha256:") for line in lines), name
    assert "://" not in (REQUIREMENTS / file).read_text(encoding="utf-8")


def test_npm_packages_have_integrity_and_no_address() -> None:
    lock = json.loads((REQUIREMENTS / "npm" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert "node_modules/reveal.js" in packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
