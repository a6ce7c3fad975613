"""`kill -9` of a build in the middle of a session: no process stays, nothing is lost, the next build works."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import Project, descendants, eventually, private_binaries, still_running

pytestmark = pytest.mark.live

PAGE = "docs/pages/note/"
EN = '# Note\n\n```console live id="ns"\n$ kubectl get namespaces\n```\n'
SLOW = EN.replace("namespaces\n", "namespaces\n$ sleep 300 & kubectl get namespaces --watch\n")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with private_binaries() as binaries:
        made = Project(tmp_path / "project", binaries)
        made.write(
            {
                PAGE + "page.yml": "title: {en: Note, ja: メモ}\n",
                PAGE + "en.md": EN,
                PAGE + "ja.md": '# メモ\n\n```console ref="ns"\n```\n',
            }
        )
        yield made
        shutil.rmtree(made.temporary)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_ended_build_leaves_no_process_and_loses_nothing(project: Project, ending: signal.Signals) -> None:
    assert project.kubetalk("record").returncode == 0
    assert project.build("replay").returncode == 0
    project.write({PAGE + "en.md": SLOW.replace('id="ns"', 'id="ns" within="200s"')})
    docs, site = project.contents("docs"), project.contents("site")
    with project.running("mkdocs", "build", until="2/2 sleep") as build:
        eventually(lambda: "sleep" in str(descendants(build.pid)), 20, "no sleep")
        started = descendants(build.pid)
        assert len(started) >= 8, started  # supervisor, control plane, shell, guard, what the session started
        os.kill(build.pid, ending)
        seconds = eventually(lambda: not still_running(started), 5, f"still there: {still_running(started)}")
    print(f"gone after {seconds:.1f} s")  # noqa: T201  the figure of the promise
    assert project.contents("docs") == docs
    assert project.contents("site") == site
    project.write({PAGE + "en.md": EN})
    done = project.build("live")
    assert done.returncode == 0, done.stderr
    assert list(project.temporary.glob("kt-*")) == []
    assert [path.name for path in project.folder.iterdir() if "staging" in path.name or "old" in path.name] == []
