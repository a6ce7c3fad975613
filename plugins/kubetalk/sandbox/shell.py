"""A shell for a person in the environment of a page's session, with a prompt that says where it acts."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kubetalk.errors import SandboxError
from kubetalk.model import Progress, ProviderSettings, SandboxRequest
from kubetalk.sandbox.kept import is_up, load, place_of
from kubetalk.sandbox.providers import make_provider


def shell(
    settings: ProviderSettings, request: SandboxRequest, name: str, progress: Progress, command: str | None = None
) -> int:
    """Runs bash, or ``command`` in it, in the environment of a page's session; returns its exit code.

    In the sandbox of that name if it is up, else in one that lives as long as the shell. The working directory stays.

    Raises SandboxError.
    """
    path = place_of(name)
    if is_up(path):
        kept = load(path)
        there = prompt_place(kept.provider, kept.context, kept.name)
        return run_shell(kept.environment, kept.versions, command, place=there)
    with (
        tempfile.TemporaryDirectory(prefix="kt-") as folder,
        make_provider(settings).start(request, Path(folder), progress) as sandbox,
    ):
        there = prompt_place(sandbox.facts.provider, settings.context)
        return run_shell(sandbox.environment, sandbox.facts.versions, command, place=there)


def prompt_place(provider: str, context: str = "", name: str = "") -> str:
    """How a prompt calls what commands act on: ``sandbox NAME``, or ``existing cluster CONTEXT`` as a warning."""
    if provider == "context":
        return f"existing cluster {context}"
    return f"sandbox {name}".rstrip()


def run_shell(
    environment: Mapping[str, str],
    versions: Mapping[str, str],
    command: str | None = None,
    *,
    cwd: Path | None = None,
    state: Path | None = None,
    place: str = "sandbox",
) -> int:
    """Runs bash for a person, or ``command`` in it, and returns its exit code.

    It begins in ``cwd`` (else where this process is), after sourcing ``state``, a script that sets variables,
    functions and directory as a session left them. ``place`` is what the prompt says (see `prompt_place`).

    Raises SandboxError if there is no bash.
    """
    bash = shutil.which("bash", path=environment["PATH"])
    if bash is None:
        raise SandboxError("there is no bash", remedy="Install it with your package manager")
    folder = cwd or Path.cwd()
    before = f". {shlex.quote(str(state))}\n" if state else ""
    if command is not None:
        arguments = [bash, "--noprofile", "--norc", "-c", before + command]
        return subprocess.run(arguments, env=dict(environment), cwd=folder, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="kubetalk-shell-") as startup_folder:
        startup = Path(startup_folder) / "bashrc"
        # A person sits at this one: the terminal's own kind and width, not those of a page.
        person = {key: value for key, value in environment.items() if key not in {"COLUMNS", "TERM"}}
        person["TERM"] = os.environ.get("TERM", "dumb")
        startup.write_text(before + _startup(versions, person["TERM"], place), encoding="utf-8")
        arguments = [bash, "--noprofile", "--rcfile", str(startup), "-i"]
        return subprocess.run(arguments, env=person, cwd=folder, check=False).returncode


def _startup(versions: Mapping[str, str], terminal: str, place: str) -> str:
    minor = versions.get("emulated") or ".".join(versions.get("kubernetes", "").removeprefix("v").split(".")[:2])
    # Names and versions of somebody else's cluster: nothing in them may be an escape of the prompt, or run.
    where = re.sub(r"[^\w.:/@+ -]", "?", f"{place} v{minor}")
    return rf"""
# What a session's shell needs and a person's does not: no editing of lines, the end at the first error.
set -o emacs -o history -o histexpand +o errexit +o nounset
shopt -s checkwinsize expand_aliases progcomp promptvars
export TERM={shlex.quote(terminal)}
unset COLUMNS
PS1='(kubetalk {where}) \W \$ '
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
    local tool=$1
    [ "$tool" = k ] && tool=kubectl
    source <("$tool" completion bash 2>/dev/null) || return
    [ "$tool" = kubectl ] && complete -o default -F __start_kubectl k
    return 124
}}
complete -F _kubetalk_completion kubectl k helm istioctl
"""
