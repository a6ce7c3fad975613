"""Go checks with exactly the settings of the build (plugins/sandbox/*/build.json), so that both share one build cache.

Usage: python scripts/_go.py format|vet|test|tool
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "requirements" / "go"
TIMEOUT_SECONDS = 3600  # a first build compiles all of Kubernetes


def main(arguments: Sequence[str]) -> int:
    """Runs one check over every Go module of the sandbox; prints the command that failed."""
    if list(arguments) not in (["format"], ["vet"], ["test"], ["tool"]):
        print(__doc__, file=sys.stderr)
        return 2
    go = found_go()
    if arguments[0] == "tool":
        return build_actionlint(go)
    status = 0
    for module in sorted(path.parent for path in ROOT.glob("plugins/sandbox/*/go.mod")):
        status |= gofmt(go, module) if arguments[0] == "format" else go_check(go, arguments[0], module)
    return status


def found_go() -> str:
    """The Go that builds the sandbox, so that nothing is compiled twice by two versions."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from kubetalk.sandbox.toolchain import main; sys.exit(main())"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    return done.stdout.strip()


def gofmt(go: str, module: Path) -> int:
    """Lists the files that gofmt would change."""
    done = subprocess.run(
        [str(Path(go).with_name("gofmt")), "-l", "."],
        cwd=module,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    for name in done.stdout.splitlines():
        print(f"{module.relative_to(ROOT) / name}: not formatted: run gofmt -w on it")
    sys.stderr.write(done.stderr)
    return int(done.returncode != 0 or bool(done.stdout))


def go_check(go: str, check: str, module: Path) -> int:
    """`go vet` or `go test` of the module's own packages."""
    settings: dict[str, Any] = json.loads((module / "build.json").read_text(encoding="utf-8"))
    # The tests' own vet has other flags: it would read all 3,000 packages once more, minutes on an empty cache.
    own = ["-vet=off"] if check == "test" else []
    command = [go, check, *own, *settings.get("flags", []), "-tags", ",".join(settings.get("tags", [])), "./..."]
    print(f"{module.relative_to(ROOT)}: {' '.join(command)}")
    return run(command, module, {**os.environ, **settings.get("env", {})})


def build_actionlint(go: str) -> int:
    """Puts the locked actionlint (requirements/go) into .cache/bin, and prints nothing when it is there already."""
    target = ROOT / ".cache" / "bin" / "actionlint"
    if target.is_file() and target.stat().st_mtime > (TOOLS / "go.sum").stat().st_mtime:
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    return run([go, "build", "-o", str(target), "github.com/rhysd/actionlint/cmd/actionlint"], TOOLS, environment)


def run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> int:
    """Exit code of a command whose output goes to the terminal."""
    done = subprocess.run(command, cwd=folder, env=environment, timeout=TIMEOUT_SECONDS, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
