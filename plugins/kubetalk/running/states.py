"""Points of a session that it can be taken up from again: the cluster's checkpoint, the files, the shell, the results.

They belong to one running sandbox, because pod names and ages of another one would not fit. A point is named after
its link of the key chain, so that nothing that was edited before it can be taken over.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubetalk.errors import SandboxError
from kubetalk.model import CommandRecord, RunStep, Sandbox, Session, Snapshot, SnapshotStep, StepKey
from kubetalk.running.shell import Outcome, Shell

START: Final = "start"
_PAUSE_SECONDS: Final = 5.0
_MOST_BYTES: Final = 64 * 1024 * 1024
_TIMEOUT: Final = 30.0

# What bash sets itself, or the engine on a new start.
_OWN_VARIABLES: Final = (
    "BASH*|SHELLOPTS|DIRSTACK|EUID|UID|PPID|FUNCNAME|GROUPS|LINENO|RANDOM|SRANDOM|SECONDS|HISTCMD|COMP_*|PIPESTATUS|"
    "EPOCH*|PWD|SHLVL|IFS|_|kubetalk_name"
)
# In a subshell and behind `||`, so that neither IFS nor `set -e` of the author's matters and nothing is left behind.
# Options come last: with `set -e` restored, the rest of the script could end the shell.
_SAVE: Final = f"""
(
    builtin printf 'cd -- %q\\n' "$PWD"
    umask -p
    builtin echo 'unset -v $(compgen -e | grep -vxE "PWD|SHLVL|_")'
    declare -p IFS
    IFS=$' \\t\\n'
    for kubetalk_name in $(compgen -v); do
        case $kubetalk_name in {_OWN_VARIABLES}) ;; *) declare -p "$kubetalk_name" ;; esac
    done
    alias -p
    declare -f
    declare -Fx
    trap -p
    shopt -p
    set +o
) >%s 2>/dev/null || :
jobs -p
"""
# Words after which other processes, descriptors or places count that the script does not see.
_NOT_SAVED: Final = re.compile(r"(?m)(?:^|[;&|({])\s*(?:exec|coproc|disown|nohup|setsid|pushd|ulimit)\b")


@dataclass(frozen=True, slots=True)
class Point:
    """A saved point."""

    name: str
    steps: int
    """How many steps of the session are done there."""
    status: int
    """``$?``"""
    commands: tuple[tuple[RunStep, CommandRecord], ...]
    snapshots: tuple[Snapshot, ...]


class States:
    """The saved points of a session in one sandbox, below a folder that lives and dies with that sandbox."""

    def __init__(self, directory: Path, session: Session, keys: Mapping[StepKey, str], workspace: Path) -> None:
        self._directory = directory
        self._session = session
        self._keys = keys
        self._workspace = workspace
        self._seconds = 0.0
        self._saves = bool(keys)

    def begin(self, sandbox: Sandbox) -> Point | None:
        """Put the cluster where the run has to begin: at the furthest usable point, else as it was when it was new.

        Raises SandboxError.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        standing = self._standing()
        if not standing:
            try:
                sandbox.checkpoint(START)
            except SandboxError:
                # Not every provider has checkpoints; then every run needs a new sandbox.
                self._saves = False
            self._stand_at("elsewhere")
            return None
        point = self.furthest(len(self._session.steps) - 1)
        name = point.name if point else START
        if standing != name:
            sandbox.restore(name)
        self._stand_at("elsewhere")
        return point

    def rewind(self, sandbox: Sandbox) -> None:
        """Put the cluster where a run after an edit of the last block will begin, so that it need not wait.

        Raises SandboxError.
        """
        last = max((n for n, step in enumerate(self._session.steps) if isinstance(step, RunStep)), default=0)
        point = self.furthest(last)
        name = point.name if point else START
        if self._standing() not in {"", name}:
            sandbox.restore(name)
            self._stand_at(name)

    def furthest(self, most_steps: int) -> Point | None:
        """The furthest saved point that this session, as it is now written, passes through."""
        for number in range(min(most_steps, len(self._session.steps)), 0, -1):
            step = self._session.steps[number - 1]
            if isinstance(step, RunStep) and (point := self._load(number, self._name(step))):
                return point
        return None

    def open(self, point: Point, work: Path, shell: Shell) -> None:
        """Bring files and shell to that point. Raises SandboxError if the shell refuses."""
        saved = self._directory / point.name
        shutil.copytree(saved / "work", work, symlinks=True, dirs_exist_ok=True)
        script = (saved / "shell").read_text(encoding="utf-8", errors="surrogateescape")
        outcome = shell.run(script, timeout=_TIMEOUT)
        if outcome.ended_shell or outcome.timed_out:
            raise SandboxError(
                "the session's shell could not be brought back to a saved point", remedy="Run it again from the start"
            )
        shell.last_status = point.status

    def after(
        self,
        number: int,
        shell: Shell,
        sandbox: Sandbox,
        commands: list[tuple[RunStep, CommandRecord]],
        snapshots: list[Snapshot],
    ) -> None:
        """Save a point after a step (``number``, from 0) if it is worth it: before the last block, and now and then."""
        step = self._session.steps[number]
        if not self._saves or not isinstance(step, RunStep) or shell.ended:
            return
        self._seconds += commands[-1][1].seconds
        if _NOT_SAVED.search(step.command.source):
            self._saves = False
            return
        following = [later for later in self._session.steps[number + 1 :] if isinstance(later, RunStep)]
        if not following or (following[0].block_id == step.block_id and len(following) > 1):
            return
        last_block = following[0].block_id == following[-1].block_id
        if last_block or self._seconds >= _PAUSE_SECONDS:
            self._save(step, shell, sandbox, commands, snapshots)

    def _save(
        self,
        step: RunStep,
        shell: Shell,
        sandbox: Sandbox,
        commands: list[tuple[RunStep, CommandRecord]],
        snapshots: list[Snapshot],
    ) -> None:
        name = self._name(step)
        if (self._directory / name).exists():
            return
        partial = self._directory / f".{name}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        status = shell.last_status
        outcome = save_shell(shell, partial / "shell")
        work = self._workspace / "work"
        try:
            if outcome.ended_shell or outcome.output.strip() or _size(work) > _MOST_BYTES:
                # A job that goes on in the background cannot be saved.
                return
            shutil.copytree(work, partial / "work", symlinks=True)
            sandbox.checkpoint(name)
        except (OSError, shutil.Error, SandboxError):
            return
        else:
            data = {
                "workspace": str(self._workspace),
                "status": status,
                "commands": [[r.command, r.output, r.exit_code, r.key, r.seconds] for _, r in commands],
                "snapshots": [[s.key, s.objects] for s in snapshots],
            }
            (partial / "point.json").write_text(json.dumps(data), encoding="utf-8")
            partial.rename(self._directory / name)
            self._seconds = 0.0
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _load(self, steps: int, name: str) -> Point | None:
        try:
            data = json.loads((self._directory / name / "point.json").read_text(encoding="utf-8"))
        except OSError:
            return None
        done = self._session.steps[:steps]
        commands = [step for step in done if isinstance(step, RunStep)]
        taken = {key: tuple(objects) for key, objects in data["snapshots"]}
        snapshots = [step for step in done if isinstance(step, SnapshotStep)]
        # A diagram that was added since needs the cluster as it was then: the point is too late for it.
        if data["workspace"] != str(self._workspace) or any(self._keys[step.id] not in taken for step in snapshots):
            return None
        return Point(
            name=name,
            steps=steps,
            status=data["status"],
            commands=tuple(zip(commands, _records(data["commands"]), strict=True)),
            snapshots=tuple(Snapshot(s.id, taken[self._keys[s.id]], self._keys[s.id]) for s in snapshots),
        )

    def _name(self, step: RunStep) -> str:
        return self._keys.get((step.block_id, step.index), "")[:32] or "none"

    def _standing(self) -> str:
        """The checkpoint that the cluster is at now; ``elsewhere`` after a run, empty if there was none yet."""
        try:
            return (self._directory / "standing").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _stand_at(self, name: str) -> None:
        (self._directory / "standing").write_text(name, encoding="utf-8")


def save_shell(shell: Shell, script: Path) -> Outcome:
    """Write a script that brings another bash to where this one is: directory, variables, functions, options, traps.

    Jobs in the background are not in it; the outcome's output names them. ``$?`` stays.
    """
    status = shell.last_status
    outcome = shell.run(_SAVE.replace("%s", shlex.quote(str(script))), timeout=_TIMEOUT)
    shell.last_status = status
    return outcome


def _records(rows: list[list[Any]]) -> list[CommandRecord]:
    return [CommandRecord(*row) for row in rows]


def _size(folder: Path) -> int:
    """Bytes in a folder; stops counting when it is too much."""
    total = 0
    for base, _, names in os.walk(folder):
        total += sum(Path(base, name).lstat().st_size for name in names)
        if total > _MOST_BYTES:
            break
    return total
