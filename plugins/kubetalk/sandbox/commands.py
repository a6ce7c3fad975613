"""The functions behind `kubetalk sandbox …`: each does one thing and returns the text to print, or an exit code."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock, Timeout

from kubetalk.errors import BuildError, SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxRequest
from kubetalk.sandbox.binaries import Binary, ensure_binary, find_binary, prune_binaries
from kubetalk.sandbox.external import fingerprint_of
from kubetalk.sandbox.istio import needs_istio_binary
from kubetalk.sandbox.keeper import KeptSandbox, state_file
from kubetalk.sandbox.kind import prune_clusters
from kubetalk.sandbox.layers import kept_layers, prune_layers
from kubetalk.sandbox.places import prune_dead
from kubetalk.sandbox.progress import shown_on
from kubetalk.sandbox.providers import make_provider
from kubetalk.sandbox.recipe import load_recipe

DEFAULT_NAME = "default"
_ASK_SECONDS = 120.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def build(settings: ProviderSettings, *, istio: bool = False, force: bool = False, stream: TextIO | None = None) -> str:
    """Gets the binary, building it if it has to be, with progress on ``stream`` (standard error); says where it is.

    Raises BuildError.
    """
    stream = stream or sys.stderr

    def say(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    lines = []
    for module in ("core", *(("istio",) if istio else ())):
        found = None if force else find_binary(settings, module)
        if found is None:
            with shown_on(stream) as watch:
                found = ensure_binary(settings, say, module=module, watch=watch, force=force)
        lines.append(f"{found.path} ({found.origin}): {_versions_line(found.versions)}")
    return "\n".join(lines)


def up(settings: ProviderSettings, request: SandboxRequest, name: str, progress: Progress) -> str:
    """Starts a sandbox that stays until `down`; says how to reach it.

    Raises SandboxError, also when that name is taken.
    """
    path = _checked(name)
    with _one_at_a_time(path):
        if _is_up(path):
            raise SandboxError(
                f"the sandbox {name!r} is up already", remedy="Use it with `kubetalk sandbox shell`, or give --name"
            )
        if settings.name == "embedded":
            # Here, not in the keeper: a build has a progress bar and Ctrl-C.
            ensure_binary(settings, progress)
            if needs_istio_binary(request):
                ensure_binary(settings, progress, module="istio")
        _start_keeper(settings, request, name, progress)
    kept = _load(path)
    return (
        f"the sandbox {name!r} is up: {_versions_line(kept.versions)}\n"
        f"  kubetalk sandbox shell{_name_option(name)}\n"
        f"  kubetalk sandbox down{_name_option(name)}"
    )


def shell(
    settings: ProviderSettings, request: SandboxRequest, name: str, progress: Progress, command: str | None = None
) -> int:
    """Runs bash, or ``command`` in it, in the environment of a page's session; returns its exit code.

    In the sandbox of that name if it is up, else in one that lives as long as the shell. The working directory stays.

    Raises SandboxError.
    """
    path = _checked(name)
    if _is_up(path):
        kept = _load(path)
        return run_shell(kept.environment, kept.versions, command)
    with (
        tempfile.TemporaryDirectory(prefix="kt-") as folder,
        make_provider(settings).start(request, Path(folder), progress) as sandbox,
    ):
        return run_shell(sandbox.environment, sandbox.facts.versions, command)


def status(*, as_json: bool = False) -> str:
    """Every sandbox that is up: parts, memory, disk, checkpoints."""
    found = []
    for path in sorted(state_file(DEFAULT_NAME).parent.glob("*.json")):
        if not _is_up(path):
            continue
        kept = _load(path)
        try:
            answer = _ask(kept, "status")
        except SandboxError:
            # It may have ended in this very moment.
            if _is_up(path):
                raise
            continue
        about = {key: value for key, value in asdict(kept).items() if key not in {"environment", "socket"}}
        found.append({**about, "kubeconfig": kept.environment.get("KUBECONFIG"), **answer})
    if as_json:
        return json.dumps(found, indent=2)
    return "\n".join(_status_lines(found)) or "no sandbox is up"


def logs(name: str, part: str = "", lines: int = 40) -> str:
    """The last lines of the logs of one part, or of all.

    Raises SandboxError if there is no such sandbox or part.
    """
    folder = Path(_up(name).directory) / "box" / "logs"
    files = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if part and part not in files:
        raise SandboxError(f"there is no part {part!r}", remedy=f"It is one of {', '.join(files)}" if files else "")
    texts = []
    for stem, path in files.items():
        if part in {"", stem}:
            with path.open(encoding="utf-8", errors="replace") as file:
                texts.append(f"==> {stem} <==\n{''.join(deque(file, lines))}")
    return "\n".join(texts)


def checkpoint(name: str, label: str) -> str:
    """Saves the state of a sandbox that is up.

    Raises SandboxError.
    """
    _ask(_up(name), "checkpoint", name=label)
    return f"saved as {label!r}"


def restore(name: str, label: str) -> str:
    """Puts a sandbox that is up back to a checkpoint.

    Raises SandboxError.
    """
    _ask(_up(name), "restore", name=label)
    return f"restored to {label!r}"


def down(name: str) -> str:
    """Ends a sandbox that is up and removes its files.

    Raises SandboxError if there is none of that name.
    """
    _ask(_up(name), "down")
    return f"the sandbox {name!r} is down"


def versions(settings: ProviderSettings, *, as_json: bool = False) -> str:
    """What is inside the sandbox, and where its binary is.

    Raises SandboxError.
    """
    binary = find_binary(settings)
    recipe = load_recipe()
    istio = _istio_binary(settings)
    inside = dict(binary.versions if binary else recipe.versions)
    told = {
        "binary": str(binary.path) if binary else None,
        "origin": binary.origin if binary else "not built yet",
        "fingerprint": binary.fingerprint if binary else recipe.sources_key,
        "versions": inside,
        "emulates": list(recipe.emulates),
        "istio": {"binary": str(istio.path), "origin": istio.origin, "versions": dict(istio.versions)}
        if istio
        else None,
        "layers": [
            {"name": kept.name, "path": str(kept.path), "commands": list(kept.commands), "bytes": kept.bytes}
            for kept in kept_layers()
        ],
    }
    if as_json:
        return json.dumps(told, indent=2)
    rows = [f"{tool:<12}{version}" for tool, version in inside.items()]
    where = f"{binary.path} ({binary.origin})" if binary else "not built yet: kubetalk sandbox build"
    rows += [f"{'emulates':<12}{', '.join(recipe.emulates)}", f"{'binary':<12}{where}"]
    rows += [f"{tool:<12}{version}" for tool, version in (istio.versions if istio else {}).items()]
    where = f"{istio.path} ({istio.origin})" if istio else "not built yet: kubetalk sandbox build --istio"
    rows.append(f"{'binary':<12}{where}")
    rows += [
        f"{'layer':<12}{kept.name}, {kept.bytes / (1 << 20):.1f} MiB: {'; '.join(kept.commands)}".replace("\n", " ")
        for kept in kept_layers()
    ]
    return "\n".join(rows)


def _istio_binary(settings: ProviderSettings) -> Binary | None:
    try:
        return find_binary(settings, "istio")
    except BuildError:
        return None  # a folder with the core's binary alone is complete


def prune(settings: ProviderSettings | None = None) -> str:
    """Removes what killed builds and old versions left behind, and layers nobody uses any more; says what."""
    fingerprints = _fingerprints(settings or ProviderSettings())
    removed = [f"removed {path}" for path in (*prune_dead(), *prune_binaries(), *prune_layers(fingerprints))]
    removed += [f"deleted cluster {name}" for name in prune_clusters()]
    for path in sorted(state_file(DEFAULT_NAME).parent.glob("*.json")):
        if not _is_up(path):
            removed.append(f"forgot the sandbox {path.stem!r}, which is no longer running")
    return "\n".join(removed) or "nothing to remove"


def _fingerprints(settings: ProviderSettings) -> tuple[str, ...]:
    """Of what a layer can have been made with here: the core alone, and with Istio's binary."""
    core, istio = find_binary(settings), _istio_binary(settings)
    if core is None:
        return ()
    return (core.fingerprint, *([fingerprint_of(core.fingerprint, istio.fingerprint)] if istio else []))


