"""The embedded sandbox: how long until it answers, what a checkpoint and a restore cost, memory, and does it ever fail.

Starts from nothing (an empty cache, so no seed) and from a seed take turns. A start counts from the call in Python to
the first `kubectl get ns` that succeeds, to all nodes Ready (the sandbox is then handed over), and to three pods of a
Deployment Ready. Istio's part installs it, injects, and begins on a layer in which it is installed. The last part
starts and stops, and restores, again and again, and counts failures and what is left behind. `KUBETALK_BENCH_PARTS`
names the parts to measure (`starts checkpoints istio endurance build`; all). The build's figures need
`KUBETALK_BENCH_BUILD=relink` (a change of our own code) or `=cold` (also everything from empty caches, a quarter of an
hour): they need both cores for themselves.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from _figures import Benchmark, interleaved

from kubetalk.errors import SandboxError
from kubetalk.model import Layer, ProviderSettings, SandboxRequest
from kubetalk.sandbox.binaries import ensure_binary
from kubetalk.sandbox.building import BuildStep, build
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.memory import needed_memory
from kubetalk.sandbox.pool import SandboxPool
from kubetalk.sandbox.recipe import Recipe, load_recipe
from kubetalk.sandbox.toolchain import find_go

MIB = 1 << 20
PODS = 3
REQUEST = SandboxRequest()
PARTS = ("starts", "checkpoints", "istio", "endurance", "build")
INSTALL = "istioctl install --set profile=minimal -y"
UIDS = "kubectl get pods -o jsonpath={.items[*].metadata.uid}"
LABEL = "kubectl create namespace demo && kubectl label namespace demo istio-injection=enabled"


@dataclass(frozen=True, slots=True)
class Start:
    """One start, in seconds since the call."""

    first_answer: float
    nodes_ready: float
    pods_ready: float
    memory: float
    """PSS of all processes, bytes, before any checkpoint: what a build holds, which makes none."""
    disk: float
    """Bytes."""


def main() -> int:
    """Runs the parts."""
    bench = Benchmark(__doc__.splitlines()[0])
    parts = os.environ.get("KUBETALK_BENCH_PARTS", "").split() or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"KUBETALK_BENCH_PARTS: no part {', '.join(sorted(unknown))}; there are: {' '.join(PARTS)}")
    found = {module: ensure_binary(ProviderSettings(), tell, module=module) for module in ("core", "istio")}
    with tempfile.TemporaryDirectory(prefix="kt-bench-bin-") as name:
        # In a folder of its own: whatever is built meanwhile, all parts measure the same.
        folder = Path(name)
        for binary in found.values():
            shutil.copytree(binary.path.parent, folder, dirs_exist_ok=True)
        provider = EmbeddedProvider(ProviderSettings(binaries=name))
        if "starts" in parts:
            measure_starts(bench, provider)
        if "checkpoints" in parts:
            measure_checkpoints(bench, provider)
            measure_spare(bench, provider)
        if "istio" in parts:
            measure_istio(bench, provider)
        if "endurance" in parts:
            measure_endurance(bench, provider, folder / found["core"].path.name)
    if "build" in parts:
        measure_build(bench)
    return bench.finish()


@contextmanager
def folders(*, empty_cache: bool) -> Iterator[Path]:
    """A place for a sandbox's files; with an empty cache there is no seed in it."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory(prefix="kt-bench-") as name:
        if empty_cache:
            os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        try:
            yield Path(name) / "s"
        finally:
            if before is None:
                os.environ.pop("XDG_CACHE_HOME", None)
            else:
                os.environ["XDG_CACHE_HOME"] = before


# Starts


