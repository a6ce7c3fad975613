"""A pseudo-terminal that somebody else fills must not hold the session, nor its memory."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from kubetalk.running.screen import Screen
from tests.unit.running.conftest import Runner, run_step


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen(80)
    yield made
    made.close()


def filled(screen: Screen) -> int:
    """Write from the other side until nothing more goes in: bytes."""
    written = 0
    terminal = os.open(screen.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        with contextlib.suppress(BlockingIOError):
            while True:
                written += os.write(terminal, b"x" * 1000)
    finally:
        os.close(terminal)
    return written


def rest_of(screen: Screen, most: int) -> bytes:
    """What `Screen.rest` answers, on a thread of its own: when it hangs, the test fails and does not hang as well."""
    answers: list[bytes] = []
    thread = threading.Thread(target=lambda: answers.append(screen.rest(most)), daemon=True)
    thread.start()
    thread.join(60)
    assert answers, "it hangs"
    return answers[0]


def test_a_full_terminal_is_emptied(screen: Screen) -> None:
    written = filled(screen)
    assert rest_of(screen, 10**6) == b"x" * written
    assert rest_of(screen, 10**6) == b""


def test_no_more_than_is_wanted(screen: Screen) -> None:
    over = threading.Event()

    def flood() -> None:
        terminal = os.open(screen.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        while not over.is_set():
            with contextlib.suppress(BlockingIOError):
                os.write(terminal, b"x" * 1000)
        os.close(terminal)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        # One read beyond that is taken as it comes.
        assert len(rest_of(screen, 10_000)) < 10_000 + 65536
    finally:
        over.set()
        thread.join()


def test_what_a_command_left_on_the_terminal_counts_too(run: Runner) -> None:
    failure = run(run_step("head -c 20000 /dev/zero | tr '\\0' x", tty=True), output_limit=10_000).failure
    assert failure is not None
    assert "printed more than 10,000 bytes" in failure.message
