"""Commands to HTML: our own tokenising of prompts, the shell's by Pygments' BashLexer, a few classes on top.

Pygments' `console` lexer is never used: it takes prose comments for root prompts, `$5.00` for commands and the `> `
lines of a heredoc for output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup
from pygments.lexers.shell import BashLexer
from pygments.token import STANDARD_TYPES, Comment, Name, Text, Token

from kubetalk.rendering.ansi import safe
from kubetalk.rendering.terminal import WRAPPED_FROM, width, wrapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pygments.token import _TokenType

    from kubetalk.model import Command

_LEXER = BashLexer(stripnl=False, ensurenl=False)
FLAG = re.compile(r"--?[A-Za-z][\w-]*")
UNBROKEN = 32
"""Longer words may break after a hyphen, or a phone could not show them."""
STARTING = frozenset({"|", "||", "&&", ";", "(", "$(", "do", "then", "else", "if", "while", "!"})
"""What a command may follow."""
PROMPT = re.compile(r"\$ |% |# |> ")


def command_html(command: Command) -> Markup:
    """The lines of a command as the author wrote them: prompts in their own spans, tokens in Pygments' classes."""
    prompts = line_prompts(command)
    sources = command.source.split("\n")
    lines = []
    for number, (prompt, source, line) in enumerate(
        zip(prompts, sources, highlighted_lines(command.source), strict=True), start=1
    ):
        html = f'<span class="kt-prompt">{safe(prompt)}</span>{line}' if prompt else line
        end = "\n" if number < len(sources) else ""
        is_long = width(prompt + source) > WRAPPED_FROM
        lines.append(wrapping(html + end, prompt + source) if is_long else Markup(html + end))  # noqa: S704  all of it is safe()
    return Markup("").join(lines)


def line_prompts(command: Command) -> tuple[str, ...]:
    """What stands before each line of the source in the text, such as ``$ `` and ``> ``.

    Falls back to the command's own prompt and nothing when the written lines do not end with the source's.
    """
    source = command.source.split("\n")
    if len(source) == len(command.shown) and all(
        shown.endswith(line) for shown, line in zip(command.shown, source, strict=True)
    ):
        before = [shown[: len(shown) - len(line)] for shown, line in zip(command.shown, source, strict=True)]
        prompts = [prompt.lstrip() if PROMPT.search(prompt) else prompt for prompt in before]
        if prompts[0].strip():
            return tuple(prompts)
    return (f"{command.prompt} ", *("" for _ in source[1:]))


def highlighted_lines(source: str) -> tuple[str, ...]:
    """Each line of a shell source as HTML."""
    lines = [""]
    for kind, value in with_programs(_LEXER.get_tokens(source)):
        css = css_class(kind)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append("")
            if part:
                text = safe(part) if css else flags(part)
                lines[-1] += f'<span class="{css}">{text}</span>' if css else text
    return tuple(lines)


def with_programs(tokens: Iterable[tuple[_TokenType, str]]) -> Iterator[tuple[_TokenType, str]]:
    """Marks the first plain word of every simple command as a function name."""
    at_start, in_assignment = True, False
    for kind, value in tokens:
        if not value.strip():
            # `A=1 helm ls`: the program comes after the value, that is after the blank.
            at_start, in_assignment = at_start or in_assignment or "\n" in value, False
            yield kind, value
        elif at_start and kind is Text:
            yield Name.Function, value
            at_start = False
        else:
            yield kind, value
            if is_a(kind, Name.Variable) and at_start:
                at_start, in_assignment = False, True
            elif not is_a(kind, Comment):
                at_start = value.strip() in STARTING


def flags(text: str) -> str:
    """Plain shell text with its options marked, and hyphenated words kept in one piece when the line wraps."""
    parts: list[str] = []
    for word in re.split(r"(\s+)", text):
        if match := FLAG.match(word):
            parts.append(f'<span class="na">{safe(match[0])}</span>{safe(word[match.end() :])}')
        elif "-" in word and len(word) <= UNBROKEN:
            parts.append(f'<span class="kt-word">{safe(word)}</span>')
        else:
            parts.append(safe(word))
    return "".join(parts)


def is_a(kind: _TokenType, family: _TokenType) -> bool:
    """Whether a token belongs to a family; Pygments writes it ``kind in family``, which its stubs do not know."""
    return kind[: len(family)] == family


def css_class(kind: _TokenType) -> str:
    """Pygments' short class of a token, empty for plain text."""
    while kind not in STANDARD_TYPES:
        kind = kind.parent or Token
    return "" if kind is Text or kind is Text.Whitespace else STANDARD_TYPES[kind]
