"""No false drift, and what comparing costs.

The speed of comparing; a session of 50 commands beside the same commands in one bash; an edit of the last of 20 on a
warm sandbox; then every document of the site and of the corpus on fresh sandboxes, each run compared with the first.
`KUBETALK_BENCH_RUNS` sets the number of sandboxes per document (10; 2 with --quick), `KUBETALK_BENCH_PARTS` which of
`speed sessions reruns` are measured (all). Missed changes: `scripts/bench mutations`.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from _figures import ROOT, Benchmark, interleaved

from kubetalk import comparing, pipeline, reading, recordings, running, sandbox
from kubetalk.errors import KubetalkError
from kubetalk.model import (
    BlockOptions,
    Command,
    Comparison,
    Document,
    Location,
    Recording,
    RunStep,
    SandboxRequest,
    Session,
    Verdict,
)
from kubetalk.pipeline.performing import private_folder, run_live

CONFIGS = (ROOT / "mkdocs.yml", ROOT / "tests/live/corpus/mkdocs.yml")
LINES = 10_000
RANDOM = "bcdfghjklmnpqrstvwxz2456789"
HASH = "456789bcdf"


def main() -> int:
    """Prints the table and the figures; 1 if one is short."""
    benchmark = Benchmark((__doc__ or "").splitlines()[0])
    measures: dict[str, Callable[[Benchmark], None]] = {"speed": speed, "sessions": sessions, "reruns": reruns}
    for part in os.environ.get("KUBETALK_BENCH_PARTS", "").split() or measures:
        if part not in measures:
            raise SystemExit(f"KUBETALK_BENCH_PARTS: there is no {part!r}; there are: {' '.join(measures)}")
        measures[part](benchmark)
    return benchmark.finish()


# Comparing


def pods(lines: int, run: int) -> list[str]:
    """`kubectl get pods` of Deployments of ten pods each: the same in every run but for the pods' names and ages."""
    fixed, chance = random.Random(0), random.Random(run)  # noqa: S311 - names, no secrets
    rows = ["NAME                         READY   STATUS    RESTARTS   AGE"]
    for number in range(lines):
        if number % 10 == 0:
            workload = f"app{number // 10}-" + "".join(fixed.choices(HASH, k=10))
        name = f"{workload}-" + "".join(chance.choices(RANDOM, k=5))
        rows.append(f"{name:<29}1/1     Running   0          {chance.randrange(2, 60)}s")
    return rows


