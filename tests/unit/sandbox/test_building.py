from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import FileLock

from kubetalk.cli import main
from kubetalk.cli import sandbox_reports as reports
from kubetalk.errors import BuildError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox import binaries, upkeep
from kubetalk.sandbox.binaries import ensure_binary, find_binary, prune_binaries
from kubetalk.sandbox.building import BuildStep, ask_versions, build, build_environment, diagnose
from kubetalk.sandbox.embedded import EmbeddedProvider
from kubetalk.sandbox.progress import describe, plain, shown_on
from kubetalk.sandbox.recipe import load_recipe
from kubetalk.sandbox.toolchain import Go

from .conftest import eventually, is_gone

SOURCE = Path(__file__).with_name("fake_go.py").read_text(encoding="utf-8")
MakeGo = Callable[..., Go]


@pytest.fixture
def make_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeGo:
    """Puts a fake `go` on PATH."""

    def make(fault: str = "", version: str = "1.26.8") -> Go:
        program = tmp_path / "go" / "go"
        program.parent.mkdir(exist_ok=True)
        text = SOURCE.replace('FAULT = ""', f"FAULT = {fault!r}").replace('"1.26.8"', repr(version))
        program.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return Go(program, version, "linux/amd64")

    return make


def calls(go: Go) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (go.path.parent / "calls").read_text(encoding="utf-8").splitlines()]


def test_a_build_step_by_step(make_go: MakeGo, tmp_path: Path) -> None:
    go, steps = make_go(), list[BuildStep]()
    target = tmp_path / "out" / "kubetalk-sandbox"
    built = build(load_recipe(), go, target, steps.append)
    assert built.versions == {"kubernetes": "v1.36.4"}
    assert {path.name for path in target.parent.iterdir()} == {"kubetalk-sandbox", "kubetalk-supervisor"}
    told = [(step.phase, step.done, step.total, step.current) for step in steps if step.current]
    assert ("downloading", 2, 0, "example.com/two v1.0.0") in told
    # Six were in Go's cache; the compiler's order is its own, and the last of the list may come first.
    assert [one[1:] for one in told if one[0] == "compiling"] == [
        (6, 10, "lib/p8"),
        (7, 10, "lib/p2"),
        (8, 10, "lib/p3"),
    ]
    linked = [one for one in told if one[0] == "linking"]
    assert {one[1:] for one in linked} == {
        (9, 10, "kubetalk.dev/sandbox/cmd/kubetalk-sandbox"),
        (9, 10, "kubetalk.dev/sandbox/cmd/kubetalk-supervisor"),
    }
    assert told[-1] == linked[-1]
    assert linked[-1][3].endswith("supervisor")


def test_the_command_is_what_build_json_says(make_go: MakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GOFLAGS", "-race"), ("GOOS", "plan9"), ("GOPROXY", "off"), ("AWS_PROFILE", "x")):
        monkeypatch.setenv(name, value)
    go, recipe = make_go(), load_recipe()
    build(recipe, go, tmp_path / "x", lambda _: None)
    call = next(call for call in calls(go) if call["arguments"][0] == "build")
    arguments = call["arguments"]
    assert arguments[:4] == ["build", "-v", "-p", "2"]
    assert arguments[arguments.index("-tags") + 1] == ",".join(recipe.tags)
    assert arguments[arguments.index("-ldflags") + 1] == " ".join(recipe.ldflags)
    assert arguments[-1] == recipe.package
    assert call["cwd"] == str(recipe.source)
    assert call["environment"]["GOTOOLCHAIN"] == "local"
    assert call["environment"]["GOFLAGS"] == ""
    assert call["environment"]["GOPROXY"] == "off"
    assert not {"GOOS", "AWS_PROFILE"} & set(call["environment"])
    assert set(build_environment(recipe, go)) >= set(recipe.env)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("network", "the Go modules cannot be downloaded, the network does not answer. Check the network"),
        ("disk", "the disk is full. Free about 6 GB"),
        ("memory", "was killed, most likely for want of memory"),
        ("memory, beside", "was killed, most likely for want of memory"),
        ("code", "go ended with exit status 1"),
    ],
)
def test_failures_in_one_line(make_go: MakeGo, tmp_path: Path, fault: str, line: str) -> None:
    with pytest.raises(BuildError) as caught:
        build(load_recipe(), make_go(fault), tmp_path / "out" / "x", lambda _: None)
    first = str(caught.value).splitlines()[0]
    assert first.startswith("the sandbox binary could not be built: ")
    assert line in first
    assert caught.value.details
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("go: go.mod requires go >= 1.26.0 (running go 1.22.1; GOTOOLCHAIN=local)", "Go is too old"),
        ("verifying example.com/m@v1.0.0: checksum mismatch", "not what go.sum says"),
        ('Get "https://proxy/x": dial tcp 1.2.3.4:443: i/o timeout', "network does not answer"),
        ("fork/exec /go/pkg/tool/compile: cannot allocate memory", "for want of memory"),
        ("open /home/me/.cache/go-build/x: permission denied", "a file cannot be written"),
    ],
)
def test_what_go_says_and_what_it_means(said: str, cause: str) -> None:
    assert cause in diagnose(["go: downloading x v1", said], 1).message


