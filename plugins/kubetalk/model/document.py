"""What an author wrote: documents, their facts, texts, slides and blocks. No I/O here; `reading` makes these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """The three kinds of document, and the ordinary Markdown page of the host site."""

    TALK = "talk"
    POST = "post"
    PAGE = "page"
    HOST_PAGE = "host_page"
    """Any other Markdown file of the MkDocs site: one language, rendered by MkDocs, but live blocks work in it."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a source file."""

    path: str
    """Relative to the project folder (where mkdocs.yml is), with slashes."""
    line: int = 0
    """1-based; 0 means the file as a whole."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery of a talk."""

    id: str
    date: dt.date
    name: Mapping[str, str]
    """One name per language (BCP 47 tag to text)."""
    url: str = ""
    language: str = ""
    """The language the talk was or will be given in; empty if it is not said."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A named starting point: a cluster in which some commands have already run."""

    name: str
    commands: tuple[str, ...]
    """As a shell gets them, in order; each one ended with exit code 0."""
    location: Location | None = field(default=None, compare=False)
    """Where it is defined; None for one of a recording."""


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """What cluster a document asks for."""

    kubernetes: str = ""
    """A minor such as ``1.36``; empty means the sandbox's own version."""
    nodes: int = 3
    istio: bool = False
    """True for ``istio: available``: istioctl is on PATH and istiod runs once it is installed."""
    gateway_api: bool = False
    """True for ``gateway-api: available``: the Gateway API CRDs are installed before the first command."""
    layer: Layer | None = None
    """Where the session begins; None for the empty cluster."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The YAML file of a document: what all its languages share."""

    title: Mapping[str, str]
    location: Location
    date: dt.date | None = None
    description: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    sandbox: SandboxRequest = SandboxRequest()
    events: tuple[Event, ...] = ()
    """By date."""
    redirect_from: tuple[str, ...] = ()
    redirect_lines: tuple[int, ...] = ()
    """The line of each of `redirect_from`, as an error names it; empty if the facts were not read from a file."""
    languages: tuple[str, ...] = ()
    """Languages the document is written in, when it is not all of the site's."""
    draft: bool = False
    """Shown by ``mkdocs serve`` only; the command line treats it like any other document."""


class OutputMode(StrEnum):
    """How the output of a live block is shown."""

    SHOW = "show"
    HIDE = "hide"
    FOLD = "fold"


class Match(StrEnum):
    """How two outputs of a block are compared (design, 3)."""

    AUTO = "auto"
    EXACT = "exact"
    LINES = "lines"
    REGEX = "regex"
    JSON = "json"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class BlockOptions:
    """The options of a live block's fence, with their defaults."""

    hide: bool = False
    """Run, but do not show."""
    output: OutputMode = OutputMode.SHOW
    columns: tuple[str, ...] = ()
    """Table columns to show, by header; empty means all. The comparison always covers everything."""
    head: int = 0
    """Show the first lines only; 0 means all."""
    tail: int = 0
    exit: int = 0
    """The exit code every command of the block has to end with."""
    timeout: float = 60.0
    """Seconds per command."""
    until: str = ""
    """Poll until this regular expression is found in the output (observing commands only)."""
    within: float = 60.0
    """Seconds to poll at most."""
    stable: int = 1
    """How many equal canonical outputs in a row end the polling."""
    match: Match = Match.AUTO
    ignore: tuple[str, ...] = ()
    """Columns or mask names left out of the comparison."""
    tty: bool = False
    """Run in a pseudo-terminal."""
    symbol: str = ""
    """What the command prints, one word, is a value of this run alone; compared outputs have ``‹symbol›`` for it."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Where a block stands in its text."""

    location: Location
    """The opening fence's line."""
    end_line: int
    """The closing fence's line, 1-based, inclusive."""
    indent: str
    """White space before the opening fence (inside lists, admonitions and tabs)."""
    options: BlockOptions = BlockOptions()


@dataclass(frozen=True, slots=True)
class Command:
    """One prompt line with its continuation lines and heredoc."""

    source: str
    """What the shell gets: no prompts, newlines kept, no trailing newline."""
    shown: tuple[str, ...]
    """The lines as written, prompts included."""
    location: Location
    prompt: str = "$"
    expectation: str | None = None
    """The author's expected output below the command; None if nothing was written."""
    hidden: bool = False
    """Run, but not shown (``# kubetalk: hide``)."""
    comments: tuple[str, ...] = ()
    """Prose lines above the command (``# …`` and blank ones), shown and never run; they differ between languages."""


