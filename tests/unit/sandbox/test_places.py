from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.sandbox import places
from kubetalk.sandbox.places import RunDirectory, cache_dir, is_alive, prune_dead

GONE = 2**22 - 1  # above Linux' and macOS' usual largest process id


def test_the_cache_is_where_xdg_says_and_private(cache: Path) -> None:
    assert cache_dir() == cache
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_a_relative_xdg_path_counts_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "kubetalk"


def test_without_a_home_it_is_below_the_temporary_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_dir() == tmp_path / f"kubetalk-cache-{os.getuid()}"


def test_nowhere_to_write_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(SandboxError, match="Set XDG_CACHE_HOME"):
        cache_dir()


def test_a_directory_nobody_can_make_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="cannot be made below"):
        RunDirectory.create(tmp_path / "file" / "below")


def forge(directory: Path, cache: Path, pid: int = GONE) -> Path:
    (cache / "runs").mkdir(parents=True, exist_ok=True)
    entry = cache / "runs" / f"{directory.name}.json"
    entry.write_text(json.dumps({"directory": str(directory), "pid": pid}), encoding="utf-8")
    return entry


def test_prune_removes_only_what_is_ours(tmp_path: Path, cache: Path) -> None:
    precious = tmp_path / "kt-precious"
    precious.mkdir()
    (precious / "work").touch()
    link = tmp_path / "kt-link"
    link.symlink_to(precious)
    ours = tmp_path / "kt-ours"
    ours.mkdir()
    (ours / places._MARKER).touch()
    entries = [forge(directory, cache) for directory in (precious, link, ours, tmp_path / "kt-vanished")]
    (cache / "runs" / "broken.json").write_text("{", encoding="utf-8")
    assert prune_dead() == (ours,)
    assert precious.is_dir()
    assert not ours.exists()
    assert not any(entry.exists() for entry in entries)
    assert list((cache / "runs").iterdir()) == []


def test_what_a_kill_leaves_while_one_is_being_made(tmp_path: Path, cache: Path) -> None:
    unmarked = tmp_path / "kt-unmarked"
    unmarked.mkdir()
    forge(unmarked, cache)
    unwritten = cache / "runs" / "kt-unwritten.json"
    for suffix in (".lock", ".new"):
        unwritten.with_suffix(suffix).touch()
    assert prune_dead() == (unmarked,)
    assert list((cache / "runs").iterdir()) == []
    assert not unmarked.exists()


def test_a_kill_in_the_middle_of_removing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        pass

    run = RunDirectory.create(tmp_path / "r")
    for name in ("a", "z"):
        (run.path / name).mkdir()
    (run.path / "zz").touch()
    removed: list[str] = []

    def interrupted(path: Path, **_: object) -> None:
        removed.append(Path(path).name)
        Path(path).rmdir()
        if len(removed) == 2:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("kubetalk.sandbox.places.shutil.rmtree", interrupted)
        with pytest.raises(KilledError):
            run.remove()
    assert sorted(removed) == ["a", "z"]
    assert (run.path / places._MARKER).is_file()
    run._lock.release()
    assert prune_dead() == (run.path,)
    assert not run.path.exists()


def test_prune_waits_for_the_processes(tmp_path: Path, cache: Path) -> None:
    ours = tmp_path / "kt-ours"
    ours.mkdir()
    (ours / places._MARKER).touch()
    forge(ours, cache, pid=os.getpid())
    assert prune_dead() == ()
    assert ours.is_dir()


def test_only_so_many_logs_are_kept(tmp_path: Path, cache: Path) -> None:
    run = RunDirectory.create(tmp_path / "r")
    logs = tmp_path / "logs"
    logs.mkdir()
    assert run.keep_logs(logs) is None
    (logs / "etcd.log").touch()
    for number in range(places.KEPT_LOGS + 2):
        (cache / "logs" / f"2000-{number:02d}").mkdir(parents=True)
    newest = run.keep_logs(logs)
    assert newest is not None
    assert newest.is_dir()
    assert len(list((cache / "logs").iterdir())) == places.KEPT_LOGS
    run.remove()
    run.remove()


def test_the_living_and_the_dead() -> None:
    assert is_alive(os.getpid())
    assert not is_alive(GONE)


def test_the_folder_of_a_build_goes_after_its_sandbox(tmp_path: Path, cache: Path) -> None:
    outer = tmp_path / "kt-00000000"
    inner = outer / "s" / "kt-ffffffff"
    inner.mkdir(parents=True)
    for folder in (outer, inner):
        (folder / places._MARKER).touch()
    forge(outer, cache)
    alive = forge(inner, cache, pid=os.getpid())
    assert prune_dead() == ()
    assert inner.is_dir()
    alive.unlink()
    forge(inner, cache)
    assert prune_dead() == (inner, outer)
    assert not outer.exists()
    assert list((cache / "runs").iterdir()) == []
