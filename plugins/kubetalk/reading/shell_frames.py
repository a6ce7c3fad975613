"""What the shell scanner keeps in mind: the frames that are open, and the words that open and close them."""

from __future__ import annotations

from dataclasses import dataclass, field

OPENERS = {"if": "if", "for": "loop", "select": "loop", "while": "loop", "until": "loop", "case": "case", "{": "{"}
CLOSERS = {"fi": "if", "done": "loop", "esac": "case", "}": "{"}
LEADERS = frozenset({"then", "else", "elif", "do", "!", "time"})
COMMAND_FRAMES = frozenset({"top", "(", "{", "if", "loop", "case", "`"})
OWNERS = COMMAND_FRAMES | {"[[", "words"}

NAMES = {
    "'": "the quote `'`",
    "$'": "the quote `$'`",
    '"': 'the quote `"`',
    "`": "the backquote",
    "(": "the parenthesis `(`",
    "((": "the parenthesis `((`",
    "words": "the parenthesis `(`",
    "${": "the brace `${`",
    "{": "the brace `{`",
    "[[": "the test `[[`",
    "if": "`if` (it needs `fi`)",
    "loop": "the loop (it needs `done`)",
    "case": "`case` (it needs `esac`)",
}


@dataclass(slots=True)
class SimpleCommand:
    """One command name with its arguments, quotes removed, redirections left out."""

    words: tuple[str, ...]
    """The name and its arguments; an expansion stands as it was written, ``$(…)`` as ``$()``."""
    assignments: tuple[str, ...] = ()
    piped: bool = False
    """Its input comes from a pipe, a file or a heredoc."""
    background: bool = False


@dataclass(slots=True)
class Heredoc:
    """A here document that waits for its body or its end."""

    tag: str
    strips_tabs: bool
    quoted: bool
    line: int


@dataclass(slots=True)
class Frame:
    """Something that was opened: a quote, an expansion, a compound command, or the command line itself (``top``)."""

    kind: str
    line: int
    in_quotes: bool = False
    depth: int = 0
    position: bool = True
    """The next word would be a command's name, or a reserved word."""
    reserved: bool = True
    words: list[str] = field(default_factory=list)
    assignments: list[str] = field(default_factory=list)
    word: list[str] | None = None
    quoted: bool = False
    redirect: bool = False
    dangling: bool = False
    """The last thing was ``|``, ``&&`` or ``||``: the command goes on in the next line."""
    definition: bool = False
    """``f()`` was read, its body was not."""
    named_function: bool = False
    case: str = ""
    """Of a ``case``: ``word`` (before ``in``), ``pattern`` or ``body``."""
    piped: bool = False
    header: bool = False
    """Of ``for`` and ``select``: the words up to the first separator are no command."""
    owner: Frame | None = None
    """The frame whose word grows inside quotes and expansions; None means itself."""
    compound: int | None = None
    """Index of the first simple command inside the compound command that was just closed."""
    started: int = 0
