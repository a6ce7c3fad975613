"""This repository's own site, live: what its pages claim is what this version of everything prints."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.projects import Project, private_binaries
from tests.support.sites import ROOT

pytestmark = pytest.mark.live

DECKS = [f"site/{language}/talks/getting-started-istio/slides/index.html" for language in ("en", "ja")]


@dataclass(frozen=True)
class Built:
    """The site in a copy of this repository's docs, and what its build told."""

    project: Project
    docs: dict[str, bytes]
    """Before the build."""
    told: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with private_binaries("istio") as binaries:
        project = Project(tmp_path_factory.mktemp("own") / "project", binaries)
        shutil.copytree(ROOT / "docs", project.folder / "docs")
        shutil.copyfile(ROOT / "mkdocs.yml", project.folder / "mkdocs.yml")
        options = f"jobs: 2\n      provider: {{name: embedded, binaries: '{binaries}'}}"
        project.replace("mkdocs.yml", "  - kubetalk:\n", f"  - kubetalk:\n      {options}\n")
        docs = project.contents("docs")
        done = project.build("live", timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Built(project, docs, done.stderr)
        assert list(project.temporary.iterdir()) == []
        project.temporary.rmdir()


@pytest.mark.parametrize("deck", DECKS)
def test_both_decks_show_the_version_of_todays_server(built: Built, deck: str) -> None:
    about = json.loads((ROOT / "plugins/sandbox/core/build.json").read_text(encoding="utf-8"))
    assert about["versions"]["kubernetes"] in built.project.read(deck)


def test_a_build_leaves_the_documents_alone(built: Built) -> None:
    assert built.project.contents("docs") == built.docs


def test_what_is_committed_is_what_the_build_has_just_seen(built: Built) -> None:
    # The verdicts of `kubetalk check`, on the very sessions that the build has run: `diff` takes them from the cache.
    documents = {Path(name).parts[1] for name in built.docs if name.endswith("recording.yml")}
    done = built.project.kubetalk("diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"(?m)^([a-z0-9-]+): nothing to run", done.stderr)) == documents
    assert re.search(r"(?m)^\d+ fresh$", done.stdout)
    assert re.search(r"(?m)^docs/talks/getting-started-istio: ok, \d+ commands, [1-9]\d* diagrams? in ", done.stdout)
    assert "are not as recorded" not in built.told


def test_right_after_recording_a_check_is_green(built: Built) -> None:
    # The shortest of the documents; for the others the test above stands.
    place = "docs/pages/about"
    done = built.project.kubetalk("record", place)
    assert done.returncode == 0, done.stdout + done.stderr
    recorded = built.project.contents("docs")
    done = built.project.kubetalk("check", place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert built.project.contents("docs") == recorded
    changed = {name for name, content in recorded.items() if content != built.docs[name]}
    assert changed <= {"pages/about/recording.yml"}
