"""How many sandboxes there is memory for: what one takes, and what this machine or container has left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kubetalk.model import SandboxRequest

# Measured (benchmarks/sandbox.py): 0.4 GiB each; 0.75 GiB with istiod.
SANDBOX_BYTES = 450 << 20
ISTIO_BYTES = 300 << 20
LOADED_BYTES = 150 << 20
"""What the programs take that are loaded after a checkpoint and wait for the next restore."""
LEFT_FREE_BYTES = 1 << 30
"""What the author's own programs may want meanwhile."""

_PLENTY = 1 << 40
_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")

# Of a cgroup: its limit, what it uses, and the line of memory.stat that says how much of that is cache which the
# kernel takes back at once (docs.kernel.org, "Control Group v2" and "Memory Resource Controller").
_VERSION_2 = ("memory.max", "memory.current", "inactive_file")
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def needed_memory(request: SandboxRequest, *, with_checkpoints: bool = False) -> int:
    """Bytes that a sandbox for that request takes, at most."""
    istio = ISTIO_BYTES if request.istio else 0
    return SANDBOX_BYTES + istio + (LOADED_BYTES if with_checkpoints else 0)


def available_memory(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """Bytes that can be used without swapping, within the limits of the container; a plenty where nothing tells."""
    return min([_of_the_machine(proc), *_of_the_cgroups(proc, cgroups)])


def affordable(
    wanted: int,
    requests: Sequence[SandboxRequest] = (SandboxRequest(),),
    *,
    with_checkpoints: bool = False,
    memory: Callable[[], int] = available_memory,
) -> int:
    """How many of ``wanted`` sandboxes there is memory for at once; at least one.

    ``requests`` are those they may be for: any of them can meet, so the largest count.
    """
    largest = max(needed_memory(request, with_checkpoints=with_checkpoints) for request in requests)
    return max(1, min(wanted, (memory() - LEFT_FREE_BYTES) // largest))


def _of_the_machine(proc: Path) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return _PLENTY


def _of_the_cgroups(proc: Path, cgroups: Path) -> Iterator[int]:
    """What each limit leaves: that of this process's cgroup, and those of the ones around it."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, names = cgroups, _VERSION_2
        elif "memory" in controllers.split(","):
            top, names = cgroups / "memory", _VERSION_1
        else:
            continue
        # Seen from a container the path may be the host's, of which only the top is there.
        inner = top / path.lstrip("/")
        for folder in (inner, *(parent for parent in inner.parents if parent.is_relative_to(top))):
            with contextlib.suppress(OSError, ValueError):
                yield _left(folder, *names)


def _left(folder: Path, limit: str, used: str, reclaimable: str) -> int:
    """Raises OSError or ValueError where there is no limit (``max`` is no number)."""
    most = int((folder / limit).read_text(encoding="ascii"))
    now = int((folder / used).read_text(encoding="ascii"))
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{reclaimable} "):
                now -= int(line.split()[1])
    return max(0, most - now)
