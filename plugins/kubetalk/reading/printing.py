"""Writes a block as Markdown, the inverse of reading it: what the reader makes of the result equals the block."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kubetalk.model import (
    Block,
    BlockOptions,
    BlockReference,
    Command,
    DiagramBlock,
    FileBlock,
    HistoricBlock,
    LiveBlock,
)
from kubetalk.reading.commands import HIDE
from kubetalk.reading.options import quote, shown_as

_FREE_PROMPTS = frozenset({"$", "%"})


def print_block(block: Block) -> str:
    """The block as it stands in a text, without a newline at the end; line ``n`` is line ``location.line + n``.

    Blank lines and lengths of fences may differ from what the author wrote, the meaning does not: reading the result at
    the same line of a file gives an equal block.
    """
    fence = block.fence
    content = _content(block)
    mark = "`" * max(3, *(len(run) + 1 for line in content for run in re.findall(r"^[ \t]*(`{3,})", line)), 3)
    content += [""] * (fence.end_line - fence.location.line - 1 - len(content))
    rows = [f"{mark}{_info(block)}", *content, mark]
    # In a quotation the mark has to stand on blank lines too, elsewhere blanks at a line's end help nobody.
    prefix = fence.indent
    return "\n".join(prefix + row if row or ">" in prefix else "" for row in rows)


def _info(block: Block) -> str:
    if isinstance(block, LiveBlock):
        words = ["console live", *_pairs(id=block.id), *_options(block.fence.options), *_prompt(block.commands)]
    elif isinstance(block, BlockReference):
        # What comes from the block it shows is not the reference's own, and comes back when both are read.
        own = shown_as(BlockOptions(), block.fence.options)
        words = ["console", *_pairs(ref=block.id), *_options(own)]
    elif isinstance(block, FileBlock):
        words = [block.language or "text", *_pairs(file=block.path), *_options(block.fence.options)]
        words = words if block.language else words[1:]
    elif isinstance(block, HistoricBlock):
        words = ["console", *_pairs(recorded=block.recorded.isoformat(), reason=block.reason)]
        words += [*_options(block.fence.options), *_prompt(block.commands)]
    else:
        words = ["diagram", *_pairs(id=block.id, view="" if block.view == "all" else block.view)]
        words += _pairs(namespaces=",".join(block.namespaces), before=block.before, title=block.title)
        words += _options(block.fence.options)
    return " ".join(words)


def _pairs(**values: str) -> list[str]:
    return [f"{key}={quote(value)}" for key, value in values.items() if value]


def _options(options: BlockOptions) -> list[str]:
    default = BlockOptions()
    words = []
    for key in BlockOptions.__dataclass_fields__:
        value = getattr(options, key)
        if value == getattr(default, key):
            continue
        if value is True:
            words.append(key)
        elif isinstance(value, tuple):
            words += _pairs(**{key: ",".join(value)})
        elif isinstance(value, float):
            words += _pairs(**{key: f"{value:f}".rstrip("0").rstrip(".") + "s"})
        else:
            words += _pairs(**{key: str(value)})
    return words


def _prompt(commands: Iterable[Command]) -> list[str]:
    commands = tuple(commands)
    prompt = commands[0].prompt if commands else "$"
    if prompt in _FREE_PROMPTS:
        return []
    # Where `#` was not asked for, a `# ` line of an output is output; asking for it would make it a command.
    told = "\n".join(command.expectation or "" for command in commands)
    if prompt == "#" and re.search(r"^# +\S", told, re.MULTILINE):
        return []
    return _pairs(prompt=prompt)


def _content(block: Block) -> list[str]:
    if isinstance(block, FileBlock):
        return block.content.split("\n")[:-1]
    if isinstance(block, DiagramBlock):
        return block.overlay.split("\n") if block.overlay else []
    if isinstance(block, BlockReference):
        return []
    rows: list[str] = []
    for command in block.commands:
        above = command.location.line - block.fence.location.line - 1 - len(command.comments)
        rows += [""] * (above - len(rows))
        rows += [*command.comments, *_shown(command)]
        if command.expectation is not None:
            rows += command.expectation.split("\n")
    return rows


def _shown(command: Command) -> list[str]:
    rows = list(command.shown)
    if command.hidden:
        # The first line takes the mark unless the command goes on behind a backslash there.
        place = 0 if not rows[0].endswith("\\") else len(rows) - 1
        rows[place] = f"{rows[place]} {HIDE}"
    return rows
