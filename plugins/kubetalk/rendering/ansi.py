"""Terminal text to HTML: ANSI colours become classes, everything else that a terminal would obey becomes harmless.

Output is hostile input: nothing of it reaches the page unescaped, and control or bidirectional characters are shown by
name instead of being let loose. Sources: ECMA-48 (escape sequences), Unicode TR36 and CVE-2021-42574 (bidi controls).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

SEQUENCE = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"  # select graphic rendition: the one that is kept
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # any other control sequence: cursor, erase, mode
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC (titles, hyperlinks), DCS, SOS, PM, APC with their payload
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes
    r"|\x9b(?P<sgr8>[0-9;:]*)m|\x9b[0-?]*[ -/]*[@-~]"  # the same with the 8-bit introducer
)
# Zero-width joiners hold emoji together and cannot reorder text.
ALLOWED_FORMAT = frozenset("\u200d")
UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# The sixteen colours as xterm shows them; only used to find the nearest one for 256-colour and true-colour text,
# because only these sixteen have a light and a dark form on the page.
PALETTE = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one style; never holds a newline."""

    text: str
    classes: tuple[str, ...] = ()


Line = tuple[Run, ...]


def styled_lines(text: str) -> tuple[Line, ...]:
    """Terminal text as lines of runs, its escape sequences consumed; a final newline makes no empty last line."""
    lines: list[Line] = []
    runs: list[Run] = []
    style = Style()
    for chunk, sgr in split_sequences(text.replace("\r\n", "\n")):
        if sgr is not None:
            style = style.after(sgr)
            continue
        first, *rest = chunk.split("\n")
        if first:
            runs.append(Run(first, style.classes))
        for part in rest:
            lines.append(tuple(runs))
            runs = [Run(part, style.classes)] if part else []
    if runs:
        lines.append(tuple(runs))
    return tuple(lines)


def plain(line: Line) -> str:
    """The characters of a line."""
    return "".join(run.text for run in line)


def cut(line: Line, start: int, end: int | None = None) -> Line:
    """The part of a line between two character positions, styles kept."""
    parts: list[Run] = []
    position = 0
    for run in line:
        low = max(start - position, 0)
        high = len(run.text) if end is None else min(end - position, len(run.text))
        if low < high:
            parts.append(Run(run.text[low:high], run.classes))
        position += len(run.text)
    return tuple(parts)


def to_html(line: Iterable[Run]) -> str:
    """A line as escaped HTML with a span per style."""
    return "".join(
        f'<span class="{" ".join(run.classes)}">{safe(run.text)}</span>' if run.classes else safe(run.text)
        for run in line
    )


def safe(text: str) -> str:
    """Escaped text in which every control, format and surrogate character is replaced by its visible name.

    Tabs and newlines stay. Works in element content and in quoted attributes' text, not as a whole attribute.
    """
    if text.isascii() and text.isprintable():
        return escape(text)
    return "".join(
        f'<span class="kt-ctl">{name}</span>' if (name := unsafe_name(char)) else escape(char) for char in text
    )


def safe_plain(text: str) -> str:
    """The same without markup, for attributes and search text; not escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(unsafe_name(char) or char for char in text)


def unsafe_name(char: str) -> str:
    """``U+202E`` for a character that must not reach the page as it is, else an empty string."""
    if char in "\n\t" or char in ALLOWED_FORMAT or unicodedata.category(char) not in UNSAFE_CATEGORIES:
        return ""
    return f"U+{ord(char):04X}"


def split_sequences(text: str) -> Iterable[tuple[str, str | None]]:
    """Pairs of (text, None) and ("", SGR parameters); all other sequences are dropped."""
    position = 0
    for match in SEQUENCE.finditer(text):
        if match.start() > position:
            yield text[position : match.start()], None
        parameters = match["sgr"] if match["sgr"] is not None else match["sgr8"]
        if parameters is not None:
            yield "", parameters
        position = match.end()
    if position < len(text):
        yield text[position:], None


@dataclass(frozen=True, slots=True)
class Style:
    """What the SGR sequences so far have switched on."""

    flags: frozenset[str] = frozenset()
    foreground: int | None = None
    background: int | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """CSS classes, in a stable order."""
        names = sorted(self.flags)
        if self.foreground is not None:
            names.append(f"kt-fg{self.foreground}")
        if self.background is not None:
            names.append(f"kt-bg{self.background}")
        return tuple(names)

    def after(self, parameters: str) -> Style:
        """The style once these SGR parameters were obeyed; unknown ones are ignored as a terminal does."""
        codes = [int(code) if code else 0 for code in re.split("[;:]", parameters)]
        flags, foreground, background = set(self.flags), self.foreground, self.background
        while codes:
            code = codes.pop(0)
            if code == 0:
                flags, foreground, background = set(), None, None
            elif code in FLAGS_ON:
                flags.add(FLAGS_ON[code])
            elif code in FLAGS_OFF:
                flags -= FLAGS_OFF[code]
            elif code in {38, 48}:
                colour = extended_colour(codes)
                foreground, background = (colour, background) if code == 38 else (foreground, colour)
            elif code == 39:
                foreground = None
            elif code == 49:
                background = None
            elif 30 <= code <= 37 or 90 <= code <= 97:
                foreground = code - 30 if code < 90 else code - 82
            elif 40 <= code <= 47 or 100 <= code <= 107:
                background = code - 40 if code < 100 else code - 92
        return Style(frozenset(flags), foreground, background)


FLAGS_ON = {1: "kt-bold", 2: "kt-dim", 3: "kt-italic", 4: "kt-under", 7: "kt-inverse", 9: "kt-strike"}
FLAGS_OFF = {
    22: {"kt-bold", "kt-dim"},
    23: {"kt-italic"},
    24: {"kt-under"},
    27: {"kt-inverse"},
    29: {"kt-strike"},
}


def extended_colour(codes: list[int]) -> int | None:
    """Takes the parameters of ``38;5;N`` or ``38;2;R;G;B`` off the list; the nearest of the sixteen colours."""
    if codes[:1] == [5] and len(codes) >= 2:
        index = codes[1]
        del codes[:2]
        if index < 16:
            return index
        if index > 255:
            return None
        if index >= 232:
            level = 8 + 10 * (index - 232)
            return nearest((level, level, level))
        levels = (0, 95, 135, 175, 215, 255)
        index -= 16
        return nearest((levels[index // 36], levels[index // 6 % 6], levels[index % 6]))
    if codes[:1] == [2] and len(codes) >= 4:
        colour = (codes[1], codes[2], codes[3])
        del codes[:4]
        return nearest(colour)
    codes.clear()
    return None


def nearest(colour: tuple[int, int, int]) -> int:
    """Index of the closest of the sixteen colours."""
    return min(range(16), key=lambda index: sum((a - b) ** 2 for a, b in zip(colour, PALETTE[index], strict=True)))