def measure_starts(bench: Benchmark, provider: EmbeddedProvider) -> None:
    """From nothing and from a seed, in turns."""
    with folders(empty_cache=False) as folder:
        provider.start(REQUEST, folder, quiet).close()  # makes the seed, should there be none
    seen: dict[str, list[Start]] = {"from nothing": [], "from a seed": []}

    def once(name: str) -> Callable[[], float]:
        def run() -> float:
            start = measured_start(provider, empty_cache=name == "from nothing")
            seen[name].append(start)
            return start.first_answer

        return run

    interleaved(2 if bench.quick else 10, {name: once(name) for name in seen})
    limits = {"from nothing": (3.5, 4.5, 5.5), "from a seed": (2.5, 3.0, 4.0)}
    for name, starts in seen.items():
        short = name.rsplit(" ", maxsplit=1)[-1]
        for field, limit in zip(("first_answer", "nodes_ready", "pods_ready"), limits[name], strict=True):
            values = [getattr(start, field) for start in starts]
            bench.times(f"{name}: {field.replace('_', ' ')}", values)
            bench.figure(f"start-{short}-{field.replace('_', '-')}", statistics.median(values), "s", limit)
    memory = statistics.median(start.memory for start in seen["from nothing"]) / MIB
    disk = statistics.median(start.disk for start in seen["from nothing"]) / MIB
    bench.note("what a build holds: memory (PSS) before any checkpoint, and disk", f"{memory:.0f} MiB, {disk:.0f} MiB")
    bench.figure("memory-in-a-build", memory, "MiB", 420)
    bench.figure("disk", disk, "MiB", 150)


def measured_start(provider: EmbeddedProvider, *, empty_cache: bool) -> Start:
    """One start and its end; the first answer is asked for from outside, as soon as there is a kubeconfig."""
    with folders(empty_cache=empty_cache) as folder, ThreadPoolExecutor(1) as starter:
        begun = time.perf_counter()
        starting = starter.submit(provider.start, REQUEST, folder, quiet)
        while not starting.done() and not first_answer(folder):
            time.sleep(0.02)
        answered = time.perf_counter() - begun
        with starting.result() as sandbox:
            ready = time.perf_counter() - begun
            run(sandbox, f"kubectl create deployment web --image=nginx --replicas={PODS}")
            run(sandbox, "kubectl rollout status deployment web --timeout=60s")
            pods = time.perf_counter() - begun
            if run(sandbox, "kubectl get pods --no-headers").count(" 1/1 ") != PODS:
                raise SystemExit("the pods are not Ready, there is no time to tell")
            status = sandbox.status()
            memory = float(sum(part["pss"] for part in status["parts"]))
            if bool(sandbox.seeded) is empty_cache:
                raise SystemExit("this start was not of the kind it should have been")
    return Start(answered, ready, pods, memory, float(status["bytes"]))


def first_answer(folder: Path) -> bool:
    """Whether `kubectl get ns` succeeds by now.

    Not tried before somebody listens: a kubectl every few milliseconds would take a core from the start it waits for.
    """
    for box in folder.glob("kt-*/box"):
        if (box / "kubeconfig").is_file() and (box / "bin" / "kubectl").exists() and listens(box / "kubeconfig"):
            environment = {"KUBECONFIG": str(box / "kubeconfig"), "HOME": str(folder), "PATH": str(box / "bin")}
            command = [str(box / "bin" / "kubectl"), "get", "ns"]
            done = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False)
            return done.returncode == 0 and b"kube-system" in done.stdout
    return False


def listens(kubeconfig: Path) -> bool:
    """Whether the server of a kubeconfig accepts connections."""
    server = re.search(r"server: https://127\.0\.0\.1:(\d+)", kubeconfig.read_text(encoding="utf-8"))
    if server is None:
        return False
    try:
        socket.create_connection(("127.0.0.1", int(server[1])), timeout=1).close()
    except OSError:
        return False
    return True


