"""What one sandbox takes of the machine after more work than a talk does."""

from __future__ import annotations

import json
from pathlib import Path

from kubetalk.sandbox.embedded import EmbeddedSandbox
from tests.support.projects import programs_of

from .conftest import out

DISK_BYTES = 150 * 1000 * 1000
OPEN_FILES = 1024
PODS = 60
CONFIG_MAPS = 150


def disk(folder: Path) -> int:
    """Allocated bytes of all files, each once."""
    files = {(status.st_dev, status.st_ino): status.st_blocks * 512 for status in map(Path.lstat, folder.rglob("*"))}
    return sum(files.values())


def test_disk_and_open_files(fresh: EmbeddedSandbox, binaries: Path) -> None:
    # 1.5 MB of objects, written three times, and a checkpoint after each block of a long talk.
    for number in range(3):
        items = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"c{index}"},
                "data": {"a": str(number) * 10000},
            }
            for index in range(CONFIG_MAPS)
        ]
        manifest = fresh.directory / "many.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")
        out(fresh, f"kubectl apply --server-side -f {manifest}")
        for block in range(5):
            fresh.checkpoint(f"block-{number}-{block}")
    out(fresh, f"kubectl create deployment web --image=nginx --replicas={PODS}")
    out(fresh, "kubectl rollout status deployment web --timeout=120s")
    fresh.restore("block-0-0")
    out(fresh, "kubectl get namespaces")
    told = fresh.status()
    used = disk(fresh.directory)
    files = {
        line.split()[1]: sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        for pid, line in programs_of(binaries).items()
    }
    print(f"figure disk: {used / 1e6:.0f} MB, {told['bytes'] / 1e6:.0f} MB by status; open files {files}")  # noqa: T201
    assert used < DISK_BYTES
    assert told["bytes"] < DISK_BYTES
    assert max(files.values()) < OPEN_FILES / 4
