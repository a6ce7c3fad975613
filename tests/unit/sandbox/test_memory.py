from __future__ import annotations

from pathlib import Path

import pytest

from kubetalk.model import SandboxRequest
from kubetalk.sandbox.memory import (
    ISTIO_BYTES,
    LEFT_FREE_BYTES,
    LOADED_BYTES,
    SANDBOX_BYTES,
    affordable,
    available_memory,
    needed_memory,
)

PLAIN, ISTIO = SandboxRequest(), SandboxRequest(istio=True)
GIB = 1 << 30


class Machine:
    """A /proc and a /sys/fs/cgroup."""

    def __init__(self, folder: Path, available_kib: int) -> None:
        self.proc, self.cgroups = folder / "proc", folder / "cgroup"
        self.write(self.proc / "meminfo", f"MemTotal: 99999999 kB\nMemAvailable: {available_kib} kB\n")

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")

    def is_in(self, lines: str) -> None:
        self.write(self.proc / "self" / "cgroup", lines)

    def limit(self, folder: str, most: str, used: int, cache: int) -> None:
        place = self.cgroups / folder
        self.write(place / "memory.max", f"{most}\n")
        self.write(place / "memory.current", f"{used}\n")
        self.write(place / "memory.stat", f"anon 1\ninactive_file {cache}\nactive_file 7\n")

    def memory(self) -> int:
        return available_memory(self.proc, self.cgroups)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, 8 << 20)


def test_the_machine_tells(machine: Machine) -> None:
    assert machine.memory() == 8 * GIB


def test_nothing_tells(tmp_path: Path) -> None:
    assert available_memory(tmp_path, tmp_path) > 1000 * GIB


def test_here() -> None:
    assert available_memory() > 0


def test_a_container_has_less_than_its_machine(machine: Machine) -> None:
    machine.is_in("0::/\n")
    machine.limit("", str(4 * GIB), used=3 * GIB, cache=1 * GIB)
    assert machine.memory() == 2 * GIB


def test_the_tightest_limit_around_counts(machine: Machine) -> None:
    machine.is_in("0::/user.slice/session\n")
    machine.limit("user.slice/session", "max", used=GIB, cache=0)
    machine.limit("user.slice", str(3 * GIB), used=GIB, cache=0)
    assert machine.memory() == 2 * GIB


def test_a_path_of_the_host_that_is_not_seen_here(machine: Machine) -> None:
    machine.is_in("0::/docker/4711\n")
    machine.limit("", str(3 * GIB), used=4 * GIB, cache=0)
    assert machine.memory() == 0


def test_cgroups_of_version_1(machine: Machine) -> None:
    machine.is_in("9:name=systemd:/\n4:cpu,memory:/job\n0::/\n")
    job = machine.cgroups / "memory" / "job"
    machine.write(job / "memory.limit_in_bytes", str(3 * GIB))
    machine.write(job / "memory.usage_in_bytes", str(2 * GIB))
    machine.write(job / "memory.stat", f"total_inactive_file {GIB}\n")
    assert machine.memory() == 2 * GIB


def test_what_a_request_takes() -> None:
    assert needed_memory(PLAIN) == SANDBOX_BYTES
    assert needed_memory(ISTIO) == SANDBOX_BYTES + ISTIO_BYTES == 750 << 20
    assert needed_memory(ISTIO, with_checkpoints=True) == SANDBOX_BYTES + ISTIO_BYTES + LOADED_BYTES


def test_how_many_there_is_memory_for() -> None:
    def memory() -> int:
        return LEFT_FREE_BYTES + 4 * SANDBOX_BYTES

    assert affordable(8, memory=memory) == 4
    assert affordable(3, memory=memory) == 3
    assert affordable(8, [PLAIN, ISTIO], memory=memory) == 2
    assert affordable(8, with_checkpoints=True, memory=memory) == 3
    assert affordable(8, memory=lambda: 0) == 1
