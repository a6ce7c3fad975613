"""Source code to HTML with Pygments' short class names, for our file blocks; ordinary fences go through pymdownx."""

from __future__ import annotations

import functools

from markupsafe import Markup
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from kubetalk.rendering.ansi import safe
from kubetalk.rendering.shell import css_class


@functools.cache
def lexer_for(language: str) -> Lexer:
    """The lexer of a language name; plain text for an unknown one."""
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return TextLexer(stripnl=False, ensurenl=False)


def highlight_code(source: str, language: str) -> Markup:
    """Highlighted lines without a wrapper; control and bidi characters are shown by name."""
    parts = []
    for kind, value in lexer_for(language or "text").get_tokens(source):
        css = css_class(kind)
        parts.append(f'<span class="{css}">{safe(value)}</span>' if css else safe(value))
    return Markup("".join(parts))  # noqa: S704  every part went through safe()
