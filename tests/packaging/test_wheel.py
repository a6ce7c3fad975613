"""The wheel as somebody else gets it: complete, and working in a folder that is not this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
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
        timeout=600,
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
    assert {"core/go.mod", "core/go.sum", "core/build.json", "core/main.go"} <= go
    assert {f"kubetalk/_sandbox_sources/{name}" for name in go} <= names_in(wheel)
    with zipfile.ZipFile(wheel) as archive:
        heads = {info.filename: archive.open(info).read(4) for info in archive.infolist()}
    assert [name for name, head in heads.items() if head == b"\x7fELF"] == []


def test_an_sdist_needs_no_npm(tmp_path: Path) -> None:
    for name in ("sdist", "unpacked", "wheel", "bin"):
        (tmp_path / name).mkdir()
    sdist = build_package("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert shutil.which("npm", path=str(tmp_path / "bin")) is None
    built = build_package("wheel", source, tmp_path / "wheel", PATH=str(tmp_path / "bin"))
    assert "kubetalk/theme/assets/vendor/reveal/reveal.js" in names_in(built)
    assert "kubetalk/_sandbox_sources/core/go.mod" in names_in(built)


def test_another_project_builds_its_own_talk(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    programs = tmp_path / "venv" / "bin"
    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt", cwd=tmp_path)
    run(*pip, "--no-deps", wheel, cwd=tmp_path)
    run(programs / "python", "-m", "pip", "check", cwd=tmp_path)

    project = tmp_path / "project"
    talk = project / "docs" / "talks" / "hello-cluster"
    talk.mkdir(parents=True)
    (project / "mkdocs.yml").write_text(
        "site_name: Somebody else's talks\n"
        "site_url: https://talks.example.org/\n"
        "theme: {name: material, font: false}\n"
        "plugins:\n"
        "  - kubetalk\n",
        encoding="utf-8",
    )
    (talk / "talk.yml").write_text(
        "title: {en: Hello cluster, ja: こんにちはクラスタ}\ndate: 2026-11-20\n", encoding="utf-8"
    )
    (talk / "en.md").write_text("# Hello cluster\n\nNobody was harmed.\n\n---\n\n## Second slide\n", encoding="utf-8")
    (talk / "ja.md").write_text("# こんにちはクラスタ\n\n無事です。\n\n---\n\n## 二枚目\n", encoding="utf-8")

    run(
        programs / "mkdocs",
        "build",
        "--strict",
        cwd=project,
        KUBETALK_EXECUTION="replay",
        PYTHONPATH="",
        NO_MKDOCS_2_WARNING="1",
    )

    for language, words in (("en", "Nobody was harmed."), ("ja", "無事です。")):
        page = project / "site" / language / "talks" / "hello-cluster"
        assert words in (page / "index.html").read_text(encoding="utf-8")
        assert words in (page / "slides" / "index.html").read_text(encoding="utf-8")
    assert list((project / "site").rglob("reveal.js")), "the deck's own reveal.js is part of the site"
