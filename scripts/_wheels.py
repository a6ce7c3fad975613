"""Makes the wheels kubetalk-sandbox and kubetalk-istio for this platform from binaries that are built already.

A wheel is data for kubetalk, which looks for it by its package name (plugins/kubetalk/sandbox/binaries.py): the
program, what belongs beside it, and the file that says from which sources it was built.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from kubetalk import __version__
from kubetalk.errors import BuildError
from kubetalk.model import ProviderSettings
from kubetalk.sandbox.binaries import WHEELS, Binary, find_binary
from kubetalk.sandbox.building import build_environment
from kubetalk.sandbox.recipe import Recipe, load_recipe
from kubetalk.sandbox.toolchain import Go, find_go

ROOT = Path(__file__).resolve().parents[1]
MAIN_PRODUCT = {"core": "kubernetes", "istio": "istio"}
TIMEOUT_SECONDS = 600
LICENCE = re.compile(r"(licen[cs]e|copying|copyright|notice|patents|unlicense)", re.IGNORECASE)

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = {name}
version = {version}
description = {description}
readme = "README.md"
license-files = ["LICENSE", "THIRD-PARTY-LICENSES.txt"]
requires-python = ">=3.11"
dependencies = ["kubetalk=={kubetalk}"]

[tool.hatch.build]
ignore-vcs = true

[tool.hatch.build.targets.wheel]
packages = [{package}]

[tool.hatch.build.targets.wheel.hooks.custom]
path = "hatch_build.py"
tag = {tag}
"""

README = """\
# {name}

{description}. kubetalk finds it here instead of building it; there is nothing to import.

{versions}

kubetalk's own code is under Apache-2.0; the licences of everything that is linked in are in THIRD-PARTY-LICENSES.txt.
"""


def main(arguments: Sequence[str]) -> int:
    """Makes one wheel per module and prints its path; 2 and one line if it cannot be done."""
    parser = argparse.ArgumentParser(prog="package", description="Wheels of the sandbox's binaries, for this platform.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the wheels")
    parser.add_argument("--binaries", default="", help="folder with the binaries, else the ones kubetalk has built")
    parser.add_argument("modules", nargs="*", default=["core", "istio"], metavar="core|istio")
    told = parser.parse_args(arguments)
    try:
        for module in told.modules:
            print(make_wheel(module, ProviderSettings(binaries=told.binaries), told.out.resolve()))
    except BuildError as error:
        print(f"package: {error}", file=sys.stderr)
        return 2
    return 0


def make_wheel(module: str, settings: ProviderSettings, out: Path) -> Path:
    """The wheel of a module, in ``out``.

    Raises BuildError, also when the binary was built from other sources than these.
    """
    recipe = load_recipe(module)
    binary = find_binary(settings, module)
    if binary is None or binary.fingerprint != recipe.sources_key:
        raise BuildError(
            f"there is no {recipe.binary} that was built from these sources",
            remedy="Run `kubetalk sandbox build --istio`",
        )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kubetalk-wheel-") as folder:
        project = Path(folder)
        write_project(project, module, recipe, binary)
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(project / "out"), folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        if done.returncode != 0:
            raise BuildError(f"the wheel of {recipe.binary} could not be built", details=done.stdout + done.stderr)
        (wheel,) = (project / "out").iterdir()
        return Path(shutil.move(wheel, out / wheel.name))


