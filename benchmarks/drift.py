"""No false drift: every document of the site and of the corpus on fresh sandboxes, each run compared with the first.

`KUBETALK_BENCH_RUNS` sets the number of sandboxes per document (10; 2 with --quick). Missed changes: `scripts/bench
mutations`.
"""

from __future__ import annotations

import os
import sys
import time

from _figures import ROOT, Benchmark

from kubetalk import comparing, pipeline, reading, sandbox
from kubetalk.model import Document, Settings, Verdict
from kubetalk.pipeline.performing import run_live

CONFIGS = (ROOT / "mkdocs.yml", ROOT / "tests/live/corpus/mkdocs.yml")
_LINES = 10_000


def main() -> int:
    """Prints the table and the figures; 1 if one is short."""
    benchmark = Benchmark(__doc__ or "")
    _speed(benchmark)
    _reruns(benchmark)
    return benchmark.finish()


def _speed(benchmark: Benchmark) -> None:
    rows = "".join(f"web-7d9c{n:06d}-abcde   1/1     Running   0          {n % 59}s\n" for n in range(_LINES))
    table = "NAME                     READY   STATUS    RESTARTS   AGE\n" + rows
    started = time.perf_counter()
    forms = [comparing.canonical("kubectl get pods", table) for _ in range(2)]
    assert comparing.differences(forms[0], forms[1]) == ()
    benchmark.figure("compare-10000-lines", time.perf_counter() - started, "s", 0.5)


def _reruns(benchmark: Benchmark) -> None:
    runs = int(os.environ.get("KUBETALK_BENCH_RUNS", "0")) or (2 if benchmark.quick else 10)
    drifts = commands = 0
    for config in CONFIGS:
        settings = pipeline.settings_from_config(config)
        for document in reading.read_project(settings).documents:
            if document.is_live:
                found, compared = _rerun(settings, document, runs)
                drifts += found
                commands += compared
    benchmark.note("fresh runs per document, commands compared", f"{runs}, {commands}")
    benchmark.figure("re-runs-drifts", drifts, "drifts", 0)


def _rerun(settings: Settings, document: Document, runs: int) -> tuple[int, int]:
    session = reading.plan_session(document)
    provider = sandbox.provider_for(settings)
    drifts = commands = 0
    first = None
    for number in range(runs):
        print(f"  {document.id}: run {number + 1} of {runs}", file=sys.stderr)
        recording = run_live(document, session, provider, progress=lambda _: None)
        if first is None:
            first = recording
            continue
        for comparison in comparing.compare(session, first, recording):
            commands += 1
            if comparison.verdict is not Verdict.FRESH:
                drifts += 1
                reasons = "; ".join(d.message for d in comparison.differences) or comparison.reason
                print(f"    {comparison.location}: {comparison.command}: {reasons}", file=sys.stderr)
    return drifts, commands


if __name__ == "__main__":
    sys.exit(main())