@dataclass(frozen=True, slots=True)
class LiveBlock:
    """A fence whose commands really run."""

    id: str
    fence: Fence
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class BlockReference:
    """``ref="id"``: shows the live block ``id`` of the document's other language (or an earlier one of this text)."""

    id: str
    fence: Fence


@dataclass(frozen=True, slots=True)
class FileBlock:
    """A fence with ``file="path"``: written to the working directory before the next command."""

    path: str
    """Relative, with slashes, never leaving the working directory."""
    language: str
    """The fence's highlighting language."""
    content: str
    """Ends with a newline unless it is empty."""
    fence: Fence


@dataclass(frozen=True, slots=True)
class DiagramBlock:
    """A fence that draws the cluster as it is at that point of the session."""

    id: str
    """Written with ``id=``, else made by `reading`; equal in all languages."""
    fence: Fence
    view: str = "all"
    """``all``, ``traffic``, ``config``: which objects and edges are drawn."""
    namespaces: tuple[str, ...] = ()
    """Empty means every namespace that holds something of the author's."""
    before: str = ""
    """Id of an earlier diagram to compare with."""
    title: str = ""
    overlay: str = ""
    """The fence's content: YAML of things drawn by hand (see `drawing`)."""


@dataclass(frozen=True, slots=True)
class HistoricBlock:
    """A fence with ``recorded="2018-11-17" reason="…"``: shown as recorded then, never run."""

    recorded: dt.date
    reason: str
    commands: tuple[Command, ...]
    """Their ``expectation`` is the output shown."""
    fence: Fence


Block = LiveBlock | BlockReference | FileBlock | DiagramBlock | HistoricBlock


@dataclass(frozen=True, slots=True)
class Slide:
    """The text between two ``---`` of a deck."""

    number: int
    """1-based, as people count."""
    id: str
    """The id of its first heading if that was written (``{#id}``), else empty."""
    title: str
    """Plain text of its first heading, or empty."""
    first_line: int
    last_line: int
    """1-based, inclusive, the separators and the speaker notes left out."""
    notes: str = ""
    """Markdown after ``Note:``."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """From ``<!-- .slide: class="…" data-background-color="…" -->``."""


@dataclass(frozen=True, slots=True)
class Text:
    """One language of a document."""

    language: str
    path: str
    """Relative to the project folder, with slashes."""
    source: str
    """The whole file, newlines normalised to ``\\n``."""
    blocks: tuple[Block, ...] = ()
    """In the order of the text; ordinary fences are not listed."""
    slides: tuple[Slide, ...] = ()
    """Talks only."""

    def block_at(self, line: int) -> Block | None:
        """The block whose opening fence stands on that line."""
        return next((block for block in self.blocks if block.fence.location.line == line), None)


@dataclass(frozen=True, slots=True)
class Document:
    """A folder: shared facts and one text per language."""

    id: str
    kind: Kind
    directory: Path
    facts: Facts
    texts: Mapping[str, Text]
    """Language to text, in the order of the site's languages."""
    recording_path: Path

    @property
    def place(self) -> str:
        """Where an author finds it, relative to the project folder: ``docs/talks/x``, or the file of a host page."""
        path = self.facts.location.path
        return path if self.kind is Kind.HOST_PAGE else path.rpartition("/")[0]

    @property
    def recording_place(self) -> str:
        """The recording's path relative to the project folder, for people."""
        folder, _, _ = self.facts.location.path.rpartition("/")
        return f"{folder}/{self.recording_path.name}" if folder else self.recording_path.name

    @property
    def is_live(self) -> bool:
        """Whether a session has to be run for it: some text has a live block or a diagram."""
        return any(isinstance(b, LiveBlock | DiagramBlock) for text in self.texts.values() for b in text.blocks)


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that was read."""

    documents: tuple[Document, ...]
    tags: Mapping[str, Mapping[str, str]]
    """Tag id to one label per language."""
    drafts: tuple[Document, ...] = ()
    """Documents that are left out of this build, without their texts."""
