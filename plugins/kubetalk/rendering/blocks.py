"""Special blocks to HTML: live, historic, file and diagram blocks, each with what is known about its truth.

Only commands whose record holds the very same command show an output; anything else is shown as not run yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from kubetalk.errors import ContentError
from kubetalk.model import (
    BlockOptions,
    BlockReference,
    Command,
    DiagramBlock,
    FileBlock,
    HistoricBlock,
    LiveBlock,
    Location,
    OutputMode,
    Verdict,
)
from kubetalk.rendering.ansi import safe_plain
from kubetalk.rendering.highlighting import highlight_code
from kubetalk.rendering.notes import run_note, sources_of
from kubetalk.rendering.shell import command_html
from kubetalk.rendering.terminal import SEVERAL_LINES, OutputView, view_output, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from kubetalk.model import Block, CommandRecord, Rendition, Text
    from kubetalk.rendering.strings import Strings

HIDDEN = "<!-- hidden -->"
"""Nothing for the reader; an empty string would leave an empty paragraph behind."""
LABEL_LENGTH = 60
"""Characters of a command in a label for screen readers."""


@dataclass(frozen=True, slots=True)
class CommandView:
    """One command ready for the template."""

    source: str
    html: Markup
    label: str
    output: OutputView | None
    exit_code: int
    pending: bool
    """True when no record of this very command exists."""
    drifted: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class BlockRenderer:
    """Renders the blocks of one text."""

    templates: Environment
    strings: Strings
    rendition: Rendition
    text: Text

    def html(self, number: int) -> str:
        """The HTML of the text's block with that index; a comment for a hidden block.

        Raises ContentError for a reference that leads nowhere, IndexError for a wrong index.
        """
        block = self.text.blocks[number]
        if block.fence.options.hide:
            return HIDDEN
        if isinstance(block, BlockReference):
            block = resolve(block, self.rendition)
        match block:
            case LiveBlock():
                return self._live(block, number)
            case HistoricBlock():
                return self._historic(block, number)
            case FileBlock():
                return self._file(block, number)
            case DiagramBlock():
                return self._diagram(block)
        raise TypeError(f"{type(block).__name__} is not a kind of block")

    def session(self, source: str) -> str:
        """An ordinary terminal fence: set like a live block, but nothing is claimed about it."""
        views = [
            CommandView(
                source=command.source,
                html=command_html(command) if command.shown else Markup(""),
                label=label_of(command.source) or self.strings("block.terminal"),
                output=view_output(output, BlockOptions()) if output else None,
                exit_code=0,
                pending=False,
            )
            for command, output in plain_session(source, self.text.path)
        ]
        return self._terminal(views, block_id="", kind="plain", note=[])

    def _live(self, block: LiveBlock, number: int) -> str:
        # Display options are the fence's own: a reference may fold what the other language shows in full.
        options = self.text.blocks[number].fence.options
        if isinstance(self.text.blocks[number], BlockReference) and options == BlockOptions():
            options = block.fence.options
        recording = self.rendition.recording
        record = recording.block(block.id) if recording else None
        drifted = {
            comparison.index
            for comparison in self.rendition.comparisons
            if comparison.block_id == block.id and comparison.verdict in {Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR}
        }
        views = [
            self._command(
                command, record_of(command, record.commands if record else (), index), options, index in drifted
            )
            for index, command in enumerate(block.commands)
            if not command.hidden
        ]
        if not views:
            return HIDDEN
        kind = "live"
        if not all(view.pending for view in views):
            kind += f" kt-{self.rendition.origin.value}"
        if any(view.drifted for view in views):
            kind += " kt-drifted"
        return self._terminal(views, block_id=block.id, kind=kind, note=self._note(views, block))

    def _historic(self, block: HistoricBlock, number: int) -> str:
        views = [
            CommandView(
                source=command.source,
                html=command_html(command),
                label=label_of(command.source),
                output=view_output(command.expectation, block.fence.options) if command.expectation else None,
                exit_code=0,
                pending=False,
            )
            for command in block.commands
        ]
        note = [self.strings("block.historic", date=self.strings.date(block.recorded)), block.reason]
        return self._terminal(
            views, block_id=f"historic-{number + 1}", kind="historic", note=[part for part in note if part]
        )

    def _command(
        self, command: Command, record: CommandRecord | None, options: BlockOptions, drifted: bool
    ) -> CommandView:
        shows = record is not None and record.output.strip() and options.output is not OutputMode.HIDE
        return CommandView(
            source=command.source,
            html=command_html(command),
            label=label_of(command.source),
            output=view_output(record.output, options) if record and shows else None,
            exit_code=record.exit_code if record else 0,
            pending=record is None,
            drifted=drifted,
            folded=options.output is OutputMode.FOLD,
        )

    def _note(self, views: Sequence[CommandView], block: LiveBlock) -> list[str]:
        recording = self.rendition.recording
        if recording is None or all(view.pending for view in views):
            return [self.strings("block.unverified")]
        note = run_note(recording, self.rendition.origin, self.strings, sources_of([block]))
        if any(view.pending for view in views):
            note.append(self.strings("block.unverified"))
        if any(view.drifted for view in views):
            note.append(self.strings("block.drifted"))  # last: blocks.css gives it weight
        return note

    def _terminal(self, views: Sequence[CommandView], *, block_id: str, kind: str, note: Sequence[str]) -> str:
        longest = max(max((width(line) + 2 for line in view.source.split("\n")), default=0) for view in views)
        tables = max((view.output.width for view in views if view.output and not view.folded), default=0)
        rows = sum(
            sum(-(-(width(line) + 2) // SEVERAL_LINES) for line in view.source.split("\n"))
            + (1 if view.folded else view.output.shown_lines if view.output else 0)
            for view in views
        )
        return self.templates.get_template("blocks/terminal.html").render(
            t=self.strings,
            id=f"kt-{block_id}" if block_id else "",
            kind=kind,
            label=self.strings("block.session", command=views[0].label),
            commands=views,
            note=note,
            command_columns=longest,
            columns=max(tables, min(longest, SEVERAL_LINES)),
            rows=rows,
        )

    def _file(self, block: FileBlock, number: int) -> str:
        lines = block.content.splitlines()
        return self.templates.get_template("blocks/file.html").render(
            t=self.strings,
            id=f"kt-file-{number + 1}",
            path=safe_plain(block.path),
            code=highlight_code(block.content, block.language),
            columns=max((width(line) for line in lines), default=0),
            rows=len(lines),
        )

    def _diagram(self, block: DiagramBlock) -> str:
        diagram = self.rendition.diagrams.get((block.id, self.text.language))
        recording, origin = self.rendition.recording if diagram else None, self.rendition.origin
        return self.templates.get_template("blocks/diagram.html").render(
            t=self.strings,
            id=f"kt-{block.id}",
            title=block.title,
            diagram=diagram,
            origin=origin.value if recording else "",
            note=run_note(recording, origin, self.strings, ()) if recording else [],
            # The drawing room escapes what the cluster said; the page takes its SVG as it is.
            svg=Markup(diagram.svg) if diagram else None,  # noqa: S704
        )


def plain_session(source: str, path: str) -> list[tuple[Command, str]]:
    """An ordinary terminal fence as commands with what is written below each.

    Only ``$ `` is a prompt: ``#`` begins a comment as often, and a wrong guess would put a button on prose. Lines
    before the first prompt belong to a command without text.
    """
    found: list[tuple[list[str], list[str], list[str]]] = [([], [], [])]
    continues = False
    for line in source.split("\n"):
        if continues or line.startswith("$ "):
            if not continues:
                found.append(([], [], []))
            text = line.removeprefix("> ") if continues else line.removeprefix("$ ")
            found[-1][0].append(text)
            found[-1][1].append(line)
            continues = text.endswith("\\")
        else:
            found[-1][2].append(line)
    return [
        (Command(source="\n".join(lines), shown=tuple(shown), location=Location(path)), "\n".join(output))
        for lines, shown, output in found
        if lines or any(line.strip() for line in output)
    ]


def resolve(reference: BlockReference, rendition: Rendition) -> Block:
    """The live block a reference names, in whatever language it is written.

    Raises ContentError when there is none.
    """
    for text in rendition.document.texts.values():
        for block in text.blocks:
            if isinstance(block, LiveBlock) and block.id == reference.id:
                return block
    raise ContentError(
        f'ref="{reference.id}" names no live block of this document',
        where=reference.fence.location,
        remedy="Write the id of a live block in one of the document's languages",
    )


def record_of(command: Command, records: Sequence[CommandRecord], index: int) -> CommandRecord | None:
    """The record at that position, if it is of the very same command."""
    if index < len(records) and records[index].command == command.source:
        return records[index]
    return None


def label_of(source: str) -> str:
    """A command short enough to be read aloud."""
    first = safe_plain(source.split("\n", maxsplit=1)[0].rstrip("\\ "))
    return first if len(first) <= LABEL_LENGTH else first[: LABEL_LENGTH - 1].rstrip() + "…"
