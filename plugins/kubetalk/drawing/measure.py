"""How wide a text will be, without asking a font: the same on every machine, right for Japanese, never too narrow."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Advance widths of a semibold humanist sans in hundredths of an em. The page's real font is not known here; most
# faces of this kind are as wide or narrower.
_CLASSES = {
    28: "ijl'|",
    31: ",.:;!I()[]",
    38: "ftr-{}/\\ ",
    48: '"*',
    52: "ckszJvyx?L_",
    58: "abdeghnopqu0123456789+<=>^~`$FETZS",
    66: "ABCDKPRUVXYGHNOQ#&",
    82: "mwM",
    95: "W%@…→",
}  # fmt: skip
_WIDTHS = {char: width / 100 for width, chars in _CLASSES.items() for char in chars}
_WIDTHS |= dict.fromkeys("ABCDKPRUVXY", 0.67) | dict.fromkeys("GHNOQ", 0.72) | dict.fromkeys("…→×", 0.9)
_UNKNOWN = 0.62
_SPARE = 1.05
"""For faces that are wider than most."""
MONO = 0.61
"""Width of any Latin letter of a monospaced face, in em."""


@lru_cache(maxsize=4096)
def width(text: str, size: float, *, mono: bool = False) -> float:
    """Width of a line in the units of ``size``."""
    return sum(_advance(char, mono=mono) for char in text) * size


def _advance(char: str, *, mono: bool) -> float:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Mn", "Me"}:
        return 0.0
    # A(mbiguous) is as wide as a Chinese character in a Japanese font, which is what a Japanese page falls back to.
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return 1.0
    if mono:
        return MONO
    if char in _WIDTHS:
        return _WIDTHS[char] * _SPARE
    return 1.0 if unicodedata.east_asian_width(char) == "A" else _UNKNOWN * _SPARE


def cut(text: str, size: float, room: float, *, mono: bool = False) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if width(text, size, mono=mono) <= room:
        return text
    room -= width("…", size, mono=mono)
    taken = 0.0
    for index, char in enumerate(text):
        taken += _advance(char, mono=mono) * size
        if taken > room:
            return text[:index].rstrip(" -.,/") + "…"
    return text


def wrap(text: str, size: float, room: float, lines: int) -> tuple[str, ...]:
    """The text in at most that many lines, broken after ``-``, ``.``, ``/``, ``_``, spaces and between CJK letters."""
    if width(text, size) <= room:
        return (text,)
    result: list[str] = []
    rest = text
    while rest and len(result) < lines - 1:
        at = _break(rest, size, room)
        if at == 0:
            break
        result.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    if rest:
        result.append(cut(rest, size, room))
    return tuple(result)


def _break(text: str, size: float, room: float) -> int:
    """Where to break a line so that its first part fits; 0 if there is no good place."""
    best, taken = 0, 0.0
    for index, char in enumerate(text):
        taken += _advance(char, mono=False) * size
        if taken > room:
            return best
        if char in "-./_ :" or unicodedata.east_asian_width(char) in {"W", "F"}:
            best = index + 1
    return len(text)
