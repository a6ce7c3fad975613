"""What a terminal would show of the bytes a command wrote: erased lines are gone, colours stay, nothing else acts.

Harmless means: C0 controls become their visible pictures (U+2400 …), bidi controls and line separators become
``<U+202E>`` as `less` prints them, C1 controls and non-characters become U+FFFD, the bell makes no sound.
Movements over several lines (cursor up) are dropped, not replayed: neither kubectl nor helm makes any on a pipe.
"""

from __future__ import annotations

import re
from typing import Final

SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")
"""Select Graphic Rendition (ECMA-48, 8.3.117): the only escape sequence that survives `clean`."""

# ECMA-48: OSC, DCS, SOS, PM, APC strings end with ST (or BEL, by xterm's habit); CSI; two- and three-byte escapes.
_ESCAPES: Final = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|(?P<csi>\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~]))"
    r"|\x1b\[[0-?]*[ -/]*"
    r"|\x1b[ -/]+[0-~]?"
    r"|\x1b[0-Z\\-~]?"
)
_ACTS: Final = re.compile(r"[\r\x08]|\x1b\[[0-9]*[KG]")
_TOKENS: Final = re.compile(r"\x1b\[[0-9;:]*m|\x1b\[[0-9]*[KG]|\r|\x08|[^\r\x08\x1b]")
_WIDTH_LIMIT: Final = 4096
_STYLE_LIMIT: Final = 8

_HARMLESS: Final = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r\x08\x1b"},
    0x07: "",
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    **{
        code: f"<U+{code:04X}>"
        for code in (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
    },
}


def clean(data: bytes) -> str:
    """The text a terminal of unlimited width shows; invalid UTF-8 becomes U+FFFD, CRLF becomes LF.

    Idempotent: cleaning the result again changes nothing.
    """
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if "\x1b" in text:
        text = _ESCAPES.sub(_kept_escape, text)
    text = text.translate(_HARMLESS)
    if not _ACTS.search(text):
        return text
    rows = []
    style = ""
    for row in text.split("\n"):
        if _ACTS.search(row):
            replayed, style = _replay(row, style)
            rows.append(replayed)
        else:
            rows.append(row)
            style = _style_after(row, style)
    return "\n".join(rows)


def strip_styles(text: str) -> str:
    """The text without colours."""
    return SGR.sub("", text)


def _kept_escape(match: re.Match[str]) -> str:
    """Colours, erase-line and cursor-to-column stay for now; everything else goes."""
    parameters, final = match["parameters"] or "", match["final"]
    if final == "m" and re.fullmatch(r"[0-9;:]*", parameters):
        return f"\x1b[{parameters}m"
    if final in {"K", "G"} and re.fullmatch(r"[0-9]*", parameters):
        return match["csi"]
    return ""


def _style_after(text: str, style: str) -> str:
    """The colours in force after a text that began with ``style``."""
    for match in SGR.finditer(text):
        style = _combined(style, match[0])
    return style


def _combined(style: str, code: str) -> str:
    if code in {"\x1b[m", "\x1b[0m"}:
        return ""
    # Hostile output may set ever new colours without a reset; the last few of them decide what is seen.
    codes = [earlier for earlier in SGR.findall(style) if earlier != code]
    return "".join([*codes[1 - _STYLE_LIMIT :], code])


def _replay(row: str, style: str) -> tuple[str, str]:
    """One line on which the cursor went back: what is left of it, and the colours in force at its end."""
    cells: list[tuple[str, str]] = []
    column = 0
    entered_with = style
    for part in _TOKENS.findall(row):
        if part == "\r":
            column = 0
        elif part == "\x08":
            column = max(column - 1, 0)
        elif part[0] == "\x1b":
            if part[-1] == "m":
                style = _combined(style, part)
            elif part[-1] == "G":
                column = min(max(int(part[2:-1] or 1) - 1, 0), _WIDTH_LIMIT)
            else:
                _erase(cells, column, part[2:-1] or "0")
        else:
            if column > len(cells):
                cells.extend([(" ", "")] * (column - len(cells)))
            cells[column : column + 1] = [(part, style)]
            column += 1
    return _joined(cells, entered_with, style), style


def _erase(cells: list[tuple[str, str]], column: int, mode: str) -> None:
    """Erase in Line (ECMA-48, 8.3.41): 0 to the end, 1 from the start, 2 all of it."""
    if mode in {"0", "2"}:
        del cells[column if mode == "0" else 0 :]
    elif mode == "1":
        cells[: column + 1] = [(" ", "")] * min(column + 1, len(cells))


def _joined(cells: list[tuple[str, str]], entered_with: str, leaves_with: str) -> str:
    parts: list[str] = []
    current = entered_with
    for character, style in [*cells, ("", leaves_with)]:
        if style != current:
            parts.append(style if not current else "\x1b[0m" + style)
            current = style
        parts.append(character)
    return "".join(parts)
