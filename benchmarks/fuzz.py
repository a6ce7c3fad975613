"""Fuzzing of the parser and of the canonical form: no crash, no hang, and the properties hold.

`KUBETALK_FUZZ_MINUTES` (10; 1 with --quick) are shared by the properties of tests/unit, run with fresh random seeds and
with texts up to a hundred times as long, each example under a bound of CPU time in proportion to its length; a fifth of
them goes to atheris, which looks for inputs that reach new code. It is installed into an environment of its own.
"""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from _figures import ROOT, Benchmark
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

ATHERIS = "atheris==3.0.0"
SECONDS, SECONDS_PER_CHARACTER, HANG = 2.0, 0.0002, 120
"""CPU time of one example: a bound for any, more for a longer one; wall seconds after which it hangs."""
Property = Callable[[Any], None]


def main() -> int:
    """Runs all of them in turns until the time is up."""
    benchmark = Benchmark((__doc__ or "").splitlines()[0])
    minutes = float(os.environ.get("KUBETALK_FUZZ_MINUTES", "0")) or (1.0 if benchmark.quick else 10.0)
    sys.path.insert(0, str(ROOT))
    started = time.monotonic()
    print(f"  atheris: {minutes * 12:.0f} s", file=sys.stderr, flush=True)
    executions, crashed = coverage_guided(minutes * 12)
    properties = collected()
    examples: Counter[str] = Counter()
    failed: dict[str, str] = {}
    signal.signal(signal.SIGALRM, hangs)
    while time.monotonic() - started < minutes * 60:
        for name, (strategy, check) in properties.items():
            if name not in failed and (why := round_of(name, strategy, check, examples)):
                failed[name] = why
                print(f"{name}:\n{why}", file=sys.stderr, flush=True)
    for name in properties:
        benchmark.note(name, f"{examples[name]:,} examples" + (", FAILED" if name in failed else ""))
    benchmark.note("atheris", f"{executions:,} executions" + (", FAILED" if crashed else ""))
    benchmark.note("minutes", f"{(time.monotonic() - started) / 60:.1f}")
    benchmark.figure("fuzz-failures", len(failed) + crashed, "properties", 0)
    benchmark.figure("fuzz-examples", sum(examples.values()), "examples", 1000, at_most=False)
    return benchmark.finish()


def collected() -> dict[str, tuple[st.SearchStrategy[Any], Property]]:
    """The properties by name, each with the texts it is tried on."""
    reading: Any = importlib.import_module("tests.unit.reading.test_properties")
    comparing: Any = importlib.import_module("tests.unit.comparing.test_properties")
    pieces = st.lists(st.sampled_from(comparing.PIECES), min_size=1, max_size=30).map("".join)
    long_outputs = st.tuples(pieces, st.integers(1, 300), pieces).map(lambda parts: parts[0] * parts[1] + parts[2])
    outputs = comparing.outputs | long_outputs
    fences = st.lists(reading.PIECES, min_size=1, max_size=40).map("".join)
    long_texts = st.tuples(fences, st.integers(1, 300), fences).map(lambda parts: parts[0] * parts[1] + parts[2])
    texts = fences | long_texts
    kinds = st.sampled_from(list(reading.Kind))
    matches = st.sampled_from(list(comparing.Match))
    rows = st.lists(st.lists(comparing.cells, min_size=6, max_size=6), min_size=1, max_size=8)
    inner = {
        module: {name: unwrapped(function) for name, function in vars(module).items() if name.startswith("test_")}
        for module in (reading, comparing)
    }
    of_texts, of_forms = inner[reading], inner[comparing]
    return {
        "parser: any text is read": (st.tuples(texts, kinds), spread(of_texts["test_texts_never_crash"])),
        "parser: printing is the inverse of reading": (
            reading.live_texts(), of_texts["test_printing_is_the_inverse_of_reading"],
        ),
        "parser: info strings": (st.text(max_size=200), of_texts["test_info_strings_never_crash"]),
        "canonical form: reads as itself": (
            st.tuples(comparing.commands, outputs), spread(of_forms["test_the_printed_form_reads_as_itself"]),
        ),
        "canonical form: differences": (
            st.tuples(comparing.commands, outputs, outputs, matches),
            spread(of_forms["test_nothing_crashes_and_differences_exist_only_between_different_forms"]),
        ),
        "canonical form: a mask never crosses a cell": (
            st.tuples(rows, st.data()), spread(of_forms["test_a_mask_never_crosses_a_cell"]),
        ),
        "canonical form: order of rows": (
            st.tuples(rows.filter(lambda found: len(found) > 1), st.randoms(use_true_random=False)),
            spread(of_forms["test_the_order_of_rows_counts_only_when_sorted"]),
        ),
    }  # fmt: skip


