"""Reads the inside of a console block: prompts, commands over several lines, and the author's expectations.

The rules
- A prompt is ``$`` or ``%`` with a blank behind it at the very start of a line. The first one in a block is the prompt
  of the whole block, so ``$5.00``, ``$HOME`` and a ``%`` in an output are output.
- ``prompt="…"`` gives a block another prompt. Without it ``#`` is the (root) prompt only if the block has no ``$`` or
  ``%`` prompt, its first line starts with ``# `` and a program this module knows; later ``# `` lines count as commands
  under the same condition. In every other block a ``# `` line is prose: right above a command it belongs to it
  (`Command.comments`, shown and never run), at other places it is part of an output.
- A command goes on while bash would ask for more: backslash, open quote, heredoc, pipe, compound command. The lines
  that follow may carry bash's ``> ``; the first one decides for the whole command. (A bare line that starts with a
  redirection has to be indented therefore.) ``> `` below a complete command is output.
- Text below a command is the author's expectation, without blank lines at its beginning and end.
- ``# kubetalk: hide`` at the end of a command's first or last line runs the command without showing it; the mark itself
  is neither shown nor given to the shell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kubetalk.errors import ContentError, KubetalkError
from kubetalk.model import Command, Location
from kubetalk.reading.shell import Shell

HIDE = "# kubetalk: hide"
_HIDE = re.compile(r"(?:(?<=\s)|^)# kubetalk: hide[ \t]*$")
_PROMPT = re.compile(r"([$%]) +\S")
_COMMENT = re.compile(r"#(?:[ \t]|$)")
_ROOT_PROGRAMS = frozenset(
    """
    kubectl helm istioctl kustomize kind kwok kwokctl kubeadm curl wget cat ls cd cp mv rm mkdir touch echo printf
    export grep sed awk head tail wc sort cut tr base64 jq yq openssl env systemctl journalctl docker podman crictl
    nerdctl apt apt-get yum dnf git tar ip hostname whoami chmod chown test for while if
    """.split()  # noqa: SIM905
)


@dataclass(slots=True)
class _Reader:
    path: str
    first_line: int
    lines: Sequence[str]
    prompt: str
    implicit_root: bool
    errors: list[KubetalkError]
    commands: list[Command] = field(default_factory=list)

    def error(self, index: int, message: str, remedy: str = "") -> None:
        where = Location(self.path, self.first_line + index)
        self.errors.append(ContentError(message, where=where, remedy=remedy))


def read_commands(
    lines: Sequence[str], *, path: str, first_line: int, prompt: str, errors: list[KubetalkError]
) -> tuple[Command, ...]:
    """The commands of a console block.

    ``lines`` are the block's content, ``first_line`` the number of the first of them in the file, ``prompt`` the value
    of the option (empty: the rules above). Problems are appended to ``errors``; after one the block's rest is left.
    """
    chosen, implicit_root = (prompt, False) if prompt else _prompt_of(lines)
    reader = _Reader(path, first_line, lines, chosen, implicit_root, errors)
    buffer: list[str] = []
    index = 0
    while index < len(lines):
        if lines[index].startswith((chosen + "\u00a0", chosen + "\u3000")):
            message = f"what stands behind the prompt `{chosen}` looks like a blank but is none"
            reader.error(index, message, "Type a blank: a no-break or wide space is no part of a prompt.")
            return ()
        if not _starts_command(reader, lines[index]):
            buffer.append(lines[index])
            index += 1
            continue
        comments, buffer = _split_comments(buffer, reader)
        if not _expect(reader, buffer, index - len(buffer) - len(comments)):
            return ()
        buffer = []
        following = _read_command(reader, index, comments)
        if following is None:
            return ()
        index = following
    _expect(reader, buffer, index - len(buffer))
    return tuple(reader.commands)


def _prompt_of(lines: Sequence[str]) -> tuple[str, bool]:
    for line in lines:
        if match := _PROMPT.match(line):
            return match[1], False
    first = next((line for line in lines if line.strip()), "")
    return ("#", True) if _root_command(first) else ("$", False)


def _root_command(line: str) -> bool:
    match = re.match(r"# +(?:[A-Za-z_]\w*=\S* +)*(\S+)", line)
    return match is not None and (match[1] in _ROOT_PROGRAMS or bool(re.match(r"\.{0,2}/\w", match[1])))


def _starts_command(reader: _Reader, line: str) -> bool:
    if reader.implicit_root:
        return _root_command(line)
    rest = line[len(reader.prompt) :]
    return line.startswith(reader.prompt) and rest[:1] == " " and bool(rest.strip())


def _split_comments(buffer: list[str], reader: _Reader) -> tuple[tuple[str, ...], list[str]]:
    """Takes the prose comment above a command off the text that came before it."""
    if reader.prompt.startswith("#"):
        return (), buffer
    start = len(buffer)
    while start and (not buffer[start - 1].strip() or _COMMENT.match(buffer[start - 1])):
        start -= 1
    if start:
        # Right below an output a `#` line is more likely part of it (`helm template`): prose needs a blank line there.
        start = next((place for place in range(start, len(buffer)) if not buffer[place].strip()), len(buffer))
    while start < len(buffer) and not buffer[start].strip():
        start += 1
    return tuple(buffer[start:]), buffer[:start]


def _expect(reader: _Reader, buffer: Sequence[str], index: int) -> bool:
    """Gives the text before ``index + len(buffer)`` to the last command; False if there is no such command."""
    text = list(buffer)
    while text and not text[-1].strip():
        text.pop()
    above = next((place for place, line in enumerate(text) if line.strip()), len(text))
    text = text[above:]
    if not text:
        return True
    if not reader.commands:
        prompt = reader.prompt
        reader.error(
            index + above,
            f"`{_short(text[0])}` stands before the first command",
            f"Start each command with `{prompt} `; what stands below it is its output.",
        )
        return False
    reader.commands[-1] = replace(reader.commands[-1], expectation="\n".join(text))
    return True


def _read_command(reader: _Reader, index: int, comments: tuple[str, ...]) -> int | None:
    """Reads the command that starts at ``index``; gives the index behind it, None after a problem."""
    command = _Lines(reader, index)
    first = reader.lines[index]
    if not command.add(first, first[len(reader.prompt) :].lstrip()):
        return None
    following = index + 1
    bash_prompts: bool | None = None
    while not command.shell.complete and following < len(reader.lines):
        line = reader.lines[following]
        carries = line == ">" or line.startswith("> ")
        bash_prompts = carries if bash_prompts is None else bash_prompts
        if (bash_prompts or not command.shell.in_heredoc) and _starts_command(reader, line):
            break
        if not command.add(line, line[2:] if bash_prompts and carries else line):
            return None
        following += 1
    if (missing := command.shell.missing) is not None:
        what, opened = missing
        remedy = command.remedy(opened)
        if not remedy and following < len(reader.lines):
            remedy = f"The next command starts in line {reader.first_line + following}."
        verb = "is not followed by anything" if "end of the line" in what else "is never closed"
        reader.error(index + opened, f"{what} {verb}", remedy)
        return None
    source = "\n".join(command.source).rstrip()
    if not source:
        reader.error(index, f"there is nothing to run before the mark `{HIDE}`")
        return None
    reader.commands.append(
        Command(
            source=source,
            shown=tuple(command.shown),
            location=Location(reader.path, reader.first_line + index),
            prompt=reader.prompt,
            hidden=command.hidden,
            comments=comments,
        )
    )
    return following


class _Lines:
    """The lines of one command while it is read."""

    def __init__(self, reader: _Reader, index: int) -> None:
        self._reader = reader
        self._index = index
        self.shell = Shell()
        self.shown: list[str] = []
        self.source: list[str] = []
        self.hidden = False

    def add(self, line: str, text: str) -> bool:
        """One more line as written and as the shell gets it; False after a problem."""
        if not self.shell.in_heredoc and not self.shell.in_quotes:
            if marked := _HIDE.search(text):
                self.hidden = True
                text = text[: marked.start()].rstrip()
                line = _HIDE.sub("", line).rstrip()
            if _blank_behind_backslash(text):
                place = self._index + len(self.shown)
                message = "the backslash has a blank behind it, so the line does not go on"
                self._reader.error(place, message, "Delete the blank.")
                return False
        self.shown.append(line)
        self.source.append(text)
        self.shell.feed(text)
        return True

    def remedy(self, opened: int) -> str:
        """Where the end of an open heredoc was surely meant."""
        tag = self.shell.heredoc_tag
        for place, line in enumerate(self.source[opened + 1 :], start=opened + 1):
            if tag and line.strip() == tag:
                number = self._reader.first_line + self._index + place
                return f"`{tag}` in line {number} has to stand alone, without blanks around it."
        return ""


def _blank_behind_backslash(line: str) -> bool:
    stripped = line.rstrip()
    trailing = len(stripped) - len(stripped.rstrip("\\"))
    return stripped != line and trailing % 2 == 1


def _short(text: str) -> str:
    return text.strip() if len(text.strip()) <= 40 else text.strip()[:39] + "…"
