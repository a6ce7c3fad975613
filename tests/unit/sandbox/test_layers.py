from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from kubetalk.cli import sandbox_reports as reports
from kubetalk.errors import SandboxError
from kubetalk.model import Layer, Location, ProviderSettings, SandboxRequest
from kubetalk.sandbox import commands, layers, upkeep
from kubetalk.sandbox.context import ContextProvider
from kubetalk.sandbox.embedded import EmbeddedProvider
from kubetalk.sandbox.keeper import state_file
from kubetalk.sandbox.kept import DEFAULT_NAME
from kubetalk.sandbox.kind import KindProvider
from kubetalk.sandbox.layers import (
    UNUSED_SECONDS,
    adopt_kubeconfig,
    ensure_layer,
    forget_layer,
    kept_layers,
    prune_layers,
    run_commands,
)

from .conftest import FakeBinary, eventually, is_gone

Make = Callable[..., FakeBinary]
LAYER = Layer("shop", ("echo one > note", 'echo "${HOME##*/}" > "$HOME/where"'), Location("mkdocs.yml", 7))
REQUEST = SandboxRequest(nodes=2, layer=LAYER)


def on(*commands: str) -> SandboxRequest:
    return dataclasses.replace(REQUEST, layer=Layer("shop", commands, LAYER.location))


def quiet(_: str) -> None:
    pass


def test_a_layer_is_made_once_and_then_begun_with(make_binary: Make, runs: Path, cache: Path) -> None:
    binary = make_binary()
    provider = EmbeddedProvider(binary.settings)
    told: list[str] = []
    for _ in range(2):
        with provider.start(REQUEST, runs, told.append) as sandbox:
            home = Path(sandbox.environment["HOME"])
            assert [(home / name).read_text(encoding="utf-8") for name in ("note", "where")] == ["one\n", "home\n"]
            assert sandbox.facts == provider.facts(REQUEST)
            assert sandbox.facts.layer == LAYER
    (kept,) = kept_layers()
    assert (kept.name, kept.commands, kept.path.parent) == ("shop", LAYER.commands, cache / "layers")
    starts = [seen["arguments"] for seen in binary.seen() if "arguments" in seen]
    assert ["--from" in arguments for arguments in starts] == [False, True, True]
    assert starts[1][-2:] == ["--from", str(kept.cluster)]
    assert [line for line in told if "making layer" in line] == ["sandbox: making layer shop, once: 2 commands"]
    inside = upkeep.versions(binary.settings)
    assert "layer       shop" in reports.inside_text(inside)
    assert inside.layers[0].commands == LAYER.commands


def test_other_commands_are_another_layer_and_other_facts(make_binary: Make, runs: Path) -> None:
    provider = EmbeddedProvider(make_binary().settings)
    fingerprints = {provider.facts(request).fingerprint for request in (REQUEST, on("true"), SandboxRequest(nodes=2))}
    assert len(fingerprints) == 3
    for request in (on("true"), on("true", "true"), dataclasses.replace(on("true"), nodes=3)):
        provider.start(request, runs, quiet).close()
    assert len(kept_layers()) == 3


def test_a_command_that_fails_names_its_definition(make_binary: Make, runs: Path) -> None:
    binary = make_binary()
    with pytest.raises(SandboxError) as caught:
        EmbeddedProvider(binary.settings).start(on("true", "echo said; false | true"), runs, quiet)
    assert caught.value.where == "mkdocs.yml:7"
    assert caught.value.message == "layer shop: `echo said; false | true` ended with exit code 1"
    assert caught.value.details == "said"
    assert "layers.shop.run" in caught.value.remedy
    assert kept_layers() == ()