def _start_keeper(settings: ProviderSettings, request: SandboxRequest, name: str, progress: Progress) -> None:
    job = {"name": name, "provider": asdict(settings), "request": asdict(request)}
    log = state_file(name).with_suffix(".log")
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "kubetalk.sandbox.keeper", json.dumps(job)],
            cwd="/",
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101  for the type checker
    try:
        # The provider's own time limits end the wait: the keeper tells how it went, or ends.
        for line in process.stdout:
            match json.loads(line):
                case {"progress": str(step)}:
                    progress(step)
                case {"up": _}:
                    return
                case {"error": str(message), "where": str(where), "remedy": str(remedy), "details": str(details)}:
                    raise SandboxError(message, where=where, remedy=remedy, details=details)
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise SandboxError("the keeper of the sandbox ended while it was starting", details="\n".join(said))
    except KeyboardInterrupt:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise
    finally:
        process.stdout.close()
        process.wait(30)


def run_shell(
    environment: Mapping[str, str],
    versions: Mapping[str, str],
    command: str | None = None,
    *,
    cwd: Path | None = None,
    state: Path | None = None,
) -> int:
    """Runs bash for a person, or ``command`` in it, and returns its exit code.

    It begins in ``cwd`` (else where this process is), after sourcing ``state``, a script that sets variables,
    functions and directory as a session left them.

    Raises SandboxError if there is no bash.
    """
    bash = shutil.which("bash", path=environment["PATH"])
    if bash is None:
        raise SandboxError("there is no bash", remedy="Install it with your package manager")
    place = cwd or Path.cwd()
    before = f". {shlex.quote(str(state))}\n" if state else ""
    if command is not None:
        arguments = [bash, "--noprofile", "--norc", "-c", before + command]
        return subprocess.run(arguments, env=dict(environment), cwd=place, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="kubetalk-shell-") as folder:
        startup = Path(folder) / "bashrc"
        # A person sits at this one: the terminal's own kind and width, not those of a page.
        person = {key: value for key, value in environment.items() if key not in {"COLUMNS", "TERM"}}
        person["TERM"] = os.environ.get("TERM", "dumb")
        startup.write_text(before + _startup(versions, person["TERM"]), encoding="utf-8")
        arguments = [bash, "--noprofile", "--rcfile", str(startup), "-i"]
        return subprocess.run(arguments, env=person, cwd=place, check=False).returncode


