"""Turns a special fence into a block of the model, with every problem at its line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from kubetalk.errors import ContentError, KubetalkError
from kubetalk.model import (
    Block,
    BlockOptions,
    BlockReference,
    Command,
    DiagramBlock,
    Fence,
    FileBlock,
    HistoricBlock,
    LiveBlock,
    Location,
    Match,
)
from kubetalk.reading.commands import read_commands
from kubetalk.reading.fences import RawFence
from kubetalk.reading.options import Form, Info, OptionError, form_of, read_info
from kubetalk.reading.refusals import changes, refuse

DEFAULT_HISTORIC_REMEDY = "Start each command of that time with `$ `; what stands below it is its output."


def read_block(raw: RawFence, path: str, errors: list[KubetalkError], *, host: bool = False) -> Block | None:
    """The block of a fence; None for an ordinary one, and after problems that leave nothing to work with."""
    form = form_of(raw.info, host=host)
    where = Location(path, raw.line)
    if form is None:
        if not raw.closed and not host:
            errors.append(_unclosed(raw, where))
        return None
    if not raw.closed:
        errors.append(_unclosed(raw, where))
        return None
    if raw.outside:
        message = f"a line of the {form.value} of line {raw.line} is indented less than its fence"
        remedy = f"Indent it by {len(raw.prefix)} columns."
        errors.append(ContentError(message, where=Location(path, raw.outside[0]), remedy=remedy))
        return None
    try:
        info = read_info(raw.info, form)
    except OptionError as error:
        errors.append(ContentError(str(error), where=where, remedy=error.remedy))
        return None
    fence = Fence(where, raw.end_line, raw.prefix, info.options)
    if form is Form.LIVE:
        return _live(raw, info, fence, path, errors)
    if form is Form.HISTORIC:
        return _historic(raw, info, fence, path, errors)
    if form is Form.REFERENCE:
        if any(line.strip() for line in raw.lines):
            message = f"the reference `{info.values['ref']}` has content of its own, it shows that of the block"
            errors.append(ContentError(message, where=where, remedy="Leave the fence empty."))
        return BlockReference(info.values["ref"], fence)
    if form is Form.FILE:
        content = "".join(line + "\n" for line in raw.lines)
        return FileBlock(info.values["file"], info.language, content, fence)
    return DiagramBlock(
        id=info.values.get("id", ""),
        fence=fence,
        view=info.values.get("view", "all"),
        namespaces=info.values.get("namespaces", ()),
        before=info.values.get("before", ""),
        title=info.values.get("title", ""),
        overlay="\n".join(raw.lines),
    )


def _unclosed(raw: RawFence, where: Location) -> ContentError:
    fence = "~~~" if raw.info.startswith("~") else "```"
    remedy = f"Close it with a line {fence} at the same indentation."
    return ContentError("the fence that opens here is never closed", where=where, remedy=remedy)


def _live(raw: RawFence, info: Info, fence: Fence, path: str, errors: list[KubetalkError]) -> LiveBlock:
    before = len(errors)
    commands = read_commands(
        raw.lines, path=path, first_line=raw.line + 1, prompt=info.values.get("prompt", ""), errors=errors
    )
    if not commands and len(errors) == before:
        message = "the live block has no command"
        remedy = 'Start each command with `$ ` (or give the block `prompt="…"`).'
        errors.append(ContentError(message, where=fence.location, remedy=remedy))
    errors.extend(_judge(commands, info.options, bounded="within" in info.given))
    if len(errors) == before:
        errors.extend(_misspelled(commands, info.options.match, raw, path))
    return LiveBlock(info.values.get("id", ""), fence, commands)


def _judge(commands: Sequence[Command], options: BlockOptions, *, bounded: bool) -> list[KubetalkError]:
    found: list[KubetalkError] = []
    for command in commands:
        if reason := refuse(command.source, tty=options.tty, bounded=bounded):
            found.append(ContentError(f"this command cannot be run in a page: {reason}", where=command.location))
        elif options.until and (part := changes(command.source)):
            message = f"`until` repeats a command until it shows something, but `{part}` is not known to only observe"
            remedy = "Put it into a block of its own, and poll with `kubectl get` or `kubectl wait`."
            found.append(ContentError(message, where=command.location, remedy=remedy))
    return found


def _misspelled(commands: Sequence[Command], match: Match, raw: RawFence, path: str) -> list[KubetalkError]:
    """Expected texts that are not what ``match`` reads them as, each at the line of the mistake."""
    found: list[KubetalkError] = []
    for command in commands:
        if command.expectation is None:
            continue
        try:
            if match is Match.REGEX:
                re.compile(command.expectation, re.MULTILINE)
            elif match is Match.JSON:
                json.loads(command.expectation)
            continue
        except json.JSONDecodeError as error:
            what, why, line = "JSON", f"{error.msg}, column {error.colno}", error.lineno
        except re.error as error:
            what, why, line = "regular expression", f"{error.msg}, column {error.colno or 1}", error.lineno or 1
        except (OverflowError, RecursionError, ValueError) as error:
            what, why, line = "JSON" if match is Match.JSON else "regular expression", str(error), 1
        below = command.location.line - raw.line - 1 + len(command.shown)
        while not raw.lines[below].strip():
            below += 1
        where = Location(path, raw.line + below + line)
        message = f"match={match.value}, but the expected text is no {what}: {why}"
        found.append(ContentError(message, where=where, remedy="Mend it or use match=auto."))
    return found


def _historic(raw: RawFence, info: Info, fence: Fence, path: str, errors: list[KubetalkError]) -> HistoricBlock:
    before = len(errors)
    commands = read_commands(
        raw.lines, path=path, first_line=raw.line + 1, prompt=info.values.get("prompt", ""), errors=errors
    )
    if not commands and len(errors) == before:
        message = "the historic block has no command"
        errors.append(ContentError(message, where=fence.location, remedy=DEFAULT_HISTORIC_REMEDY))
    return HistoricBlock(info.values["recorded"], info.values["reason"], commands, fence)
