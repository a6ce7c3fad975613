"""A part of the sandbox that dies during a command: the command is ended at once, the error names the part."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import Project, descendants, private_binaries

pytestmark = pytest.mark.live

PAGE = "docs/pages/note/"
LIMIT = 60
"""Seconds; the command itself would go on for 300."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with private_binaries() as binaries:
        made = Project(tmp_path / "project", binaries)
        made.write(
            {
                PAGE + "page.yml": "title: {en: Note, ja: メモ}\n",
                PAGE + "en.md": '# Note\n\n```console live id="ns" timeout="300s"\n$ kubectl get ns; sleep 290\n```\n',
                PAGE + "ja.md": '# メモ\n\n```console ref="ns"\n```\n',
            }
        )
        yield made
        shutil.rmtree(made.temporary)


def arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


@pytest.mark.parametrize("part", ["etcd", "kube-apiserver"])
def test_the_command_ends_and_the_part_is_named(project: Project, part: str) -> None:
    with project.running("kubetalk.cli", "record", until="1/1 kubectl") as record:
        (pid,) = [pid for pid in descendants(record.pid) if part in arguments(pid)[1:2]]
        os.kill(pid, signal.SIGKILL)
        assert record.wait(LIMIT) != 0
        assert record.stdout is not None
        rest = record.stdout.read()
    assert "the session could not go on" in rest
    assert part in rest
