"""The wheel `kubetalk-sandbox` in an environment of its own: a sandbox without Go, cache or network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

USE = """
import json, subprocess, sys
from pathlib import Path
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.binaries import find_binary
from kubetalk.sandbox.embedded import EmbeddedProvider
binary = find_binary(ProviderSettings())
provider = EmbeddedProvider(ProviderSettings(build=False))
with provider.start(SandboxRequest(nodes=1), Path(sys.argv[1]), lambda _: None) as sandbox:
    command = ["/bin/bash", "-c", "kubectl get nodes -o name"]
    nodes = subprocess.run(command, env=dict(sandbox.environment), capture_output=True, text=True, check=True).stdout
print(json.dumps({"origin": binary.origin, "path": str(binary.path), "nodes": nodes.split()}))
"""


def test_a_sandbox_out_of_the_wheel(binaries: Path, runs: Path, tmp_path: Path) -> None:
    if not (binaries / "kubetalk-sandbox.json").is_file():
        pytest.skip("only what `kubetalk sandbox build` made can be packed, and KUBETALK_TEST_BINARIES names another")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "_wheels.py", "--binaries", binaries, "--out", tmp_path / "dist", "core"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "dist").iterdir()
    print(f"figure wheel: {wheel.stat().st_size / 1e6:.1f} MB, {wheel.name}")  # noqa: T201

    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=120)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True, timeout=300)
    # kubetalk and what it needs, as they are installed here.
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "kubetalk-here.pth").write_text(
        f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8"
    )
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [python, "-I", "-c", USE, runs],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["origin"] == "wheel"
    assert Path(told["path"]).is_relative_to(packages)
    assert told["nodes"] == ["node/sandbox-control-plane"]