def run(sandbox: EmbeddedSandbox, command: str) -> str:
    """What a command of a session prints; it has to succeed."""
    arguments = ["/bin/bash", "--noprofile", "--norc", "-c", command]
    done = subprocess.run(
        arguments, env=dict(sandbox.environment), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{command} failed: {done.stdout}{done.stderr}")
    return done.stdout


# Checkpoints


def measure_checkpoints(bench: Benchmark, provider: EmbeddedProvider) -> None:
    """Checkpoints and restores of one sandbox with something in it; every restore is looked at."""
    saves, restores, warm = [], [], []
    with folders(empty_cache=False) as folder, provider.start(REQUEST, folder, quiet) as sandbox:
        run(
            sandbox, "kubectl create deployment web --image=nginx --replicas=3 && kubectl rollout status deployment web"
        )
        for number in range(2 if bench.quick else 10):
            saves.append(seconds(lambda: sandbox.checkpoint("here")))
            before = run(sandbox, UIDS)
            run(sandbox, f"kubectl delete deployment web && kubectl create ns later-{number}")
            restores.append(seconds(lambda: sandbox.restore("here")))
            if run(sandbox, UIDS) != before:
                raise SystemExit("a restore was not exact, its time says nothing")
            run(sandbox, "kubectl delete deployment web")
            taken, uids = answered_when_put_back(sandbox, "here", UIDS)
            if uids != before:
                raise SystemExit("a restore was not exact, its time says nothing")
            warm.append(taken)
        parts = sandbox.status()["parts"]
        loaded = sum(part["pss"] for part in parts if part["state"] == "loaded") / MIB
        between = sum(part["pss"] for part in parts) / MIB
    bench.times("checkpoint", saves)
    bench.times("restore to a checkpoint, without a spare", restores)
    bench.times("first answer at a checkpoint after an edit, put back meanwhile", warm)
    told = f"{between:.0f} MiB, {loaded:.0f} of it loaded for the next restore"
    bench.note("what `mkdocs serve` holds between restores: memory (PSS)", told)
    bench.figure("checkpoint", statistics.median(saves), "s", 0.15)
    bench.figure("restore", statistics.median(restores), "s", 3)
    # What one is reckoned with when there is to be another (memory.py).
    bench.figure("memory-between-restores", between, "MiB", needed_memory(REQUEST, with_checkpoints=True) / MIB)
    bench.figure("restore-put-back-meanwhile", statistics.median(warm), "s", 1)


def answered_when_put_back(sandbox: EmbeddedSandbox, name: str, command: str) -> tuple[float, str]:
    """Seconds to the first answer of a cluster that was put back while nobody waited, and that answer.

    As `mkdocs serve` does it when the author has the page: the next edit is being typed meanwhile.
    """
    sandbox.restore(name)
    begun = time.perf_counter()
    answer = run(sandbox, command)
    return time.perf_counter() - begun, answer


def measure_spare(bench: Benchmark, provider: EmbeddedProvider) -> None:
    """Back to the empty cluster with a spare that was started meanwhile, to its first answer."""
    with folders(empty_cache=False) as folder, SandboxPool(provider, folder) as pool:
        values = [answered_by_spare(pool, REQUEST, folder) for _ in range(2 if bench.quick else 10)]
    bench.times("back to the empty cluster, warm spare", values)
    bench.figure("restore-empty-warm-spare", statistics.median(values), "s", 1)


def answered_by_spare(pool: SandboxPool, request: SandboxRequest, folder: Path) -> float:
    """Seconds to the first answer of a spare whose start is over: the author has typed for a while."""
    if not pool.prepare(request):
        raise SystemExit("there is not enough memory for a spare")
    prepared = pool._spare  # noqa: SLF001
    if prepared is None:
        raise SystemExit("the spare is gone")
    prepared[1].result(120)
    begun = time.perf_counter()
    with pool.start(request, folder, quiet) as sandbox:
        run(sandbox, "kubectl get ns")  # type: ignore[arg-type]
        return time.perf_counter() - begun


# Istio


def measure_istio(bench: Benchmark, provider: EmbeddedProvider) -> None:
    """Installing, injecting and memory; then the same from a layer, which is to cost nothing beyond a restore.

    Both are measured in two states. With nothing prepared, no program is loaded, as it is where memory is short; a
    start then has a supervisor to load too, which a restore has. With all that can be, the cluster is put back, or a
    spare is started, while nobody waits.
    """
    installs, injected, memory, plain, layered, spared = [], [], [], [], [], []
    restores, unloaded, meanwhile = [], [], []
    wanted = SandboxRequest(istio=True)
    on_layer = replace(wanted, layer=Layer("bench-istio", (INSTALL, LABEL)))
    with folders(empty_cache=True) as folder:
        begun = time.perf_counter()
        provider.start(on_layer, folder, quiet).close()
        bench.note("a layer with Istio: made and begun with, once", f"{time.perf_counter() - begun:.2f} s")
        for number in range(2 if bench.quick else 10):
            progress("istio", number, 2 if bench.quick else 10, every=1)
            begun = time.perf_counter()
            with provider.start(wanted, folder, quiet) as sandbox:
                plain.append(time.perf_counter() - begun)
                installs.append(seconds(lambda: run(sandbox, INSTALL)))
                run(sandbox, LABEL)
                memory.append(sum(part["pss"] for part in sandbox.status()["parts"]) / MIB)
                sandbox.checkpoint("installed")
                injected.append(inject(sandbox))
                restores.append(seconds(lambda: sandbox.restore("installed")))
                inject(sandbox)
                meanwhile.append(answered_when_put_back(sandbox, "installed", "kubectl get ns")[0])
                inject(sandbox)
                unloaded.append(restored_unloaded(sandbox, "installed"))
                inject(sandbox)
            begun = time.perf_counter()
            with provider.start(on_layer, folder, quiet) as sandbox:
                layered.append(time.perf_counter() - begun)
                injected.append(inject(sandbox))
            # As a build of several documents has it: the next one's sandbox is started while this one's session runs.
            with SandboxPool(provider, folder) as pool:
                spared.append(answered_by_spare(pool, on_layer, folder))
    bench.times("start with Istio available", plain)
    bench.times(INSTALL, installs)
    bench.times(f"{PODS} injected replicas to 2/2", injected)
    bench.times("restore with istiod", restores)
    bench.times("restore with istiod, no program loaded", unloaded)
    bench.times("start on the layer with Istio", layered)
    bench.times("first answer with istiod, put back meanwhile", meanwhile)
    bench.times("first answer on the layer, warm spare", spared)
    bench.note("memory (PSS) with istiod, before any checkpoint", f"{statistics.median(memory):.0f} MiB")
    unprepared = statistics.median(layered) - statistics.median(unloaded)
    prepared = statistics.median(spared) - statistics.median(meanwhile)
    bench.figure("istio-install", statistics.median(installs), "s", 5)
    bench.figure("istio-from-layer-beyond-restore", unprepared, "s", 0)
    bench.figure("istio-from-layer-beyond-restore-warm-spare", prepared, "s", 0)
    bench.figure("istio-from-layer-warm-spare", statistics.median(spared), "s", 1)
    bench.figure("istio-restore", statistics.median(restores), "s", 3)
    bench.figure("istio-injected-ready", statistics.median(injected), "s", 1.5)
    bench.figure("istio-memory-in-a-build", statistics.median(memory), "MiB", 750)


def restored_unloaded(sandbox: EmbeddedSandbox, name: str) -> float:
    """Seconds of a restore that loads its programs itself, as a start does."""
    supervisor = sandbox._supervisor  # noqa: SLF001
    supervisor.request("restore", 90, name=name)  # takes what is loaded, and nobody loads more
    if any(part["state"] == "loaded" for part in sandbox.status()["parts"]):
        raise SystemExit("something is loaded, this restore would not be of the kind it should be")
    return seconds(lambda: supervisor.request("restore", 90, name=name))


def inject(sandbox: EmbeddedSandbox) -> float:
    """Seconds until a new Deployment's pods are 2/2."""
    begun = time.perf_counter()
    run(sandbox, f"kubectl create deployment web -n demo --image=nginx --replicas={PODS}")
    run(sandbox, "kubectl rollout status deployment web -n demo --timeout=60s")
    taken = time.perf_counter() - begun
    if run(sandbox, "kubectl get pods -n demo --no-headers").count(" 2/2 ") != PODS:
        raise SystemExit("the pods are not 2/2, there is no time to tell")
    return taken


def seconds(action: Callable[[], object]) -> float:
    """Wall time."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


# Again and again


def measure_endurance(bench: Benchmark, provider: EmbeddedProvider, binary: Path) -> None:
    """Many lives, then many restores of one: failures, processes left, files left."""
    count = 3 if bench.quick else 200
    failures = files = 0
    for number in range(count):
        progress("cycle", number, count)
        with folders(empty_cache=False) as folder:
            try:
                with provider.start(REQUEST, folder, quiet) as sandbox:
                    run(sandbox, "kubectl get ns")
            except SandboxError as error:
                failures += 1
                print(error, file=sys.stderr)
            files += sum(1 for _ in folder.rglob("*"))
    bench.note("start and stop", f"{count} times, {failures} failures, {files} files left")
    bench.figure("cycle-failures", failures, "failures", 0)
    restore_failures = 0
    with folders(empty_cache=False) as folder, provider.start(REQUEST, folder, quiet) as sandbox:
        sandbox.checkpoint("empty")
        for number in range(count):
            progress("restore", number, count)
            run(sandbox, "kubectl create ns shop")
            try:
                sandbox.restore("empty")
            except SandboxError as error:
                restore_failures += 1
                print(error, file=sys.stderr)
                break
            restore_failures += "shop" in run(sandbox, "kubectl get ns")
    bench.note("restores of one sandbox", f"{count} times, {restore_failures} failures")
    bench.figure("restore-failures", restore_failures, "failures", 0)
    bench.figure("files-left", files, "files", 0)
    bench.figure("processes-left", len(ours(binary)), "processes", 0)


def ours(binary: Path) -> list[int]:
    """Children of this program that still run the binary, wherever they were moved to."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "exe").readlink() == binary and b"kt-bench-" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def tell(line: str) -> None:
    """What a person should see who waits for a build."""
    print(line, file=sys.stderr)


def tell_packages(step: BuildStep) -> None:
    """A line for every 300 packages."""
    if step.done % 300 == 0:
        tell(f"  {step.done} of {step.total} packages, {step.elapsed:.0f} s")


def progress(what: str, number: int, count: int, every: int = 20) -> None:
    """A line now and then."""
    if number % every == 0:
        print(f"  {what} {number + 1} of {count}", file=sys.stderr)


# Building


def measure_build(bench: Benchmark) -> None:
    """A change of our own code, and everything from nothing, if they are asked for."""
    wanted = os.environ.get("KUBETALK_BENCH_BUILD", "")
    if wanted not in {"relink", "cold"}:
        bench.note("build", "not measured: KUBETALK_BENCH_BUILD=relink or =cold")
        return
    recipes = {module: load_recipe(module) for module in ("core", "istio")}
    go = find_go(recipes["core"].go)
    with tempfile.TemporaryDirectory(prefix="kt-bench-") as name:
        folder = Path(name)
        if wanted == "cold":
            os.environ |= {"GOCACHE": f"{name}/gocache", "GOMODCACHE": f"{name}/gomodcache", "GOFLAGS": "-modcacherw"}
            # Read-only module files could not be removed afterwards; the flag does not change what is built.
            recipes = {
                module: replace(recipe, env={**recipe.env, "GOFLAGS": "-modcacherw"})
                for module, recipe in recipes.items()
            }
        first = 0.0
        for module, recipe in recipes.items():
            # The folder beside which the module's other files are put has to be its own.
            built = build(recipe, go, folder / f"first-{module}" / recipe.binary, tell_packages)
            first += built.seconds
            size = built.path.stat().st_size / MIB
            bench.note(f"{recipe.binary}, {wanted}: first build", f"{built.seconds / 60:.1f} min, {size:.0f} MiB")
        if wanted == "cold":
            bench.figure("build-cold", first / 60, "min", 18)
        for module, recipe in recipes.items():
            edited = with_a_change(recipe, folder / f"source-{module}")
            built = build(edited, go, folder / f"relinked-{module}" / recipe.binary, tell_packages)
            bench.note(f"{recipe.binary}: build after a change of our own code", f"{built.seconds:.0f} s")
            bench.figure("build-relink" if module == "core" else f"build-relink-{module}", built.seconds, "s", 45)


def with_a_change(recipe: Recipe, source: Path) -> Recipe:
    """That recipe with a copy of its sources, in which the program's own code has one variable more."""
    shutil.copytree(recipe.source, source)
    with (source / recipe.package / "main.go").open("a", encoding="utf-8") as file:
        file.write("\nvar changedForTheBenchmark = true\n")
    return replace(recipe, source=source)


def quiet(_: str) -> None:
    """Progress is for people who wait for a build, not for a table."""


if __name__ == "__main__":
    sys.exit(main())