def _startup(versions: Mapping[str, str], terminal: str) -> str:
    minor = versions.get("emulated") or ".".join(versions.get("kubernetes", "").removeprefix("v").split(".")[:2])
    return rf"""
# What a session's shell needs and a person's does not: no editing of lines, the end at the first error.
set -o emacs -o history -o histexpand +o errexit +o nounset
shopt -s checkwinsize expand_aliases progcomp promptvars
export TERM={shlex.quote(terminal)}
unset COLUMNS
PS1='(kubetalk sandbox v{minor}) \W \$ '
unset HISTFILE
alias k=kubectl
for file in /usr/share/bash-completion/bash_completion /opt/homebrew/etc/profile.d/bash_completion.sh; do
    [ -r "$file" ] && . "$file"
done
if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {{
        cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} cword=$COMP_CWORD
        words=("${{COMP_WORDS[@]}}")
    }}
fi
# The tools write their completion themselves, at the first use of the Tab key: nothing to wait for before.
_kubetalk_completion() {{
    source <("$1" completion bash 2>/dev/null) && return 124
}}
complete -F _kubetalk_completion kubectl helm istioctl
"""


def _checked(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise SandboxError(f"{name!r} cannot be a sandbox's name", remedy="Use small letters, digits and hyphens")
    return state_file(name)


def _up(name: str) -> KeptSandbox:
    path = _checked(name)
    if not _is_up(path):
        raise SandboxError(
            f"no sandbox {name!r} is up", remedy=f"Start it with `kubetalk sandbox up{_name_option(name)}`"
        )
    return _load(path)


def _is_up(path: Path) -> bool:
    """Whether its keeper still answers; what a killed keeper left is removed."""
    try:
        kept = _load(path)
    except FileNotFoundError:
        return False
    except SandboxError:
        path.unlink(missing_ok=True)
        return False
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(kept.socket)
    except OSError:
        path.unlink(missing_ok=True)
        return False
    return True


def _load(path: Path) -> KeptSandbox:
    try:
        return KeptSandbox(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise SandboxError(f"the state file cannot be used: {error}", where=path) from error


def _ask(kept: KeptSandbox, operation: str, **keys: str) -> Mapping[str, Any]:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_ASK_SECONDS)
            client.connect(kept.socket)
            client.sendall(json.dumps({"op": operation, **keys}).encode() + b"\n")
            answer = json.loads(client.makefile(encoding="utf-8").readline())
    except (OSError, ValueError) as error:
        raise SandboxError(f"the sandbox {kept.name!r} did not answer {operation!r}: {error}") from error
    if not answer.pop("ok"):
        raise SandboxError(answer["error"], remedy=answer["remedy"])
    return dict(answer)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    try:
        with FileLock(path.with_suffix(".lock"), timeout=0.1, mode=0o600):
            yield
    except Timeout:
        raise SandboxError(f"the sandbox {path.stem!r} is being started by another command") from None


def _status_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    for kept in found:
        yield f"{kept['name']}: {kept['provider']}, {_versions_line(kept['versions'])}"
        began = f", layer {kept['layer']}" if kept["layer"] else ""
        yield f"  since {kept['since']}, {kept['nodes']} nodes{began}, kubeconfig {kept['kubeconfig']}"
        memory = sum(part["pss"] for part in kept["parts"]) / (1 << 20)
        labels = ", ".join(kept["checkpoints"]) or "none"
        yield f"  {memory:.0f} MiB memory, {kept['bytes'] / (1 << 20):.0f} MiB disk, checkpoints: {labels}"
        for part in kept["parts"]:
            yield f"  {part['name']:<26}{part['state']:<12}pid {part['pid']:<8}{part['pss'] / (1 << 20):6.0f} MiB"


def _versions_line(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{tool} {version}" for tool, version in versions.items())


def _name_option(name: str) -> str:
    return "" if name == DEFAULT_NAME else f" --name {name}"