def test_a_full_disk_is_seen_before_the_work(make_go: MakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 10_000_000

    monkeypatch.setattr("kubetalk.sandbox.building.shutil.disk_usage", lambda _: Usage())
    go = make_go()
    with pytest.raises(BuildError, match=r"0\.0 GB are free"):
        build(load_recipe(), go, tmp_path / "out" / "x", lambda _: None)
    assert all(call["arguments"][0] != "build" for call in calls(go))


def test_a_binary_that_does_not_run(tmp_path: Path) -> None:
    program = tmp_path / "x"
    program.write_text("#!/bin/sh\necho no >&2; exit 3\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(BuildError, match="does not run on this machine: exit status 3 no"):
        ask_versions(program)


BUILDER = """
from pathlib import Path
from kubetalk.sandbox.building import build
from kubetalk.sandbox.recipe import load_recipe
from kubetalk.sandbox.toolchain import Go
import sys
build(load_recipe(), Go(Path(sys.argv[1]), "1.26.8", "linux/amd64"), Path(sys.argv[2]), lambda _: None)
"""


def test_ctrl_c_ends_the_compilers_too(make_go: MakeGo, tmp_path: Path) -> None:
    go = make_go("hangs")
    target = tmp_path / "out" / "x"
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, str(go.path), str(target)], stderr=subprocess.DEVNULL)
    pid_file = go.path.parent / "pid"
    eventually(lambda: pid_file.exists() and pid_file.read_text(encoding="utf-8"))
    builder.send_signal(signal.SIGINT)
    assert builder.wait(20) != 0
    assert is_gone(int(pid_file.read_text(encoding="utf-8")))
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_command_that_is_ended_ends_its_linker_and_lets_go_of_the_lock(
    make_go: MakeGo, tmp_path: Path, cache: Path, number: signal.Signals
) -> None:
    """The linker says nothing for a minute, and so does not notice that nobody listens."""
    go = make_go("hangs")
    command = [sys.executable, "-m", "kubetalk.cli", "sandbox", "build"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as builder:
        try:
            pid_file = go.path.parent / "pid"
            eventually(lambda: pid_file.exists() and pid_file.read_text(encoding="utf-8"))
            builder.send_signal(number)
            assert builder.wait(20) == (-number if number == signal.SIGKILL else 128 + number)
        finally:
            builder.kill()
    eventually(lambda: is_gone(int(pid_file.read_text(encoding="utf-8"))))
    with FileLock(cache / "build.lock", timeout=0):
        pass


def test_a_killed_build_ends_its_compilers_and_is_resumed(make_go: MakeGo, tmp_path: Path) -> None:
    go = make_go("goes on")
    target = tmp_path / "out" / "x"
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, str(go.path), str(target)], stderr=subprocess.DEVNULL)
    pid_file = go.path.parent / "pid"
    eventually(lambda: pid_file.exists() and pid_file.read_text(encoding="utf-8"))
    builder.kill()
    builder.wait(20)
    # `go build -v` tells every package; nobody listens any more.
    eventually(lambda: is_gone(int(pid_file.read_text(encoding="utf-8"))))
    target.with_name(f".x.{builder.pid}").write_bytes(b"half a binary")
    make_go()
    built = build(load_recipe(), go, target, lambda _: None)
    assert built.versions == {"kubernetes": "v1.36.4"}
    assert {path.name for path in target.parent.iterdir()} == {"x", "kubetalk-supervisor"}


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("network", "kubetalk: the sandbox binary could not be built: the Go modules cannot be downloaded"),
        ("disk", "kubetalk: the sandbox binary could not be built: the disk is full. Free about 6 GB"),
        ("code", "kubetalk: the sandbox binary could not be built: go ended with exit status 1"),
    ],
)
def test_what_the_command_line_says(
    make_go: MakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, line: str
) -> None:
    make_go(fault)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["sandbox", "build"])
    assert done.exit_code == 2
    (told,) = [text for text in done.stderr.splitlines() if text.startswith("kubetalk: ")]
    assert told.startswith(line)
    assert "Traceback" not in done.output


