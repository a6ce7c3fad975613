"""Carries out a session step by step: files, commands, snapshots; stops at the first thing that is not as intended."""

from __future__ import annotations

import datetime as dt
import re
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubetalk.errors import KubetalkError, ManyErrors, RunError
from kubetalk.model import (
    BlockRecord,
    CommandRecord,
    FileStep,
    Progress,
    Provenance,
    Recording,
    RunStep,
    Sandbox,
    Session,
    SessionResult,
    Snapshot,
    SnapshotStep,
    StepKey,
)
from kubetalk.running.commands import is_observing, is_watching, refusal
from kubetalk.running.eyes import Eyes
from kubetalk.running.noticing import Noticing
from kubetalk.running.redaction import find_secrets, redact
from kubetalk.running.shell import DISK_LIMIT, OUTPUT_LIMIT, Outcome, Shell
from kubetalk.running.states import Point, States, save_shell
from kubetalk.running.watching import Watch, ended_with
from kubetalk.running.workspace import Workspace

Prune = Callable[[Iterable[Mapping[str, Any]]], tuple[Mapping[str, Any], ...]]
"""Cluster objects -> what a diagram needs of them, sorted."""

IsStable = Callable[[RunStep, str, str], bool]
"""Whether two outputs of a polled command say the same, so that waiting is over (``stable=``)."""

Printed = Callable[[RunStep, str, int], None]
"""A command that has ended, its output as it may be shown, its exit code."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_FILE_TOO_BIG = 128 + signal.SIGXFSZ
_VALUE = re.compile(r"\S{4,}")


def equal_outputs(_step: RunStep, one: str, other: str) -> bool:
    """The strictest `IsStable`: every byte counts."""
    return one == other


def check_session(session: Session) -> None:
    """Refuse, before anything is started, what could not end well.

    Raises RunError (ManyErrors for several): a command that needs a person, ``until`` on a command that changes
    something, a secret written into a command.
    """
    errors = [error for step in session.commands if (error := _refused(step))]
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)


def run_session(
    session: Session,
    sandbox: Sandbox,
    *,
    workspace: Path,
    prune: Prune,
    progress: Progress,
    keys: Mapping[StepKey, str] | None = None,
    is_stable: IsStable = equal_outputs,
    content: str = "",
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    output_limit: int = OUTPUT_LIMIT,
    disk_limit: int = DISK_LIMIT,
    states: Path | None = None,
    printed: Printed = lambda _step, _output, _status: None,
    shell_script: Path | None = None,
) -> SessionResult:
    """Run a session on a sandbox, in a shell whose working directory is made below ``workspace``.

    The sandbox must be pristine, unless ``states`` is given: a folder that lives and dies with the sandbox. Then points
    of the session are saved there (if there are ``keys``), and a later run on the same sandbox and in the same
    workspace begins at the furthest point that it still passes through; see also `rewind`.

    ``keys`` are the links of the key chain, stored in the records, ``content`` is stored in the recording;
    ``output_limit`` is in bytes per command, ``disk_limit`` in bytes of all files that the session has. ``printed`` is
    told of each command as soon as it has ended, also of one that fails. ``shell_script`` is written at the end, unless
    the shell is gone: a bash that sources it is where the session's was.
    The result holds a RunError if a command failed, timed out, printed or wrote too much or ended the shell too early,
    or if a file could not be written. Raises RunError or ManyErrors for what `check_session` refuses, SandboxError.
    """
    check_session(session)
    started = time.monotonic()
    place = Workspace(workspace)
    eyes = Eyes(session, sandbox.environment, place)
    run = _Run(
        session=session,
        sandbox=sandbox,
        place=place,
        prune=prune,
        progress=progress,
        keys=keys or {},
        is_stable=is_stable,
        printed=printed,
        content=content,
        eyes=eyes,
        disk_limit=disk_limit,
        noticing=Noticing(session, sandbox, eyes, progress),
    )
    failure: RunError | None = None
    saved = States(states, session, keys or {}, workspace) if states else None
    point = saved.begin(sandbox) if saved else None
    try:
        if point is None:
            place.fill(session.files)
        with (
            Shell(
                directory=place.private,
                cwd=place.work,
                environment=sandbox.environment,
                output_limit=output_limit,
                disk_limit=disk_limit,
            ) as shell,
            ended_with(sandbox, shell, folders=_written_to(place, sandbox), disk_limit=disk_limit) as run.watch,
        ):
            if saved and point:
                saved.open(point, place.work, shell)
                run.go_on(point)
            begin = point.steps if point else 0
            try:
                for number, step in enumerate(session.steps[begin:], begin):
                    run.carry_out(step, shell)
                    if saved:
                        saved.after(number, shell, sandbox, run.records, run.snapshots, run.noticing.noticed)
                run.noticing.at_the_end()
            except RunError as error:
                failure = error
            if shell_script and not shell.ended:
                save_shell(shell, shell_script)
    except RunError as error:
        failure = error
    return SessionResult(
        completed=run.recording(now()),
        failure=failure,
        unverified=session.commands[len(run.records) :] if failure else (),
        failed=run.failing if failure else None,
        failed_record=run.cleared(run.failing_record) if failure and run.failing_record else None,
        seconds=time.monotonic() - started,
        resumed=point.steps if point else 0,
    )


def rewind(session: Session, sandbox: Sandbox, *, workspace: Path, keys: Mapping[StepKey, str], states: Path) -> None:
    """After a run with ``states``: put the sandbox to the point before the last block, while nobody waits for it.

    Raises SandboxError.
    """
    States(states, session, keys, workspace).rewind(sandbox)


def _written_to(place: Workspace, sandbox: Sandbox) -> list[Path]:
    """Where a session's files go, unless a command names some other place."""
    home = sandbox.environment.get("HOME")
    return [place.work, *([Path(home)] if home else [])]


