"""Points of a session that it can be taken up from again: the cluster's checkpoint, the files, the shell, the results.

They belong to one running sandbox, because pod names and ages of another one would not fit. A point is named after
its link of the key chain, so that nothing that was edited before it can be taken over.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubetalk.errors import SandboxError
from kubetalk.model import CommandRecord, RunStep, Sandbox, Session, Snapshot, SnapshotStep, StepKey
from kubetalk.running.noticing import Noticed
from kubetalk.running.shell import Outcome, Shell
from kubetalk.running.watching import bytes_in

START: Final = "start"
_MOST_POINTS: Final = 24
_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_BYTES_TOGETHER: Final = 256 * 1024 * 1024
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
    noticed: Noticed


@dataclass(frozen=True, slots=True)
class _Kept:
    """A saved point as far as it counts for what is worth keeping."""

    name: str
    seconds: float
    """What its commands took, from the session's beginning."""
    bytes: int


class States:
    """The saved points of a session in one sandbox, below a folder that lives and dies with that sandbox."""

    def __init__(self, directory: Path, session: Session, keys: Mapping[StepKey, str], workspace: Path) -> None:
        self._directory = directory
        self._session = session
        self._keys = keys
        self._workspace = workspace
        self._saves = bool(keys)
        self._copied = 0

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

        Points that are not worth keeping are forgotten. Raises SandboxError.
        """
        self._tidy(sandbox)
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
        noticed: Noticed,
    ) -> None:
        """Save a point after a step (``number``, from 0) if it ends a block, or if only one command comes after it."""
        step = self._session.steps[number]
        if not self._saves or not isinstance(step, RunStep) or shell.ended:
            return
        if _NOT_SAVED.search(step.command.source):
            self._saves = False
            return
        following = [later for later in self._session.steps[number + 1 :] if isinstance(later, RunStep)]
        if len(following) == 1 or (following and following[0].block_id != step.block_id):
            is_last = following[0].block_id == following[-1].block_id
            room = _MOST_BYTES if is_last else min(_MOST_BYTES, _MOST_BYTES_TOGETHER - self._copied)
            self._save(step, shell, sandbox, commands, snapshots, noticed, room)

    def _save(
        self,
        step: RunStep,
        shell: Shell,
        sandbox: Sandbox,
        commands: list[tuple[RunStep, CommandRecord]],
        snapshots: list[Snapshot],
        noticed: Noticed,
        room: int,
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
        size = bytes_in([work], room)
        try:
            if outcome.ended_shell or outcome.output.strip() or size > room:
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
                # No more than the saved shell's variables and the cluster's checkpoint hold as well.
                "values": sorted(noticed.values),
                "charts": sorted(noticed.charts),
            }
            (partial / "point.json").write_text(json.dumps(data), encoding="utf-8")
            partial.rename(self._directory / name)
            self._copied += size
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
            noticed=Noticed(frozenset(data["values"]), frozenset((name, version) for name, version in data["charts"])),
        )

    def _tidy(self, sandbox: Sandbox) -> None:
        """Forget the points that the session no longer passes through, then those that spare the least."""
        names = [self._name(step) for step in self._session.commands]
        for path in self._directory.iterdir():
            if path.is_dir() and not path.name.startswith(".") and path.name not in names:
                self._forget(sandbox, path.name)
        kept = [found for name in names if (found := self._kept(name))]
        while len(kept) > 1 and (len(kept) > _MOST_POINTS or sum(p.bytes for p in kept) > _MOST_BYTES_TOGETHER):
            # The last one stays: most edits are made after it.
            begins = [0.0, *(point.seconds for point in kept)]
            least = min(range(len(kept) - 1), key=lambda n: kept[n].seconds - begins[n])
            self._forget(sandbox, kept.pop(least).name)

    def _kept(self, name: str) -> _Kept | None:
        folder = self._directory / name
        try:
            data = json.loads((folder / "point.json").read_text(encoding="utf-8"))
        except OSError:
            return None
        seconds = sum(record.seconds for record in _records(data["commands"]))
        return _Kept(name, seconds, bytes_in([folder], _MOST_BYTES_TOGETHER))

    def _forget(self, sandbox: Sandbox, name: str) -> None:
        if self._standing() == name:
            self._stand_at("elsewhere")
        # First the point, so that nothing begins at a checkpoint that is gone.
        shutil.rmtree(self._directory / name)
        sandbox.forget(name)

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
