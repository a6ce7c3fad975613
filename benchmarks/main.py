"""The main job: how fast a sandbox answers, what a warm build costs, what a session adds to its commands.

Three figures of the sandbox, from nothing (an empty folder, no seed): first answered `kubectl get ns`, three pods of a
Deployment Running, memory (PSS of all its processes). Then `scripts/build` with every session already verified, side by
side with `mkdocs build` of the same Markdown with Material alone. Then one document's session, side by side with its
commands run by hand in one bash on the same kind of fresh sandbox.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from _figures import ROOT, Benchmark, interleaved, timed

from kubetalk import pipeline, reading
from kubetalk import sandbox as sandboxes
from kubetalk.model import Document, FileStep, RunStep, Session, Settings
from kubetalk.pipeline.performing import run_in
from kubetalk.sandbox.binaries import Binary, ensure_binary

MIB = 1024 * 1024
PODS = 3


def main() -> int:
    """Runs the three parts."""
    bench = Benchmark(__doc__.splitlines()[0])
    settings = pipeline.settings_from_config(ROOT / "mkdocs.yml")
    measure_sandbox(bench, settings)
    measure_warm_build(bench)
    measure_session(bench, settings)
    return bench.finish()


# The sandbox


def measure_sandbox(bench: Benchmark, settings: Settings) -> None:
    """From nothing to answers, several times."""
    binary = ensure_binary(settings.provider, quiet)
    runs = [sandbox_run(binary) for _ in range(1 if bench.quick else 5)]
    answered, running, memory = (list(column) for column in zip(*runs, strict=True))
    bench.times("sandbox: first `kubectl get ns`", answered)
    bench.times(f"sandbox: {PODS} pods Running", running)
    bench.note("sandbox: memory (PSS)", f"{statistics.median(memory):.0f} MiB")
    bench.figure("sandbox-first-answer", statistics.median(answered), "s", 4.5)
    bench.figure("sandbox-pods-running", statistics.median(running), "s", 7)
    bench.figure("sandbox-memory", statistics.median(memory), "MiB", 450)


def sandbox_run(binary: Binary) -> tuple[float, float, float]:
    """Seconds to the first answer, seconds to all pods Running, MiB of PSS at that moment."""
    with tempfile.TemporaryDirectory(prefix="kt-") as folder:
        box = Path(folder) / "s"
        started = time.perf_counter()
        process = subprocess.Popen(
            [binary.supervisor, "--program", binary.path, "--dir", box],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": folder},
        )
        try:
            poll(box, ["get", "ns"], lambda out: "kube-system" in out, started)
            answered = time.perf_counter() - started
            create = ["create", "deployment", "web", "--image=nginx", f"--replicas={PODS}"]
            poll(box, create, lambda _: True, started)
            phases = ["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.phase}"]
            poll(box, phases, lambda out: out.split() == ["Running"] * PODS, started)
            running = time.perf_counter() - started
            return answered, running, pss(process) / MIB
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


def poll(box: Path, arguments: list[str], is_done: Callable[[str], bool], started: float) -> None:
    """Repeats a kubectl command until it succeeds and its output is as wanted."""
    while True:
        if (box / "kubeconfig").is_file() and (box / "bin" / "kubectl").exists():
            done = subprocess.run(
                [box / "bin" / "kubectl", *arguments],
                env={"KUBECONFIG": str(box / "kubeconfig"), "HOME": str(box / "home"), "PATH": str(box / "bin")},
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            if done.returncode == 0 and is_done(done.stdout):
                return
        if time.perf_counter() - started > 60:
            raise SystemExit(f"the sandbox did not answer `kubectl {' '.join(arguments)}` within a minute")
        time.sleep(0.02)


def pss(process: subprocess.Popen[str]) -> int:
    """Bytes of proportional memory of all parts, as the supervisor tells."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"id": 1, "op": "status"}) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        answer = json.loads(line)
        if answer.get("id") == 1:
            return sum(part["pss"] for part in answer["parts"])
        if answer.get("event") == "failed":
            raise SystemExit(f"the sandbox failed: {answer['reason']}")
    raise SystemExit("the sandbox ended before it told its memory")


# The warm build


def measure_warm_build(bench: Benchmark) -> None:
    """`scripts/build` when nothing is left to run, beside MkDocs and Material with the same Markdown."""
    with tempfile.TemporaryDirectory(prefix="kubetalk-plain-") as folder:
        plain = plain_project(Path(folder))
        build = ROOT / "scripts" / "build"
        timed([build])  # whatever is not verified yet runs here
        mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict"]
        values = interleaved(
            2 if bench.quick else 7,
            {
                "scripts/build": lambda: timed([build]),
                "plain mkdocs": lambda: timed(mkdocs, cwd=plain, NO_MKDOCS_2_WARNING="1"),
            },
        )
        bench.times("build: scripts/build, warm", values["scripts/build"])
        bench.times("build: plain mkdocs with Material", values["plain mkdocs"])
        for name, site in (("ours", ROOT / "site"), ("plain", plain / "site")):
            bench.note(f"build: pages and words, {name}", f"{len(pages(site))} pages, {words(site)} words")
    ratio = statistics.median(values["scripts/build"]) / statistics.median(values["plain mkdocs"])
    bench.figure("warm-build", ratio, "times", 1.5)


