"""A part of the sandbox that dies during a command: the command is ended at once, the error names the part."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import Project, descendants, private_binaries, programs_of

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
        assert programs_of(binaries) == {}
        shutil.rmtree(made.temporary)


def arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


@pytest.mark.parametrize("part", ["etcd", "kube-apiserver"])
def test_the_command_ends_and_the_part_is_named(project: Project, part: str) -> None:
    record = subprocess.Popen(
        [sys.executable, "-m", "kubetalk.cli", "record"],
        cwd=project.folder,
        env=project.environment("live"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert record.stdout is not None
    with record, record.stdout:
        try:
            seen = next((line for line in record.stdout if "1/1 kubectl" in line), "")
            assert seen, "the session did not get to its command"
            (pid,) = [pid for pid in descendants(record.pid) if part in arguments(pid)[1:2]]
            os.kill(pid, signal.SIGKILL)
            assert record.wait(LIMIT) != 0
        finally:
            record.terminate()
        rest = record.stdout.read()
    assert "the session could not go on" in rest
    assert part in rest
