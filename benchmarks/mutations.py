"""No missed change: real changes of a cluster and of texts, beside exact text, a token comparator and a similarity.

Cluster: each change of drift_mutations.yml is made in a cluster that is put back before it, and every output it shows
in has to be flagged at its grade. Texts: the goldens of `comparing`, two fresh runs each and what was changed in one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from _comparators import OTHERS
from _figures import ROOT, Benchmark

from kubetalk import comparing, pipeline
from kubetalk import sandbox as sandboxes
from kubetalk.model import (
    BlockOptions,
    BlockRecord,
    Command,
    CommandRecord,
    Location,
    Provenance,
    Recording,
    RunStep,
    Sandbox,
    SandboxRequest,
    Session,
    Settings,
    SourceFile,
    Verdict,
)

CHANGES = Path(__file__).with_name("drift_mutations.yml")
GOLDENS = ROOT / "tests" / "goldens" / "comparing"
OURS = "kubetalk"
GRADES = {"major": Verdict.DRIFT_MAJOR, "minor": Verdict.DRIFT_MINOR}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two outputs of one command, and what kubetalk says of them."""

    command: str
    old: str
    new: str
    verdict: Verdict
    expected: Verdict
    told: str = ""
    codes: tuple[int, int] = (0, 0)

    def same(self, comparator: str) -> bool:
        """Whether that comparator calls the outputs the same; the others do not look at the exit code."""
        if comparator == OURS:
            return self.verdict is Verdict.FRESH
        return OTHERS[comparator](self.old, self.new)


def main() -> int:
    """Both halves, one table."""
    bench = Benchmark(__doc__.splitlines()[0])
    texts = list(text_pairs())
    real = cluster_pairs(bench, pipeline.settings_from_config(ROOT / "mkdocs.yml"))
    fresh = [pair for pair in texts if pair.expected is Verdict.FRESH]
    changed = real + [pair for pair in texts if pair.expected is not Verdict.FRESH]
    table(bench, fresh, changed)
    return bench.finish()


def table(bench: Benchmark, fresh: Sequence[Pair], changed: Sequence[Pair]) -> None:
    """All comparators side by side, then the figures of ours."""
    bench.note("fresh pairs", f"{len(fresh)}, of which {sum(p.old != p.new for p in fresh)} are not equal text")
    exits = sum(pair.codes[0] != pair.codes[1] for pair in changed)
    bench.note("changes", f"{len(changed)}, of which {exits} change the exit code")
    for name in (OURS, *OTHERS):
        false = sum(not pair.same(name) for pair in fresh)
        missed = sum(pair.same(name) for pair in changed)
        bench.note(name, f"{false} false drifts, {missed} missed changes")
    wrong = [pair for pair in (*fresh, *changed) if pair.verdict is not pair.expected]
    for pair in wrong:
        told = f"{pair.expected} expected, found {pair.verdict}: {pair.command[:90]!r} {pair.told}"
        print(f"  {told}", file=sys.stderr)
    missed = sum(pair.same(OURS) for pair in changed)
    bench.figure("text-false-drifts", sum(not pair.same(OURS) for pair in fresh), "pairs", 0)
    bench.figure("changes-missed", missed, "changes", 0)
    bench.figure("changes-wrong-grade", len(wrong) - missed, "changes", 0)
    bench.figure("changes", len(changed), "changes", 250, at_most=False)


# In the cluster


def cluster_pairs(bench: Benchmark, settings: Settings) -> list[Pair]:
    """Every change of the file (each sixth with --quick), in every output it shows in."""
    plan = yaml.safe_load(CHANGES.read_text(encoding="utf-8"))
    changes = plan["changes"][::6] if bench.quick else plan["changes"]
    started = time.perf_counter()
    found: list[Pair] = []
    with tempfile.TemporaryDirectory(prefix="kt-") as folder:
        work = Path(folder) / "w"
        work.mkdir()
        with sandboxes.provider_for(settings).start(SandboxRequest(), Path(folder) / "s", lambda _: None) as sandbox:
            shell = Shell(sandbox, work)
            written(plan["files"], work)
            setup = [shell.run(command) for command in plan["setup"]]
            if failed := next((record for record in setup if record.exit_code), None):
                raise SystemExit(f"the set-up failed: {failed.command}\n{failed.output}")
            sandbox.checkpoint("base")
            base = {name: shell.look(name, command) for name, command in plan["looks"].items()}
            for number, change in enumerate(changes, 1):
                print(f"  change {number} of {len(changes)}: {change['change'][:90]}", file=sys.stderr)
                sandbox.restore("base")
                found += made(change, plan["looks"], base, setup, shell, plan["files"])
    seconds = time.perf_counter() - started
    bench.note("in the cluster", f"{len(changes)} changes, seen in {len(found)} outputs, {seconds:.0f} s")
    return found