def write_project(project: Path, module: str, recipe: Recipe, binary: Binary) -> None:
    """Everything that hatchling needs, in an empty folder."""
    package = WHEELS[module]
    programs = project / package / "bin"
    programs.mkdir(parents=True)
    (project / package / "__init__.py").write_text(f'"""Holds {recipe.binary} for kubetalk."""\n', encoding="utf-8")
    # With its mode: installers make a file executable that is so in the wheel.
    for name in (recipe.binary, *recipe.beside):
        shutil.copy(binary.path.with_name(name), programs)
    shutil.copy(binary.about, programs)
    for part in recipe.folders:
        shutil.copytree(binary.path.parent / part.target, programs / part.target)

    name, product = package.replace("_", "-"), MAIN_PRODUCT[module]
    description = f"{product.capitalize()} {binary.versions[product]} as the sandbox of kubetalk"
    versions = "\n".join(f"- {tool} {version}" for tool, version in binary.versions.items())
    (project / "README.md").write_text(
        README.format(name=name, description=description, versions=versions), encoding="utf-8"
    )
    quoted = {
        "name": name,
        "version": version_of(binary.versions[product]),
        "description": description,
        "package": package,
        "tag": tag_of(recipe),
    }
    (project / "pyproject.toml").write_text(
        PROJECT.format(kubetalk=__version__, **{key: json.dumps(value) for key, value in quoted.items()}),
        encoding="utf-8",
    )
    shutil.copy(Path(__file__).with_name("_wheel_tag.py"), project / "hatch_build.py")
    shutil.copy(ROOT / "LICENSE", project)
    (project / "THIRD-PARTY-LICENSES.txt").write_text(third_party_licences(recipe, find_go(recipe.go)), "utf-8")


def version_of(product: str) -> str:
    """``v1.36.4`` in kubetalk 0.1.0 is 1.36.4.0.1.0: sorts by what is inside, then by kubetalk."""
    return f"{product.removeprefix('v')}.{__version__}"


def tag_of(recipe: Recipe) -> str:
    """Static programs of Go run with any C library, on Linux from 3.2 on and on macOS from 12 on (Go 1.26's notes).

    Raises BuildError on other systems, and when the program may not be static.
    """
    machine = platform.machine().lower()
    if recipe.env.get("CGO_ENABLED") != "0":
        raise BuildError(f"{recipe.binary} may need a C library, as it is not built with CGO_ENABLED=0")
    match platform.system():
        case "Linux":
            places = [f"manylinux_2_17_{machine}", f"manylinux2014_{machine}", f"musllinux_1_1_{machine}"]
            return f"py3-none-{'.'.join(places)}"
        case "Darwin":
            return f"py3-none-macosx_12_0_{machine}"
        case other:
            raise BuildError(f"there is no wheel tag for {other}")


def third_party_licences(recipe: Recipe, go: Go) -> str:
    """The licence and notice files of every module that is linked in, and of Go; equal texts once.

    Raises BuildError if a module has none, or if Go cannot list them.
    """
    fields = "{{.Path}}\t{{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}\t{{.Dir}}"
    linked = ["-deps", *recipe.build_flags, "-f", "{{with .Module}}{{if not .Main}}" + fields + "{{end}}{{end}}"]
    copied = ["-m", "-f", fields, *(part.module for part in recipe.folders)] if recipe.folders else []
    lines = set(go_list(recipe, go, [*linked, recipe.package, *recipe.beside.values()]))
    lines |= set(go_list(recipe, go, copied) if copied else [])
    found: dict[str, list[str]] = defaultdict(list)
    for line in sorted(filter(None, lines)):
        path, version, folder = line.split("\t")
        texts = licence_files(Path(folder))
        if not texts:
            raise BuildError(f"the Go module {path} {version} has no licence file in {folder}")
        for file in texts:
            found[file.read_text(encoding="utf-8", errors="replace").strip()].append(f"{path} {version}: {file.name}")
    (go_home,) = go_list(recipe, go, [], command=("env", "GOROOT"))
    for file in licence_files(Path(go_home)):
        found[file.read_text(encoding="utf-8").strip()].append(f"Go {go.version}: {file.name}")
    rule = "=" * 100
    return "".join(f"{rule}\n{chr(10).join(names)}\n{rule}\n\n{text}\n\n" for text, names in found.items())


def licence_files(module: Path) -> list[Path]:
    """Licences, notices and patent grants in a module's own folder."""
    return sorted(
        path
        for path in module.iterdir()
        if path.is_file() and LICENCE.match(path.name) and path.suffix not in {".go", ".sh"}
    )


def go_list(recipe: Recipe, go: Go, arguments: Sequence[str], command: Sequence[str] = ("list",)) -> list[str]:
    """Lines that Go prints in the module's folder.

    Raises BuildError.
    """
    done = subprocess.run(
        [go.path, *command, *arguments],
        cwd=recipe.source,
        env=build_environment(recipe, go),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"go {command[0]} failed in {recipe.source}", details=done.stderr.strip()[-500:])
    return done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
