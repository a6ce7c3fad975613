"""A `go` that compiles nothing; `make_go` in test_building.py sets VERSION and FAULT. Its calls are in `calls`."""

import json
import os
import sys
import time
from pathlib import Path

VERSION = "1.26.8"
FAULT = ""
HERE = Path(__file__).resolve().parent
PACKAGES = [f"lib/p{number}" for number in range(9)]
STALE = ["lib/p8", "lib/p2", "lib/p3"]


def complain(*lines: str) -> int:
    for line in lines:
        sys.stderr.write(line + "\n")
    return 1


def inside(package: str) -> tuple[str, list[str]]:
    """The import path of a program, and what has to be compiled for it: of the smaller one only itself."""
    program = "kubetalk.dev/sandbox" + package.removeprefix(".")
    return program, [program] if program.endswith("-supervisor") else [*STALE, program]


def main(arguments: list[str]) -> int:
    with (HERE / "calls").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"arguments": arguments, "environment": dict(os.environ), "cwd": str(Path.cwd())}) + "\n")
    if arguments == ["version"]:
        sys.stdout.write(f"go version go{VERSION} linux/amd64\n")
    elif arguments == ["env", "GOCACHE"]:
        sys.stdout.write(f"{HERE}\n")
    elif arguments[0] == "list":
        program, stale = inside(arguments[-1])
        sys.stderr.write("go: downloading example.com/one v1.0.0\ngo: downloading example.com/two v1.0.0\n")
        if FAULT == "network":
            return complain("main.go:3:2: example.com/two@v1.0.0: dial tcp: lookup example.com: no such host")
        sys.stdout.writelines(f"{str(package in stale).lower()} {package}\n" for package in [*PACKAGES, program])
    elif arguments[0] == "build":
        # What the cache already has is not told.
        program, stale = inside(arguments[-1])
        complain(*stale)
        if FAULT == "memory, beside" and program.endswith("-supervisor"):
            return complain("# kubetalk.dev/sandbox", "/go/pkg/tool/link: signal: killed")
        if FAULT == "disk":
            return complain("# kubetalk.dev/sandbox", "write /tmp/x/a.out: no space left on device")
        if FAULT == "memory":
            return complain("# kubetalk.dev/sandbox", "/go/pkg/tool/link: signal: killed")
        if FAULT == "code":
            return complain("# kubetalk.dev/sandbox", "./main.go:7:2: undefined: x")
        if FAULT == "hangs":
            (HERE / "pid").write_text(str(os.getpid()), encoding="utf-8")
            time.sleep(600)
        if FAULT == "goes on":
            (HERE / "pid").write_text(str(os.getpid()), encoding="utf-8")
            while True:
                complain("lib/p5")
                sys.stderr.flush()
                time.sleep(0.05)
        target = Path(arguments[arguments.index("-o") + 1])
        versions = json.dumps({"kubernetes": "v1.36.4"})
        target.write_text(f"#!/bin/sh\necho '{versions}'\n", encoding="utf-8")
        target.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
