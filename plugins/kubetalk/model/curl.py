"""What curl's options say of a request: whether it only fetches, so that it may be repeated (curl(1)).

Reading and running both judge commands before they run, and must not judge one command differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

_FETCHES: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NOWHERE: Final = frozenset({"-", "/dev/null", "/dev/stdout", "/dev/stderr"})
# Short options that take a value: the rest of the word, or the next one.
_VALUED: Final = frozenset("AbcCdDeEFHKmoPQrtTuUwxXyYz")
_LONG: Final = {
    "X": ("request",),
    "d": ("data", "data-ascii", "data-binary", "data-raw", "data-urlencode"),
    "F": ("form", "form-string"),
    "T": ("upload-file",),
    "Q": ("quote",),
    "K": ("config",),
    "G": ("get",),
    "o": ("output",),
    "O": ("remote-name", "remote-name-all"),
    "D": ("dump-header",),
    "c": ("cookie-jar",),
    # No short form; they send, or write a file, like the ones above.
    "json": ("json", "mail-from", "mail-rcpt"),
    "trace": ("trace", "trace-ascii", "stderr", "etag-save", "hsts", "alt-svc", "libcurl", "output-dir"),
}
_SENDING: Final = frozenset({"F", "T", "Q", "K", "json"})
_OTHERS: Final = frozenset({"cookie"})
"""Options of their own that a shortened name of those above would be, too."""
_WRITING: Final = frozenset({"o", "D", "c", "trace"})


def only_fetches(arguments: Sequence[str]) -> bool:
    """Whether curl with these arguments sends no body, uses no method but GET, HEAD and OPTIONS, and writes no file.

    Bundles (``-sXDELETE``), values in the same word or the next and shortened long names (``--req POST``) count. What
    a configuration file says (``-K``) is not known, so it does not only fetch.
    """
    options = list(_options(arguments))
    names = {name for name, _ in options}
    if names & _SENDING or "O" in names or ("d" in names and "G" not in names):
        return False
    return all(
        (name != "X" or value.upper() in _FETCHES) and (name not in _WRITING or value in _NOWHERE)
        for name, value in options
    )


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option, by its short name where it has one, with its value; a value that is missing is empty."""
    words = iter(arguments)
    for word in words:
        if word.startswith("--"):
            long, sign, value = word[2:].partition("=")
            name = next((short for short, longs in _LONG.items() if any(_means(long, one) for one in longs)), "")
            if name and name not in "GO":
                yield name, value if sign else next(words, "")
            elif name:
                yield name, ""
        elif re.match(r"-[^\W_]", word):
            yield from _bundle(word[1:], words)


def _bundle(letters: str, words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for position, letter in enumerate(letters):
        if letter in _VALUED:
            yield letter, letters[position + 1 :] or next(words, "")
            return
        yield letter, ""


def _means(written: str, name: str) -> bool:
    """Whether a long option is that one, written out or shortened, as curl took it until 8.x."""
    return name == written or (len(written) > 2 and written not in _OTHERS and name.startswith(written))