# Which binary is used


def test_built_once_then_found(make_go: MakeGo, cache: Path) -> None:
    go, told = make_go(), list[str]()
    assert find_binary(ProviderSettings()) is None
    first = ensure_binary(ProviderSettings(), told.append)
    assert first.origin == "cache"
    assert first.path.is_relative_to(cache / "binaries")
    assert first.fingerprint == load_recipe().sources_key
    assert first.versions == {"kubernetes": "v1.36.4"}
    assert told[0].startswith("sandbox: building kubetalk-sandbox with Go 1.26.8")
    before = len(calls(go))
    assert ensure_binary(ProviderSettings(), told.append) == first
    make_go(version="1.27.3")
    assert find_binary(ProviderSettings()) == first
    assert len(calls(go)) == before
    assert ensure_binary(ProviderSettings(), told.append, force=True).path != first.path


@pytest.mark.parametrize("part", ["kubetalk-sandbox", "kubetalk-sandbox.json", "kubetalk-supervisor"])
def test_an_incomplete_one_in_the_cache_does_not_count(make_go: MakeGo, part: str) -> None:
    make_go()
    built = ensure_binary(ProviderSettings(), lambda _: None)
    built.path.with_name(part).unlink()
    assert find_binary(ProviderSettings()) is None


def test_the_named_folder_comes_first_and_is_never_replaced(make_binary: Any, make_go: MakeGo, tmp_path: Path) -> None:
    make_go()
    ensure_binary(ProviderSettings(), lambda _: None)
    binary = make_binary()
    found = find_binary(binary.settings)
    assert found is not None
    assert (found.origin, found.path) == ("folder", binary.program)
    assert found.versions["helm"] == "v4.2.4"
    binary.program.write_text(binary.program.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    changed = find_binary(binary.settings)
    assert changed is not None
    assert changed.fingerprint != found.fingerprint
    with pytest.raises(BuildError, match="there is no program kubetalk-sandbox in"):
        find_binary(ProviderSettings(binaries=str(tmp_path / "empty")))
    binary.supervisor.unlink()
    with pytest.raises(BuildError, match="there is no program kubetalk-supervisor in"):
        find_binary(binary.settings)


@pytest.fixture
def wheel(make_binary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Installs a wheel `kubetalk-sandbox` that says it was built from those sources."""

    def install(sources: str) -> Path:
        package = tmp_path / "site" / "kubetalk_sandbox"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        make_binary().folder.rename(package / "bin")
        program = package / "bin" / "kubetalk-sandbox"
        about = {"sources": sources, "go": "1.26.8", "versions": {"kubernetes": "v1.36.4"}}
        binaries._about(program).write_text(json.dumps(about), encoding="utf-8")
        monkeypatch.syspath_prepend(str(package.parent))
        return program

    return install


def test_an_installed_wheel_comes_before_the_cache(make_go: MakeGo, wheel: Callable[[str], Path]) -> None:
    make_go()
    built = ensure_binary(ProviderSettings(), lambda _: None)
    program = wheel(load_recipe().sources_key)
    found = find_binary(ProviderSettings())
    assert found is not None
    assert (found.origin, found.path, found.fingerprint) == ("wheel", program, built.fingerprint)


def test_a_wheel_of_other_sources_is_neither_used_nor_passed_over(
    make_go: MakeGo, wheel: Callable[[str], Path]
) -> None:
    make_go()
    ensure_binary(ProviderSettings(), lambda _: None)
    program = wheel("0" * 64)
    line = "the installed wheel kubetalk-sandbox was built from other sources than those of this kubetalk"
    with pytest.raises(BuildError, match=line) as caught:
        find_binary(ProviderSettings())
    assert "pip install --upgrade kubetalk kubetalk-sandbox" in caught.value.remedy
    assert line in EmbeddedProvider(ProviderSettings()).unavailable(SandboxRequest())
    binaries._about(program).unlink()
    with pytest.raises(BuildError, match=line):
        find_binary(ProviderSettings())


def test_two_builds_at_once_make_one_binary(make_go: MakeGo) -> None:
    go, told = make_go(), list[str]()
    threads = [
        threading.Thread(target=ensure_binary, args=(ProviderSettings(), told.append), daemon=True) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(call["arguments"][0] == "build" for call in calls(go)) == 2  # it, and its supervisor


def test_prune_keeps_the_current_and_the_newest(make_go: MakeGo, cache: Path) -> None:
    make_go()
    current = ensure_binary(ProviderSettings(), lambda _: None)
    os.utime(current.path.parent, (1, 1))
    for number in range(4):
        folder = cache / "binaries" / f"kubetalk-sandbox-old{number}"
        folder.mkdir()
        os.utime(folder, (100 + number, 100 + number))
    assert {path.name for path in prune_binaries()} == {"kubetalk-sandbox-old0", "kubetalk-sandbox-old1"}
    assert current.path.exists()


def test_the_command(make_go: MakeGo) -> None:
    make_go()
    stream = io.StringIO()
    built = upkeep.build(ProviderSettings(), stream=stream)
    text = reports.built_text(built)
    assert text.endswith("(cache): kubernetes v1.36.4")
    assert "linking" in stream.getvalue()
    stream = io.StringIO()
    assert upkeep.build(ProviderSettings(), stream=stream) == built
    assert stream.getvalue() == ""


# What people see of it


def test_lines_come_with_a_new_phase_and_every_quarter_of_a_minute() -> None:
    now, lines = 0.0, list[str]()
    watch = plain(lines.append, clock=lambda: now)
    for second in range(0, 40, 5):
        now = float(second)
        watch(BuildStep("compiling", second * 10, 3035, f"k8s.io/p{second}", now))
    watch(BuildStep("linking", 3034, 3035, "kubetalk.dev/sandbox", 42.0))
    assert lines == [
        "sandbox: compiled 0 of 3035 packages, 0:00 elapsed, k8s.io/p0",
        "sandbox: compiled 150 of 3035 packages, 0:15 elapsed, k8s.io/p15",
        "sandbox: compiled 300 of 3035 packages, 0:30 elapsed, k8s.io/p30",
        "sandbox: compiled 3035 of 3035 packages, 0:42 elapsed, linking",
    ]
    checking = BuildStep("checking", 0, 3035, "", 5.0)
    assert describe(checking) == "sandbox: looking for 3035 packages in Go's cache, 0:05 elapsed"
    assert describe(BuildStep("downloading", 0, 0, "", 1.0)) == "sandbox: looking up the Go modules, 0:01 elapsed"
    assert "downloaded 7 Go modules, 1:01 elapsed, x v1" in describe(BuildStep("downloading", 7, 0, "x v1", 61.0))


def test_a_terminal_gets_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with shown_on(stream) as watch:
        watch(BuildStep("compiling", 1200, 3035, "k8s.io/api", 3.0))
    assert "1200/3035" in stream.getvalue()
