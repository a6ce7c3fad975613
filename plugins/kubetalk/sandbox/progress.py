"""Shows a build to people: a bar on a terminal, a plain line every quarter of a minute elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from kubetalk.model import Progress
from kubetalk.sandbox.building import BuildStep, Watch

LINE_EVERY_SECONDS = 15.0


@contextmanager
def shown_on(stream: TextIO) -> Iterator[Watch]:
    """A watch that draws on that stream, as fits it."""
    if not stream.isatty():
        yield plain(lambda line: _print(stream, line))
        return
    # Only a person at a terminal waits for a bar; everybody else is spared the import.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, TextColumn("{task.fields[current]}"), console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("downloading", total=None, current="")

        def watch(step: BuildStep) -> None:
            total = step.total or None
            bar.update(task, description=step.phase, completed=step.done, total=total, current=step.current[-60:])

        yield watch


def plain(say: Progress, clock: Callable[[], float] = time.monotonic) -> Watch:
    """A watch that says a line when the phase changes and every `LINE_EVERY_SECONDS`."""
    last_phase, last_time = "", 0.0

    def watch(step: BuildStep) -> None:
        nonlocal last_phase, last_time
        now = clock()
        if step.phase == last_phase and now - last_time < LINE_EVERY_SECONDS:
            return
        last_phase, last_time = step.phase, now
        say(describe(step))

    return watch


def describe(step: BuildStep) -> str:
    """One line: what is being done, how much of it, since when, and what just now."""
    minutes, seconds = divmod(int(step.elapsed), 60)
    elapsed = f"{minutes}:{seconds:02d} elapsed"
    if step.phase == "downloading":
        counted = f"downloaded {step.done} Go modules" if step.done else "looking up the Go modules"
    elif step.phase == "checking":
        counted = f"looking for {step.total} packages in Go's cache"
    elif step.phase == "linking":
        counted = f"compiled {step.total} of {step.total} packages, {elapsed}, linking"
        return f"sandbox: {counted}"
    else:
        counted = f"compiled {step.done} of {step.total} packages"
    return f"sandbox: {counted}, {elapsed}" + (f", {step.current}" if step.current else "")


def _print(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
