"""The wheels of the sandbox's programs, made of small stand-ins; tests/live/sandbox/test_wheel.py uses the real one."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import kubetalk
from kubetalk.sandbox.recipe import Recipe, load_recipe

ROOT = Path(__file__).parents[2]
MODULES = {"core": "kubetalk_sandbox", "istio": "kubetalk_istio"}

pytestmark = [
    pytest.mark.packaging,
    pytest.mark.skipif(sys.platform != "linux", reason="the tags below are Linux's"),
]


def stand_in(folder: Path, recipe: Recipe, sources: str) -> None:
    """Everything a build leaves beside its program; programs are scripts here."""
    for name in (recipe.binary, *recipe.beside):
        program = folder / name
        program.write_text("#!/bin/sh\necho here\n", encoding="utf-8")
        program.chmod(0o755)
    program = folder / recipe.binary
    about = {"sources": sources, "go": "1.26.8", "versions": dict(recipe.versions)}
    program.with_name(f"{recipe.binary}.json").write_text(json.dumps(about), encoding="utf-8")
    for part in recipe.folders:
        (folder / part.target / "deeper").mkdir(parents=True)
        (folder / part.target / "deeper" / "data.yaml").write_text("a: b\n", encoding="utf-8")


def make(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "_wheels.py"
    command = [sys.executable, str(script), "--binaries", str(folder), "--out", str(out)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    binaries, out = tmp_path_factory.mktemp("binaries"), tmp_path_factory.mktemp("dist")
    for module in MODULES:
        stand_in(binaries, load_recipe(module), load_recipe(module).sources_key)
    done = make(binaries, out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [Path(line).parent for line in done.stdout.splitlines()] == [out, out]
    return out


@pytest.mark.parametrize("module", MODULES)
def test_its_name_says_what_is_inside_and_where_it_runs(wheels: Path, module: str) -> None:
    product = load_recipe(module).versions[{"core": "kubernetes", "istio": "istio"}[module]].removeprefix("v")
    machine = platform.machine()
    tag = f"py3-none-manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}"
    assert (wheels / f"{MODULES[module]}-{product}.{kubetalk.__version__}-{tag}.whl").is_file()


@pytest.mark.parametrize("module", MODULES)
def test_it_holds_the_program_and_what_belongs_beside_it(wheels: Path, module: str) -> None:
    recipe, package = load_recipe(module), MODULES[module]
    (path,) = wheels.glob(f"{package}-*.whl")
    with zipfile.ZipFile(path) as archive:
        files = {info.filename: info for info in archive.infolist()}
        program = files[f"{package}/bin/{recipe.binary}"]
        for name in (recipe.binary, *recipe.beside):
            assert files[f"{package}/bin/{name}"].external_attr >> 16 & 0o111
        assert json.loads(archive.read(f"{program.filename}.json"))["sources"] == recipe.sources_key
        assert {f"{package}/bin/{part.target}/deeper/data.yaml" for part in recipe.folders} <= set(files)
        (metadata,) = [name for name in files if name.endswith(".dist-info/METADATA")]
        told = Parser().parsestr(archive.read(metadata).decode())
        assert told["Name"] == package.replace("_", "-")
        # An installer keeps the two in step.
        assert told["Requires-Dist"] == f"kubetalk=={kubetalk.__version__}"
        for tool, version in recipe.versions.items():
            assert f"- {tool} {version}\n" in told.get_payload()
        licences = Path(metadata).parent / "licenses"
        assert archive.read(str(licences / "LICENSE")) == (ROOT / "LICENSE").read_bytes()
        others = archive.read(str(licences / "THIRD-PARTY-LICENSES.txt")).decode()
    linked = ["k8s.io/client-go", "golang.org/x/net", "Go 1."]
    linked += ["go.etcd.io/etcd/server/v3"] if recipe.beside else []
    for module_path in (*linked, *(part.module for part in recipe.folders)):
        assert f"\n{module_path}" in others
    assert "Redistribution and use in source and binary forms" in others


def test_an_installer_makes_the_program_executable(wheels: Path, tmp_path: Path) -> None:
    (wheel,) = wheels.glob("kubetalk_sandbox-*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", tmp_path, wheel], check=True, timeout=300)
    for name in ("kubetalk-sandbox", "kubetalk-supervisor"):
        program = tmp_path / "kubetalk_sandbox" / "bin" / name
        assert subprocess.run([program], capture_output=True, text=True, timeout=60, check=True).stdout == "here\n"


def test_a_program_of_other_sources_is_not_packed(tmp_path: Path) -> None:
    stand_in(tmp_path, load_recipe(), "0" * 64)
    done = make(tmp_path, tmp_path / "dist")
    assert done.returncode == 2
    line = "there is no kubetalk-sandbox that was built from these sources. Run `kubetalk sandbox build --istio`"
    assert done.stderr == f"package: {line}\n"
    assert not (tmp_path / "dist").exists()
