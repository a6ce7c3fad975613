"""What every benchmark needs: interleaved runs, medians, a table for people, a line per figure, JSON, an exit code."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value with its limit."""

    name: str
    value: float
    unit: str
    limit: float
    at_most: bool = True
    """False when the value has to reach the limit instead of staying below it."""

    @property
    def ok(self) -> bool:
        """Whether the limit is kept; the value as printed decides, so that the line and the verdict agree."""
        shown = float(f"{self.value:.3g}")
        return shown <= self.limit if self.at_most else shown >= self.limit

    @property
    def line(self) -> str:
        """The line that programs read."""
        verdict = "ok" if self.ok else "short"
        return f"figure {self.name} {self.value:.3g} {self.unit} limit {self.limit:g} {verdict}"


class Benchmark:
    """Collects what a benchmark found out and ends it."""

    def __init__(self, description: str, arguments: Sequence[str] | None = None) -> None:
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--quick", action="store_true", help="fewer runs; the values jitter more")
        parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
        parsed = parser.parse_args(arguments)
        self.quick: bool = parsed.quick
        self._json: Path | None = parsed.json
        self._figures: list[Figure] = []
        self._rows: list[tuple[str, str]] = []

    def note(self, name: str, value: object) -> None:
        """A row of the table: a time, or a count that proves the work was the same."""
        self._rows.append((name, str(value)))

    def times(self, name: str, seconds: Sequence[float]) -> None:
        """A row with the median, the range and the number of runs."""
        self.note(
            name,
            f"{statistics.median(seconds):.2f} s  ({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)} runs)",
        )

    def figure(self, name: str, value: float, unit: str, limit: float, *, at_most: bool = True) -> None:
        """A value with a limit; one that is short makes the exit code 1."""
        self._figures.append(Figure(name, value, unit, limit, at_most))

    def finish(self) -> int:
        """Prints everything, writes the JSON file, and returns the exit code."""
        width = max((len(name) for name, _ in self._rows), default=0)
        for name, value in self._rows:
            print(f"{name:<{width}}  {value}")
        print()
        for figure in self._figures:
            print(figure.line)
        if self._json:
            figures = [{**asdict(figure), "ok": figure.ok} for figure in self._figures]
            result = {"figures": figures, "table": dict(self._rows), "quick": self.quick}
            self._json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return int(not all(figure.ok for figure in self._figures))


def interleaved(runs: int, variants: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Runs every variant once per round, in turns, so that what the machine does meanwhile hits all alike.

    Each variant returns its own value (usually seconds); the lists are in the order of the rounds.
    """
    values: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(runs):
        # The order alternates: whoever comes second in a round finds warmer caches.
        for name in names if number % 2 == 0 else reversed(names):
            print(f"  round {number + 1} of {runs}: {name}", file=sys.stderr)
            values[name].append(variants[name]())
    return values


def timed(command: Sequence[str | Path], *, cwd: Path = ROOT, timeout: float = 900, **environment: str) -> float:
    """Wall time of a command that must succeed, in seconds.

    Python may keep its bytecode, as it does unless somebody forbids it: pip has compiled the other tools already.

    Raises SystemExit with its output if it fails: a failed run has no time.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed with {done.returncode}:\n{done.stdout}")
    return seconds