def unwrapped(test: Any) -> Property:
    """The function below `given`."""
    handle = getattr(test, "hypothesis", None)
    return handle.inner_test if handle else test  # type: ignore[no-any-return]


def spread(check: Callable[..., None]) -> Property:
    """The check of a tuple's members."""
    return lambda values: check(*values)


def round_of(name: str, strategy: st.SearchStrategy[Any], check: Property, examples: Counter[str]) -> str:
    """A hundred examples of one property; what went wrong, or nothing."""

    @seed(secrets.randbits(64))
    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(strategy)
    def one(value: Any) -> None:
        examples[name] += 1
        size = sum(len(part) for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str))
        signal.alarm(HANG)
        started = time.process_time()
        try:
            check(value)
        finally:
            signal.alarm(0)
        seconds = time.process_time() - started
        assert seconds <= SECONDS + SECONDS_PER_CHARACTER * size, f"{seconds:.1f} s for {size} characters"

    try:
        one()
    except Exception:  # noqa: BLE001 - whatever it is, it is a finding
        return traceback.format_exc()
    return ""


def hangs(_signal: int, frame: FrameType | None) -> None:
    """What the alarm does."""
    raise TimeoutError(f"no end after {HANG} s, in {frame}")


TARGET = """
import sys
import atheris
with atheris.instrument_imports(include=["kubetalk.comparing", "kubetalk.reading"]):
    from kubetalk import comparing
    from kubetalk.reading.texts import collect_text
from kubetalk.model import Kind
from tests.unit.comparing.test_properties import COMMANDS

def one(data):
    provider = atheris.FuzzedDataProvider(data)
    choice = provider.ConsumeIntInRange(0, len(COMMANDS))
    text = provider.ConsumeUnicodeNoSurrogates(4096)
    if choice == len(COMMANDS):
        collect_text(text, "x.md", "en", kind=Kind.TALK, errors=[])
        return
    form = comparing.canonical(COMMANDS[choice], text)
    again = comparing.canonical(COMMANDS[choice], str(form))
    assert again == form, (COMMANDS[choice], text)
    assert comparing.differences(form, again) == (), (COMMANDS[choice], text)

atheris.Setup(sys.argv, one)
atheris.Fuzz()
"""


def coverage_guided(seconds: float) -> tuple[int, int]:
    """(executions, crashes) of atheris with the outputs of the goldens as its first inputs."""
    with tempfile.TemporaryDirectory(prefix="kt-fuzz-") as folder:
        place = Path(folder)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run([*install, "--target", place / "atheris", ATHERIS], check=False, timeout=300)
        if done.returncode:
            raise SystemExit(f"{ATHERIS} cannot be installed here: no wheel for this Python, or no package index")
        (place / "seeds").mkdir()
        for number, path in enumerate(sorted((ROOT / "tests" / "goldens" / "comparing").glob("*.yml"))):
            text = yaml.safe_load(path.read_text(encoding="utf-8"))["input"]["first"]
            (place / "seeds" / f"{number}").write_bytes(text.encode()[:4096] + bytes([number % 256]))
        (place / "target.py").write_text(TARGET, encoding="utf-8")
        paths = os.pathsep.join(map(str, (place / "atheris", ROOT, ROOT / "plugins")))
        limits = [f"-max_total_time={int(seconds)}", f"-timeout={HANG}", "-rss_limit_mb=0", "-print_final_stats=1"]
        log = subprocess.run(
            [sys.executable, place / "target.py", *limits, f"-artifact_prefix={place}/", place / "seeds"],
            cwd=place,
            env={"PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": paths},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
            timeout=seconds * 4 + 300,
        )  # fmt: skip
    count = next((line.rpartition(":")[2] for line in log.stdout.splitlines() if "number_of_executed_units" in line), 0)
    if log.returncode or not count:
        print(log.stdout[-6000:], file=sys.stderr, flush=True)
    return int(count), int(log.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