@dataclass(slots=True)
class _Run:
    """A session under way."""

    session: Session
    sandbox: Sandbox
    place: Workspace
    prune: Prune
    progress: Progress
    keys: Mapping[StepKey, str]
    is_stable: IsStable
    printed: Printed
    content: str
    eyes: Eyes
    noticing: Noticing
    disk_limit: int
    watch: Watch = field(default_factory=Watch)
    records: list[tuple[RunStep, CommandRecord]] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    failing: RunStep | None = None
    """The command under way, until it ended as its block says."""
    failing_record: CommandRecord | None = None

    def go_on(self, point: Point) -> None:
        """Take over what an earlier run had done and seen up to a saved point."""
        self.records, self.snapshots = list(point.commands), list(point.snapshots)
        self.noticing.go_on(point.noticed)

    def carry_out(self, step: RunStep | FileStep | SnapshotStep, shell: Shell) -> None:
        match step:
            case RunStep():
                total = len(self.session.commands)
                self.progress(f"{len(self.records) + 1}/{total} {step.command.source.splitlines()[0]}")
                self._command(step, shell)
            case FileStep():
                self.place.write(step)
            case SnapshotStep():
                self._snapshot(step)

    def recording(self, verified: dt.datetime) -> Recording:
        """All of it so far, without what was found to be a secret only after it had been printed."""
        blocks: dict[str, list[CommandRecord]] = {}
        for step, record in self.records:
            blocks.setdefault(step.block_id, []).append(self.cleared(record))
        snapshots = self.snapshots
        if self.eyes.learnt:
            snapshots = [replace(s, objects=tuple(map(self.eyes.cleared, s.objects))) for s in snapshots]
        facts = self.sandbox.facts
        return Recording(
            document_id=self.session.document_id,
            provenance=Provenance(
                verified=verified,
                provider=facts.provider,
                simulated=facts.simulated,
                versions={**facts.versions, **self.noticing.versions},
                layer=facts.layer,
            ),
            blocks=tuple(BlockRecord(name, tuple(records)) for name, records in blocks.items()),
            snapshots=tuple(snapshots),
            content=self.content,
        )

    def cleared(self, record: CommandRecord) -> CommandRecord:
        """A record without what was found to be a secret after it had been made."""
        return replace(record, output=self.eyes.again(record.output))

    def _snapshot(self, step: SnapshotStep) -> None:
        objects = tuple(self.eyes.cleared(found) for found in self.prune(self.sandbox.objects()))
        self.snapshots.append(Snapshot(step.id, objects, key=self.keys.get(step.id, "")))

    def _command(self, step: RunStep, shell: Shell) -> None:
        self.failing, self.failing_record = step, None
        if shell.ended:
            raise (
                self._too_big(step)
                if self.watch.disk_is_full
                else self._error(step, "did not run: the session's shell is gone", "", "Mend the command before it")
            )
        started = time.monotonic()
        source, options = step.command.source, step.options
        waited = ""
        if options.until:
            outcome, waited = self._poll(step, shell)
        elif is_watching(source):
            outcome = shell.watch(source, within=options.within, seen=lambda _: False)
        else:
            outcome = shell.run(source, timeout=options.timeout, tty=options.tty)
        ended = time.monotonic()
        self.noticing.after(source)
        output = self.eyes.text(outcome.output, source)
        self.printed(step, output, outcome.status)
        record = CommandRecord(
            command=source,
            output=output,
            exit_code=outcome.status,
            key=self.keys.get((step.block_id, step.index), ""),
            seconds=ended - started if options.until else outcome.seconds,
        )
        # Of what we ended ourselves the exit code is ours, and the output a part.
        self.failing_record = None if outcome.too_long or outcome.timed_out else record
        self._judge(step, outcome, output, waited)
        self.records.append((step, record))
        self.failing = self.failing_record = None

    def _poll(self, step: RunStep, shell: Shell) -> tuple[Outcome, str]:
        """Repeat a command until its output matches: the last outcome, and what was waited for in vain."""
        source, options = step.command.source, step.options
        wanted = re.compile(options.until, re.MULTILINE)
        if is_watching(source):
            outcome = shell.watch(
                source,
                within=options.within,
                seen=lambda output: bool(wanted.search(self.eyes.text(output, source))),
            )
            output = self.eyes.text(outcome.output, source)
            return outcome, "" if wanted.search(output) else options.until
        started = time.monotonic()
        deadline = started + options.within
        pause, matched, previous = _FIRST_PAUSE, 0, ""
        while True:
            left = max(deadline - time.monotonic(), 0.05)
            outcome = shell.run(source, timeout=min(options.timeout, left), tty=options.tty)
            output = self.eyes.text(outcome.output, source)
            if outcome.status == options.exit and wanted.search(output):
                matched = matched + 1 if matched and self.is_stable(step, previous, output) else 1
                previous = output
                if matched >= options.stable:
                    return outcome, ""
            else:
                matched = 0
            if shell.ended or time.monotonic() + pause >= deadline:
                return outcome, options.until
            shell.pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _judge(self, step: RunStep, outcome: Outcome, output: str, waited: str) -> None:
        """Raises RunError unless the command ended as its block says."""
        options = step.options
        if (self.watch.disk_is_full and outcome.ended_shell) or outcome.status == _FILE_TOO_BIG != options.exit:
            raise self._too_big(step, output)
        if waited:
            raise self._error(
                step,
                f'did not print until="{waited}" within {options.within:g} s',
                output,
                "Mend the command or the expression, or give it more time with within=",
            )
        if outcome.too_long:
            raise self._error(
                step,
                f"printed more than {len(outcome.output):,} bytes and was ended",
                output[:2000] + "\n…",
                "Let it print less, for example through `head` or `tail`",
            )
        if outcome.timed_out:
            raise self._error(
                step,
                f"did not end within {options.timeout:g} s and was ended",
                output,
                'Give it more time with timeout="…" on the fence, or wait for what it needs before it',
            )
        interrupted = outcome.interrupted and outcome.status == 130
        if outcome.status != options.exit and not interrupted:
            shell_too = " and ended the session's shell" if outcome.ended_shell else ""
            raise self._error(
                step,
                f"ended with exit code {outcome.status} instead of {options.exit}{shell_too}",
                output,
                f'Mend it, or write exit="{outcome.status}" on the fence if that is intended',
            )
        if options.symbol and not _VALUE.fullmatch(output.strip()):
            raise self._error(
                step,
                f'printed no value that symbol="{options.symbol}" could stand for',
                output,
                "Let it print that value alone: one word of at least 4 characters",
            )
        rest = len(self.session.commands) - len(self.records) - 1
        if outcome.ended_shell and rest:
            raise self._error(
                step,
                f"ended the session's shell, so that the {rest} commands after it cannot run",
                output,
                "Put it in parentheses: a subshell may end",
            )

    def _too_big(self, step: RunStep, output: str = "") -> RunError:
        return self._error(
            step,
            f"was ended: the session's files may have {self.disk_limit:,} bytes together, and had more",
            output,
            "Let it write less, or remove what is no longer needed before it",
        )

    def _error(self, step: RunStep, what: str, output: str, remedy: str) -> RunError:
        return _run_error(step, what, remedy, output)


def _run_error(step: RunStep, what: str, remedy: str, details: str = "") -> RunError:
    first, *more = step.command.source.splitlines()
    name = redact(f"{first} …" if more else first)
    return RunError(
        f"`{name}` (block {step.block_id}) {what}", where=step.command.location, remedy=remedy, details=details
    )


def _refused(step: RunStep) -> KubetalkError | None:
    source = step.command.source
    if kinds := find_secrets(source):
        return RunError(
            f"a command of block {step.block_id} holds a secret ({kinds[0]})",
            where=step.command.location,
            remedy="Take it out and make it invalid where it was issued: the file may have been committed already",
        )
    if reason := refusal(source, tty=step.options.tty):
        return RunError(
            f"block {step.block_id}: {reason[0]}, and nobody sits at a build",
            where=step.command.location,
            remedy=reason[1],
        )
    if step.options.until and not is_observing(source):
        return _run_error(
            step,
            "is not known to only look, so it is not repeated for until=",
            "Put until= on a `kubectl get` or `kubectl wait` after it",
        )
    if step.options.until:
        try:
            re.compile(step.options.until)
        except re.error as error:
            return _run_error(step, f"has an until= that is no regular expression: {error}", "Mend the expression")
    return None