def config_maps(lines: int, run: int) -> list[str]:
    """`kubectl get configmap -o yaml`, ten lines each."""
    chance = random.Random(run)  # noqa: S311 - ids, no secrets
    rows = ["apiVersion: v1", "items:"]
    for number in range(lines // 10):
        rows += [
            "- apiVersion: v1", "  data:", f"    key: value {number}", "  kind: ConfigMap", "  metadata:",
            f'    creationTimestamp: "2026-01-01T00:00:{chance.randrange(10, 60)}Z"', f"    name: settings-{number}",
            "    namespace: default", f'    resourceVersion: "{chance.randrange(1000)}"',
            f"    uid: 12345678-1234-1234-1234-{chance.randrange(10**11, 10**12)}",
        ]  # fmt: skip
    return [*rows, "kind: List", "metadata:", '  resourceVersion: ""']


def speed(benchmark: Benchmark) -> None:
    """Canonical form of both sides and their differences, without and with a change; twice the lines, about twice."""
    runs = 3 if benchmark.quick else 9
    kinds: dict[str, tuple[str, Callable[[int, int], list[str]], Callable[[list[str]], list[str]], int]] = {
        "a table": ("kubectl get pods", pods, lambda rows: rows, 0),
        "a table, a cell changed": ("kubectl get pods", pods, changed_cell, 1),
        "a table, a row gone": ("kubectl get pods", pods, lambda rows: rows[:5000] + rows[5001:], 1),
        "YAML": ("kubectl get configmap -o yaml", config_maps, lambda rows: rows, 0),
        "text": ("cat notes.txt", lambda n, _: [f"line {i} of a text" for i in range(n)], lambda rows: rows, 0),
    }
    worst = 0.0
    for name, (command, make, change, changes) in kinds.items():
        sides = [(make(lines, 1), change(make(lines, 2))) for lines in (LINES, 2 * LINES)]
        # Both lengths in every round: a machine that slows down for a while must not look like quadratic time.
        rounds = [[compared(command, *side, changes) for side in sides] for _ in range(runs)]
        wall, cpu = median([once for once, _ in rounds])
        times = statistics.median(twice[1] / once[1] for once, twice in rounds)
        told = f"{wall:.3f} s, {cpu:.3f} s of CPU; twice as many lines: {times:.2f} times the CPU"
        benchmark.note(f"comparing {LINES:,} lines: {name}", told)
        if name == "a table":  # CPU time is what it takes on a machine that does nothing else
            benchmark.figure("compare-10000-lines", cpu, "CPU-s", 0.5)
        worst = max(worst, times)
    benchmark.figure("compare-20000-to-10000-lines", worst, "times", 3)


def median(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Of wall and CPU seconds."""
    wall, cpu = zip(*pairs, strict=True)
    return statistics.median(wall), statistics.median(cpu)


def changed_cell(rows: list[str]) -> list[str]:
    """The rows, one pod in trouble."""
    return [*rows[:5000], rows[5000].replace("Running", "Evicted"), *rows[5001:]]


def compared(command: str, old: list[str], new: list[str], changes: int) -> tuple[float, float]:
    """Wall and CPU seconds; SystemExit unless it finds as many differences as there are."""
    texts = "\n".join(old), "\n".join(new)
    started = time.perf_counter(), time.process_time()
    found = comparing.differences(*[comparing.canonical(command, text) for text in texts])
    taken = time.perf_counter() - started[0], time.process_time() - started[1]
    if len(found) != changes:
        raise SystemExit(f"{command}: {changes} differences expected, found {[d.message for d in found[:3]]}")
    return taken


# Sessions


LOOKS = ("kubectl get ns", "kubectl get svc -A", "kubectl get nodes -o wide", "kubectl get cm -A", "kubectl version")


def session_of(commands: Sequence[str]) -> Session:
    """One block per command, as on a page."""
    steps = [
        RunStep(f"b{n}", 0, Command(source, (), Location("bench.md", n + 1)), BlockOptions())
        for n, source in enumerate(commands)
    ]
    return Session("bench", SandboxRequest(), tuple(steps))


def sessions(benchmark: Benchmark) -> None:
    """What the engine adds to the commands, and how soon an edited last command has its new output."""
    provider = sandbox.provider_for(pipeline.settings_from_config(CONFIGS[0]))
    numbers = itertools.count()
    with private_folder() as folder, provider.start(SandboxRequest(), folder / "s", lambda _: None) as cluster:

        def run(commands: Sequence[str], workspace: Path, states: Path | None = None) -> float:
            session = session_of(commands)
            result = running.run_session(
                session,
                cluster,
                workspace=workspace,
                prune=lambda _: (),
                progress=lambda _: None,
                keys=recordings.key_chain(session, cluster.facts),
                states=states,
            )
            if result.failure:
                raise SystemExit(str(result.failure))
            if states:
                keys = recordings.key_chain(session, cluster.facts)
                running.rewind(session, cluster, workspace=workspace, keys=keys, states=states)
            return result.seconds

        fifty = [LOOKS[n % len(LOOKS)] for n in range(50)]
        script = folder / "fifty.sh"
        script.write_text("\n".join(fifty) + "\n", encoding="utf-8")

        def by_hand() -> float:
            started = time.perf_counter()
            bash = ["bash", "--norc", "--noprofile", str(script)]
            environment = dict(cluster.environment)
            subprocess.run(bash, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            return time.perf_counter() - started

        by_hand()
        rounds = 2 if benchmark.quick else 5
        engine: dict[str, Callable[[], float]] = {
            "in a session": lambda: run(fifty, folder / f"w{next(numbers)}"),
            "in one bash": by_hand,
        }
        taken = interleaved(rounds, engine)
        for name, values in taken.items():
            benchmark.times(f"50 commands {name}", values)
        added = [100 * (ours / theirs - 1) for ours, theirs in zip(*taken.values(), strict=True)]
        benchmark.figure("engine-overhead", statistics.median(added), "%", 3)

        twenty = ["kubectl create ns shop", *fifty[:18]]
        edited: list[float] = []
        for number in range(3 if benchmark.quick else 6):
            seconds = run([*twenty, f"kubectl create cm edit-{number} -n shop"], folder / "warm", folder / "states")
            if number:  # before, everything ran
                edited.append(seconds)
        benchmark.times("the last of 20 commands edited", edited)
        benchmark.figure("edit-of-last-of-20", statistics.median(edited), "s", 2)


# Re-runs


def reruns(benchmark: Benchmark) -> None:
    """In rounds, so that a benchmark that is ended early has told of every document."""
    runs = int(os.environ.get("KUBETALK_BENCH_RUNS", "0")) or (2 if benchmark.quick else 10)
    planned: list[tuple[sandbox.Provider, Document, Session]] = []
    for config in CONFIGS:
        settings = pipeline.settings_from_config(config)
        provider = sandbox.provider_for(settings)
        live = [document for document in reading.read_project(settings).documents if document.is_live]
        planned += [(provider, document, reading.plan_session(document)) for document in live]
    first: dict[str, Recording] = {}
    drifts: Counter[str] = Counter()
    failures = commands = 0
    for number in range(1, runs + 1):
        for provider, document, session in planned:
            label = f"  run {number} of {runs}: {document.id}"
            try:
                recording = run_live(document, session, provider, progress=lambda _: None)
            except KubetalkError as error:
                failures += 1
                print(f"{label}: FAILED: {error}\n{error.details}", file=sys.stderr, flush=True)
                continue
            before = first.setdefault(document.id, recording)
            found = comparing.compare(session, before, recording) if before is not recording else ()
            drifted = [comparison for comparison in found if comparison.verdict is not Verdict.FRESH]
            commands += len(found)
            drifts[document.id] += len(drifted)
            print(f"{label}: {len(session.commands)} commands, {len(drifted)} drifts", file=sys.stderr, flush=True)
            for comparison in drifted:
                print(f"    {told(comparison)}", file=sys.stderr, flush=True)
    counts = f"{len(planned)}, {sum(len(session.commands) for _, _, session in planned)}"
    benchmark.note("documents, their commands", counts)
    benchmark.note("fresh sandboxes per document, commands compared", f"{runs}, {commands}")
    benchmark.note("documents with drifts", ", ".join(f"{name} ({n})" for name, n in drifts.items() if n) or "none")
    benchmark.figure("re-runs-drifts", sum(drifts.values()), "drifts", 0)
    benchmark.figure("re-runs-failures", failures, "runs", 0)


def told(comparison: Comparison) -> str:
    """Where, what, and why."""
    reasons = "; ".join(difference.message for difference in comparison.differences) or comparison.reason
    return f"{comparison.location}: {comparison.command}: {reasons}"


if __name__ == "__main__":
    sys.exit(main())