class Shell:
    """Commands by hand in the sandbox, each in a bash of its own."""

    def __init__(self, sandbox: Sandbox, work: Path) -> None:
        self.work = work
        self._environment = dict(sandbox.environment)

    def run(self, command: str) -> CommandRecord:
        """One command's record."""
        done = subprocess.run(
            ["bash", "--norc", "--noprofile", "-c", command],
            cwd=self.work,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return CommandRecord(command, done.stdout, done.returncode)

    def settled(
        self, command: str, is_done: Callable[[CommandRecord], bool] = lambda _: True, seconds: float = 20
    ) -> CommandRecord:
        """The record once it is as wanted (or the time is over) and two looks in a row say the same."""
        before = self.run(command)
        end = time.monotonic() + seconds
        while True:
            time.sleep(0.4)
            record = self.run(command)
            stable = comparing.is_stable(before.output, record.output, command)
            if (stable and is_done(record)) or time.monotonic() > end:
                return record
            before = record

    def look(
        self, name: str, command: str, is_done: Callable[[CommandRecord], bool] = lambda _: True, seconds: float = 20
    ) -> CommandRecord:
        """The settled record of a look; one that changes something is run once."""
        return self.run(command) if name == "apply" else self.settled(command, is_done, seconds)


def made(
    change: Mapping[str, Any],
    looks: Mapping[str, str],
    base: Mapping[str, CommandRecord],
    setup: list[CommandRecord],
    shell: Shell,
    files: Mapping[str, str],
) -> Iterator[Pair]:
    """The pairs of one change: each look at it beside the same look before."""
    beside = written({**files, **change.get("files", {})}, shell.work)
    chart = shell.work / "shop" / "Chart.yaml"
    original = chart.read_text(encoding="utf-8")
    done = shell.run(change["change"])
    for name, pattern in change.get("until", {}).items():
        shell.settled(looks[name], contains(pattern), 60)
    # What looks by changing something comes last.
    for name, grade in sorted(change["sees"].items(), key=lambda item: item[0] == "apply"):
        old = base[name]
        new = shell.look(name, old.command, differs(old), 8)
        steps = tuple(itertools.starmap(step, enumerate([*setup, old])))
        session = Session("mutations", SandboxRequest(), steps, beside)
        *_, comparison = comparing.compare(session, recording([*setup, old]), recording([*setup, new]))
        reasons = "; ".join(difference.message for difference in comparison.differences) or comparison.reason
        told = f"after {done.command!r} ({done.output.strip()[:80]}): {reasons}"
        codes = old.exit_code, new.exit_code
        yield Pair(old.command, old.output, new.output, comparison.verdict, GRADES[grade], told, codes)
    chart.write_text(original, encoding="utf-8")


def written(files: Mapping[str, str], work: Path) -> tuple[SourceFile, ...]:
    """The files, now in the working directory."""
    sources = []
    for name, content in sorted(files.items()):
        path = work / name
        path.write_text(content, encoding="utf-8")
        sources.append(SourceFile(name, path, hashlib.sha256(content.encode()).hexdigest()))
    return tuple(sources)


def contains(pattern: str) -> Callable[[CommandRecord], bool]:
    """Whether an output has the expression in it."""
    return lambda record: re.search(pattern, record.output) is not None


def differs(old: CommandRecord) -> Callable[[CommandRecord], bool]:
    """Whether an output is another one."""
    return lambda record: record.output != old.output


def step(index: int, record: CommandRecord) -> RunStep:
    """The step that would have run it."""
    return RunStep("all", index, Command(record.command, (), Location(CHANGES.name)), BlockOptions())


def recording(records: Sequence[CommandRecord]) -> Recording:
    """A recording of one block."""
    provenance = Provenance(dt.datetime.now(dt.UTC), "embedded", simulated=True)
    return Recording("mutations", provenance, (BlockRecord("all", tuple(records)),))


# In texts


def text_pairs() -> Iterator[Pair]:
    """Of every golden: its two fresh runs, and each change made in the text of the second."""
    for path in sorted(GOLDENS.glob("*.yml")):
        case = yaml.safe_load(path.read_text(encoding="utf-8"))["input"]
        command, code = case["command"], case.get("exit_code", 0)
        first, second = form(case, "first", case["first"], code), form(case, "second", case["second"], code)
        yield Pair(command, case["first"], case["second"], verdict(first, second), Verdict.FRESH, path.stem)
        for mutation in case["mutations"]:
            changed = case["second"]
            for old, new in mutation["replace"]:
                changed = changed.replace(old, new)
            codes = code, mutation.get("exit_code", code)
            found = verdict(second, form(case, "second", changed, codes[1]))
            told = f"{path.stem}: {mutation['what']}"
            yield Pair(command, case["second"], changed, found, GRADES[mutation["grade"]], told, codes)


def form(case: Mapping[str, Any], side: str, output: str, code: int) -> comparing.Canonical:
    """The canonical form with what earlier commands of the case taught."""
    names = comparing.Names()
    for earlier in case.get("earlier", []):
        comparing.canonical(earlier["command"], earlier[side], names=names)
    return comparing.canonical(case["command"], output, exit_code=code, names=names)


def verdict(old: comparing.Canonical, new: comparing.Canonical) -> Verdict:
    """The worst of their differences."""
    grades = Counter(difference.verdict for difference in comparing.differences(old, new))
    return next((grade for grade in GRADES.values() if grades[grade]), Verdict.FRESH)


if __name__ == "__main__":
    sys.exit(main())
