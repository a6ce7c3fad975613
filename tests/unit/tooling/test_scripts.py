"""The scripts say what is wrong in one line, and continuous integration runs the command that people run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kubetalk.reading import read_config

ROOT = Path(__file__).parents[3]
BASH = shutil.which("bash") or "/bin/bash"


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["scripts/test", "--qiuck"], "test: unknown argument '--qiuck'; usage: scripts/test [--quick]\n"),
        (["scripts/bench", "mian"], "bench: no benchmark 'mian'; there are: drift "),
        (["scripts/package", "v99.0.0"], "package: the tag is v99.0.0, but "),
        (["scripts/package", "--binaries", "v99.0.0"], "package: the tag is v99.0.0, but "),
        (["scripts/package", "--binary"], "package: unknown argument '--binary'"),
        (["scripts/lock", "--up"], "lock: unknown argument '--up'"),
    ],
)
def test_wrong_use_is_one_line(command: list[str], message: str) -> None:
    done = run(*command)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("env: ")]
    assert len(lines) == 1
    assert message in lines[0]


def bare_checkout(folder: Path) -> Path:
    """The scripts and what they read, without an environment."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py"):
        shutil.copy(ROOT / name, folder)
    return folder


def programs(folder: Path, *names: str) -> str:
    """A PATH that has only these programs of the system."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_an_old_python_is_refused_in_one_line(tmp_path: Path) -> None:
    checkout = bare_checkout(tmp_path / "checkout")
    path = programs(tmp_path / "bin", "bash", "env", "dirname", "basename", "cksum", "cat", "rm")
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/usr/bin/env bash\nexit 1\n", encoding="utf-8")  # what an old one answers to the version check
    old.chmod(0o755)
    done = run(BASH, "scripts/build", cwd=checkout, PATH=path, PYTHON="")
    assert done.returncode == 1
    assert done.stderr == (
        "build: Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python3\n"
    )
    assert not (checkout / ".venv").exists()


def test_a_failed_step_stops_the_tests_and_names_its_command(tmp_path: Path) -> None:
    checkout = bare_checkout(tmp_path / "checkout")
    venv = checkout / ".venv" / "bin"
    venv.mkdir(parents=True)
    (checkout / "scripts" / "_env").write_text(
        f'set -euo pipefail\ndie() {{ echo "$*" >&2; exit 1; }}\nPATH="{venv}:$PATH"\n', encoding="utf-8"
    )
    for name, status in (("ruff", 0), ("mypy", 3), ("lint-imports", 0), ("python", 0)):
        program = venv / name
        program.write_text(f'#!/bin/sh\necho "ran {name}"\nexit {status}\n', encoding="utf-8")
        program.chmod(0o755)
    done = run(BASH, "scripts/test", "--quick", cwd=checkout, CI="")
    assert done.returncode == 1
    assert done.stderr.startswith("\nFAILED: types, after ")
    assert done.stderr.endswith(" s: mypy\n")
    assert done.stdout.count("ran ruff") == 2
    assert "ran lint-imports" not in done.stdout


def test_continuous_integration_installs_what_is_missing_without_being_root(tmp_path: Path) -> None:
    checkout = bare_checkout(tmp_path / "checkout")
    (checkout / "scripts" / "_env").write_text("set -euo pipefail\n", encoding="utf-8")
    path = programs(tmp_path / "bin", "bash", "env", "dirname", "uname")
    log = tmp_path / "log"
    stubs = {
        "id": "echo 1000",
        "sudo": f'printf "%s\\n" "$*" >>{log}',
        "apt-get": "exit 9",
        "ruff": "exit 3",  # far enough
    }
    for name, body in stubs.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!{BASH}\n{body}\n", encoding="utf-8")
        program.chmod(0o755)
    done = run(BASH, "scripts/test", cwd=checkout, PATH=path, CI="true")
    assert "FAILED: format" in done.stderr
    update, install = log.read_text(encoding="utf-8").splitlines()
    assert update == "-n apt-get update -qq"
    begin = "-n env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "
    assert install.removeprefix(begin).split() == [
        *(["strace"] if sys.platform == "linux" else []),
        "chromium",
        "fonts-noto-cjk",
    ]
    log.unlink()
    run(BASH, "scripts/test", cwd=checkout, PATH=path, CI="")
    assert not log.exists()


def test_continuous_integration_runs_the_readme_command() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if "scripts/" in line]
    assert commands == ["exec scripts/test"]
    assert "$ scripts/test " in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_deployed_site_has_the_address_that_pages_gives_it() -> None:
    environ = {"KUBETALK_SITE_URL": "https://someone.example.org/talks"}
    assert read_config(ROOT / "mkdocs.yml", environ=environ).site_url == "https://someone.example.org/talks/"
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["build"]["steps"]
    asked = next(step["id"] for step in steps if step.get("uses", "").startswith("actions/configure-pages@"))
    built = next(step for step in steps if step.get("run") == "scripts/build --live")
    assert built["env"] == {"KUBETALK_SITE_URL": f"${{{{ steps.{asked}.outputs.base_url }}}}"}