@pytest.mark.parametrize("command", ["sleep 60 & echo $! >pid", "echo $$ >pid; sleep 60"])
def test_no_process_of_a_command_stays(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "pid"

    class Begun(subprocess.Popen[bytes]):
        """Its time begins when the command is where the test wants it."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                eventually(lambda: told.exists() and told.read_text(encoding="ascii"))
            return super().wait(timeout)

    monkeypatch.setattr("kubetalk.sandbox.layers.subprocess.Popen", Begun)
    monkeypatch.setattr(layers, "_COMMAND_SECONDS", 0.1)
    environment = {"HOME": str(tmp_path), "PATH": os.defpath}
    with contextlib.suppress(SandboxError):  # the second one takes too long
        run_commands(Layer("shop", (command,), LAYER.location), environment, quiet)
    eventually(lambda: is_gone(int(told.read_text(encoding="ascii"))))


def test_the_kubeconfig_is_kept_if_it_was_changed(make_binary: Make, runs: Path) -> None:
    binary = make_binary()
    provider = EmbeddedProvider(binary.settings)
    provider.start(on("true"), runs, quiet).close()
    (kept,) = kept_layers()
    assert not kept.kubeconfig.exists()


def test_a_changed_kubeconfig_gets_this_sandboxes_credentials() -> None:
    def config(server: str, namespace: str) -> str:
        return yaml.safe_dump({
            "clusters": [{"name": "sandbox", "cluster": {"server": server}}],
            "users": [{"name": "sandbox", "user": {"token": server}}, {"name": "eve", "user": {"token": "e"}}],
            "contexts": [{"name": "sandbox", "context": {"namespace": namespace}}],
        })  # fmt: skip

    changed = yaml.safe_load(adopt_kubeconfig(config("old", "shop"), config("new", "default")))
    assert changed["clusters"][0]["cluster"]["server"] == "new"
    assert [user["user"]["token"] for user in changed["users"]] == ["new", "e"]
    assert changed["contexts"][0]["context"]["namespace"] == "shop"


def test_a_layer_that_is_no_good_is_thrown_away(make_binary: Make, runs: Path) -> None:
    provider = EmbeddedProvider(make_binary().settings)
    provider.start(REQUEST, runs, quiet).close()
    make_binary("fails")
    # The fake's fingerprint is that of its bytes: the old layer is told to be the new binary's.
    (kept,) = kept_layers()
    wanted: list[Path] = []

    def make(folder: Path) -> None:
        wanted.append(folder)

    ensure_layer(REQUEST, provider.facts(dataclasses.replace(REQUEST, layer=None)).fingerprint, make, quiet)
    assert wanted
    with pytest.raises(SandboxError, match="was removed from the cache"):
        provider.start(REQUEST, runs, quiet)
    assert kept_layers() == (kept,)


def test_several_builds_make_a_layer_once() -> None:
    made: list[Path] = []
    at_work, go_on = threading.Event(), threading.Event()
    told: list[str] = []

    def make(folder: Path) -> None:
        made.append(folder)
        at_work.set()
        assert go_on.wait(60)

    found = []
    threads = [
        threading.Thread(target=lambda: found.append(ensure_layer(REQUEST, "f", make, told.append))) for _ in range(3)
    ]
    threads[0].start()
    assert at_work.wait(60)
    for thread in threads[1:]:
        thread.start()
    eventually(lambda: sum("waiting for it" in line for line in told) == 2)
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert len(made) == 1
    assert len({kept.path for kept in found}) == 1
    assert not made[0].exists()


def test_a_failure_leaves_nothing(cache: Path) -> None:
    def make(_: Path) -> None:
        raise SandboxError("no")

    with pytest.raises(SandboxError, match="no"):
        ensure_layer(REQUEST, "f", make, quiet)
    assert [path for path in (cache / "layers").iterdir() if path.is_dir()] == []


def test_prune(cache: Path) -> None:
    for commands_, fingerprint in ((("one",), "here"), (("two",), "here"), (("three",), "other")):
        ensure_layer(on(*commands_), fingerprint, lambda _: None, quiet)
    old = next(kept for kept in kept_layers() if kept.commands == ("two",))
    other = next(kept for kept in kept_layers() if kept.commands == ("three",))
    about = old.path / "about.json"
    os.utime(about, (about.stat().st_mtime - UNUSED_SECONDS - 1,) * 2)
    for name in ("new-shop-1234-killed", "new-shop-5678-living"):
        (cache / "layers" / name).mkdir()
    with FileLock(cache / "layers" / "shop-5678.lock"):
        removed = prune_layers(("here",))
    assert set(removed) == {old.path, other.path, cache / "layers" / "new-shop-1234-killed"}
    assert [kept.commands for kept in kept_layers()] == [("one",)]


def test_a_layer_that_is_being_made_is_not_pruned_however_long_it_takes(cache: Path) -> None:
    made: list[Path] = []
    pruned: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        os.utime(folder, (0, 0))
        pruned.extend(prune_layers(()))

    ensure_layer(REQUEST, "f", make, quiet)
    assert made[0].parent == cache / "layers"
    assert pruned == []
    assert len(kept_layers()) == 1


def test_a_maker_that_waits_while_a_layer_is_pruned_makes_it() -> None:
    """The lock is the same file before and after, so that two can never make one layer at once."""
    kept = ensure_layer(REQUEST, "f", lambda _: None, quiet)
    lock = kept.path.with_name(f"{kept.path.name}.lock")
    before = lock.stat().st_ino
    assert prune_layers(()) == (kept.path,)
    assert lock.stat().st_ino == before
    again = ensure_layer(REQUEST, "f", lambda _: None, quiet)
    with FileLock(lock):
        assert prune_layers(()) == ()
        forget_layer(again)
    assert [kept.path for kept in kept_layers()] == [again.path]
    forget_layer(again)
    assert kept_layers() == ()


@pytest.mark.parametrize("vanishes", ["os.utime", "pathlib.Path.lstat", "pathlib.Path.stat"])
def test_a_layer_that_another_build_forgets_meanwhile_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, vanishes: str
) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)

    kept = ensure_layer(REQUEST, "f", make, quiet)
    (kept.path / "home").mkdir()

    with monkeypatch.context() as patch:
        module, _, name = vanishes.rpartition(".")
        owner = os if module == "os" else Path
        real = getattr(owner, name)

        def forgotten(path: Path, *arguments: Any, **keys: Any) -> Any:
            if kept.path in Path(path).parents:
                patch.undo()
                forget_layer(kept)
            return real(path, *arguments, **keys)

        patch.setattr(owner, name, forgotten)
        ensure_layer(REQUEST, "f", make, quiet)
    assert len(made) == 2
    assert len(kept_layers()) == 1


def test_only_the_embedded_sandbox_has_layers(tmp_path: Path) -> None:
    for provider in (KindProvider(ProviderSettings("kind")), ContextProvider(ProviderSettings("context", "c"))):
        assert "has no layers, and the document begins on `shop`" in provider.unavailable(REQUEST)
        with pytest.raises(SandboxError, match="has no layers"):
            provider.start(REQUEST, tmp_path, quiet)


def test_up_on_a_layer(make_binary: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    binary = make_binary()
    name = DEFAULT_NAME
    with pytest.raises(SandboxError) as caught:
        commands.up(binary.settings, on("exit 3"), name, quiet)
    assert caught.value.where == "mkdocs.yml:7"
    commands.up(binary.settings, REQUEST, name, quiet)
    try:
        assert json.loads(state_file(name).read_text(encoding="utf-8"))["layer"] == "shop"
        assert "layer shop" in reports.status_text(commands.status())
    finally:
        commands.down(name)
