"""`mkdocs serve` with live blocks: an edit of the last block is on the page soon, and nothing stays afterwards."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.projects import Project, descendants, eventually, private_binaries, still_running

pytestmark = pytest.mark.live

PAGE = "docs/pages/note/"


def text(last: str) -> str:
    """Twenty commands, the last one in a block of its own."""
    commands = "\n".join(["$ kubectl create namespace shop", *["$ kubectl get namespaces"] * 18])
    return f'# Note\n\n```console live id="many"\n{commands}\n```\n\n```console live id="last"\n$ {last}\n```\n'


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with private_binaries() as binaries:
        made = Project(tmp_path / "project", binaries)
        made.write({PAGE + "page.yml": "title: Note\nlanguages: [en]\n", PAGE + "en.md": text("echo one $((6 * 7))")})
        yield made
        assert list(made.temporary.iterdir()) == []
        made.temporary.rmdir()


def test_an_edit_of_the_last_block_is_on_the_page_soon(project: Project) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = project.folder.parent / "log"
    with log.open("w", encoding="utf-8") as output:
        serve = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", address],
            cwd=project.folder,
            env=project.environment("auto"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def shows(words: str) -> bool:
        if serve.poll() is not None:
            pytest.fail(log.read_text(encoding="utf-8"))
        try:
            with urllib.request.urlopen(f"http://{address}/en/note/", timeout=60) as page:
                return words in page.read().decode()
        except OSError:
            return False

    def is_put_back() -> bool:
        """Whether the cluster stands where the next edit of the last block begins."""
        return any(
            path.read_text(encoding="utf-8") != "elsewhere" for path in project.temporary.glob("*/states/standing")
        )

    seconds = []
    try:
        eventually(lambda: shows("one 42"), 120, "no first page")
        for number in range(3):
            eventually(is_put_back, 60, "the sandbox was not put back")
            words = f"edit {number} 49"
            begun = time.monotonic()
            project.write({PAGE + "en.md": text(f"echo edit {number} $((7 * 7))")})
            eventually(partial(shows, words), 60, words)
            seconds.append(time.monotonic() - begun)
        started = descendants(serve.pid)
        said = log.read_text(encoding="utf-8")
        assert (said.count(": 1/20 "), said.count(": 20/20 ")) == (1, 4)
    finally:
        serve.send_signal(signal.SIGINT)
        serve.wait(30)
    print("seconds to the edited page:", [round(value, 2) for value in seconds])  # noqa: T201  the figure
    eventually(lambda: not still_running(started), 5, f"still there: {still_running(started)}")
    # The limit of the figure is 2 s on an idle machine (`scripts/bench drift`); here it only must not be a whole run.
    assert min(seconds) < 10