def plain_project(folder: Path) -> Path:
    """The same Markdown as ordinary pages; live blocks are plain code blocks there."""
    for source in sorted((ROOT / "docs").rglob("*.md")):
        target = folder / "docs" / source.relative_to(ROOT / "docs")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    config = {
        "site_name": "Plain",
        "site_url": "https://plain.example.org/",
        "theme": {"name": "material", "font": False},
        "plugins": ["search"],
        "markdown_extensions": ["pymdownx.highlight", "pymdownx.superfences"],
        "validation": {"links": {"not_found": "ignore", "unrecognized_links": "ignore", "anchors": "ignore"}},
    }
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def pages(site: Path) -> list[Path]:
    """The HTML files of a site."""
    return sorted(site.rglob("*.html"))


def words(site: Path) -> int:
    """Words of all pages, markup included: that nothing was left out, not more."""
    return sum(len(path.read_text(encoding="utf-8").split()) for path in pages(site))


# The session


def measure_session(bench: Benchmark, settings: Settings) -> None:
    """The longest session of the site, beside its commands in one bash."""
    document, session = longest_session(settings)
    outputs: dict[str, int] = {}

    def engine() -> float:
        with fresh_sandbox(settings, session) as (sandbox, folder):
            started = time.perf_counter()
            recording = run_in(document, session, sandbox, folder / "w", progress=quiet)
            seconds = time.perf_counter() - started
        outputs["engine"] = sum(len(block.commands) for block in recording.blocks)
        return seconds

    def by_hand() -> float:
        with fresh_sandbox(settings, session) as (sandbox, folder):
            script, work = hand_script(session, folder / "h")
            seconds = timed_in_shell(script, work, sandbox.environment)
            check_exit_codes(session, folder / "h")
        return seconds

    values = interleaved(1 if bench.quick else 5, {"session": engine, "by hand": by_hand})
    bench.times(f"session: {document.id}", values["session"])
    bench.times("session: its commands by hand in one bash", values["by hand"])
    bench.note("session: commands", f"{outputs['engine']} recorded, {len(session.commands)} by hand")
    # Each round has its own pair, so that a slow minute of the machine does not count for one side only.
    overhead = [ours / theirs - 1 for ours, theirs in zip(values["session"], values["by hand"], strict=True)]
    bench.figure("session-overhead", 100 * statistics.median(overhead), "%", 10)


def longest_session(settings: Settings) -> tuple[Document, Session]:
    """The live document with the most commands."""
    live = [document for document in reading.read_project(settings).documents if document.is_live]
    pairs = [(document, reading.plan_session(document)) for document in live]
    return max(pairs, key=lambda pair: len(pair[1].commands))


@contextmanager
def fresh_sandbox(settings: Settings, session: Session) -> Iterator[tuple[Any, Path]]:
    """A pristine sandbox of the kind the document asks for, and a folder beside it."""
    with tempfile.TemporaryDirectory(prefix="kt-") as name:
        folder = Path(name)
        with sandboxes.provider_for(settings).start(session.request, folder / "s", quiet) as sandbox:
            yield sandbox, folder


def hand_script(session: Session, folder: Path) -> tuple[Path, Path]:
    """What a person would paste: the commands in order; a polled one is repeated until its pattern is seen."""
    work = folder / "work"
    work.mkdir(parents=True)
    for file in session.files:
        target = work / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.source_path, target)
    note_code = f"printf '%s\\n' $? >>'{folder / 'codes'}'"
    lines = []
    for number, step in enumerate(session.steps):
        if isinstance(step, FileStep):
            prepared = folder / f"file-{number}"
            prepared.write_text(step.content, encoding="utf-8")
            lines.append(f"mkdir -p \"$(dirname '{step.path}')\"; cp '{prepared}' '{step.path}'")
        elif isinstance(step, RunStep) and step.options.until:
            command = folder / f"command-{number}.sh"
            command.write_text(step.command.source + "\n", encoding="utf-8")
            pattern = step.options.until.replace("'", "'\\''")
            lines.append(f"until bash '{command}' 2>&1 | grep -E '{pattern}' >/dev/null; do sleep 0.1; done")
            lines.append(note_code)
        elif isinstance(step, RunStep):
            lines += [step.command.source, note_code]
    script = folder / "by-hand.sh"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return script, work


def timed_in_shell(script: Path, work: Path, environment: Mapping[str, str]) -> float:
    """Wall time of the script."""
    started = time.perf_counter()
    with (work.parent / "output").open("wb") as output:
        subprocess.run(
            [shutil.which("bash") or "/bin/bash", script],
            cwd=work,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=900,
            check=False,
        )
    return time.perf_counter() - started


def check_exit_codes(session: Session, folder: Path) -> None:
    """The commands by hand must have ended as their blocks say: what fails early is no work to compare with."""
    codes = [int(line) for line in (folder / "codes").read_text(encoding="utf-8").split()]
    wanted = [step.options.exit for step in session.commands]
    if codes != wanted:
        output = (folder / "output").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"by hand the commands ended with {codes} instead of {wanted}:\n{output}")


def quiet(_: str) -> None:
    """Progress is for people who wait for a build, not for a table."""


if __name__ == "__main__":
    sys.exit(main())
