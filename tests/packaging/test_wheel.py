"""The wheel as somebody else gets it: complete, and working in a folder that is not this repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.packaging


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=1800,  # the sandbox's binary may have to be built
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_package(kind: str, source: Path, target: Path, **environment: str) -> Path:
    """Builds with the locked backend of this environment and returns the one file that came out."""
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        f"--{kind}",
        "--outdir",
        target,
        source,
        cwd=target,
        **environment,
    )
    (package,) = target.iterdir()
    return package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def sources_below(folder: str, *, pattern: str = "*") -> set[str]:
    """The files git knows below a folder of the repository, relative to it."""
    listed = run("git", "ls-files", "--", f"{folder}/{pattern}", cwd=ROOT).splitlines()
    return {name.removeprefix(f"{folder}/") for name in listed}


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    package = sources_below("plugins/kubetalk")
    assert {"py.typed", "errors.py"} <= package
    assert any(name.startswith("theme/i18n/") for name in package)
    assert any(name.startswith("theme/templates/") for name in package)
    assert {f"kubetalk/{name}" for name in package} <= names_in(wheel)


def test_the_wheel_holds_the_browser_assets_with_their_licences(wheel: Path) -> None:
    vendor = "kubetalk/theme/assets/vendor"
    assert {
        f"{vendor}/reveal/reveal.js",
        f"{vendor}/reveal/reveal.css",
        f"{vendor}/reveal/plugin/notes.js",
        f"{vendor}/reveal/LICENSE",
        f"{vendor}/fonts/ibm-plex-sans-latin-wght-normal.woff2",
        f"{vendor}/fonts/jetbrains-mono-latin-wght-normal.woff2",
        f"{vendor}/fonts/noto-emoji.css",
        f"{vendor}/fonts/noto-emoji-10-400-normal.woff2",
        f"{vendor}/fonts/LICENSE-noto-emoji",
        f"{vendor}/fonts/LICENSE-ibm-plex-sans",
        f"{vendor}/fonts/LICENSE-jetbrains-mono",
    } <= names_in(wheel)
    with zipfile.ZipFile(wheel) as archive:
        assert b"`6.0.2`" in archive.read(f"{vendor}/reveal/reveal.js")  # its VERSION


def test_the_wheel_holds_the_go_sources_and_no_binary(wheel: Path) -> None:
    go = sources_below("plugins/sandbox")
    assert {"core/go.mod", "core/go.sum", "core/build.json", "core/cmd/kubetalk-sandbox/main.go"} <= go
    assert {f"kubetalk/_sandbox_sources/{name}" for name in go} <= names_in(wheel)
    with zipfile.ZipFile(wheel) as archive:
        heads = {info.filename: archive.open(info).read(4) for info in archive.infolist()}
    assert [name for name, head in heads.items() if head == b"\x7fELF"] == []


def test_an_sdist_needs_no_npm(tmp_path: Path) -> None:
    for name in ("sdist", "unpacked", "wheel", "bin"):
        (tmp_path / name).mkdir()
    sdist = build_package("sdist", ROOT, tmp_path / "sdist")
    # Python's own way without a warning is younger than the Python of Debian 12.
    subprocess.run(["tar", "--extract", "--file", sdist, "--directory", tmp_path / "unpacked"], check=True)
    (source,) = (tmp_path / "unpacked").iterdir()
    assert shutil.which("npm", path=str(tmp_path / "bin")) is None
    built = build_package("wheel", source, tmp_path / "wheel", PATH=str(tmp_path / "bin"))
    assert "kubetalk/theme/assets/vendor/reveal/reveal.js" in names_in(built)
    assert "kubetalk/_sandbox_sources/core/go.mod" in names_in(built)


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that `pip install kubetalk` has made."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt", cwd=folder)
    run(*pip, "--no-deps", wheel, cwd=folder)
    run(programs / "python", "-m", "pip", "check", cwd=folder)
    return programs


README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN_SITE = README.partition("## In your own site\n")[2].partition("\n## Blocks, options, verdicts\n")[0]


TEXTS = ("talk.yml", "en.md", "ja.md")
FENCES = re.DOTALL | re.MULTILINE


def test_the_readme_holds_for_another_project(programs: Path, tmp_path: Path) -> None:
    """Its files and its commands as they stand there, in a folder that is not this repository."""
    files = re.findall(r"`([\w/]+\.(?:yml|md))`:\n\n(`{3,})\w+\n(.*?)\n\2\n", OWN_SITE, re.DOTALL)
    assert [name for name, _, _ in files] == ["mkdocs.yml", *(f"docs/talks/hello/{x}" for x in TEXTS)]
    for name, _, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content + "\n", encoding="utf-8")
    install, *commands = re.findall(
        r"^\$ (.+)$", "".join(re.findall(r"^```console\n(.*?)^```", OWN_SITE, FENCES)), re.MULTILINE
    )
    assert install == "pip install kubetalk"
    assert commands == ["kubetalk sandbox build", "mkdocs build", "kubetalk record"]
    asked = {name: "" for name in os.environ if name.startswith("KUBETALK_")}
    for command in commands:
        program, *arguments = command.split()
        run(programs / program, *arguments, cwd=tmp_path, PYTHONPATH="", NO_MKDOCS_2_WARNING="1", **asked)
    for language in ("en", "ja"):
        page = tmp_path / "site" / language / "talks" / "hello"
        for html in (page / "index.html", page / "slides" / "index.html"):
            text = html.read_text(encoding="utf-8")
            assert "kt-verified" in text
            assert "sandbox-control-plane" in text
    assert list((tmp_path / "site").rglob("reveal.js")), "the deck's own reveal.js is part of the site"
    assert "kubectl get nodes" in (tmp_path / "docs/talks/hello/recording.yml").read_text(encoding="utf-8")


def test_a_machine_without_a_sandbox_is_told_what_to_do(programs: Path, tmp_path: Path) -> None:
    talk = tmp_path / "docs" / "talks" / "hello"
    talk.mkdir(parents=True)
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nplugins: [kubetalk: {languages: [en]}]\n", encoding="utf-8")
    (talk / "talk.yml").write_text("title: Hello\n", encoding="utf-8")
    (talk / "en.md").write_text("# Hello\n\n```console live\n$ kubectl get nodes\n```\n", encoding="utf-8")
    done = subprocess.run(
        [programs / "mkdocs", "build"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "Run `kubetalk sandbox build`" in done.stderr
    assert "Traceback" not in done.stderr
