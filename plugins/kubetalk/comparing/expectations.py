"""The author's text below a command against what was printed: masked alike, with ``...`` lines and ``[..]`` in a line.

Wildcards are spelled as in snapbox (crates/snapbox/src/filter/pattern.rs): ``...`` alone on a line stands for any
lines, ``[..]`` for any text inside one. They are the only ones: kubectl prints ``<none>``
and cuts cells with ``...`` itself.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kubetalk.comparing import commands, words
from kubetalk.comparing.canonicalise import canonical, clean
from kubetalk.comparing.differences import between
from kubetalk.comparing.forms import Canonical, Line, LineKind, Lines, Part, Table, without_columns
from kubetalk.comparing.matching import same
from kubetalk.comparing.names import Names, erase
from kubetalk.comparing.words import MAJOR
from kubetalk.errors import ContentError
from kubetalk.model import BlockOptions, Difference, Match

ANY_LINES = "..."
ANY_TEXT = "[..]"


@functools.lru_cache(maxsize=4096)
def _pattern(expected: str) -> re.Pattern[str]:
    return re.compile(".*?".join(map(re.escape, re.split(r"\[\.\.\]", expected))), re.DOTALL)


def fits(expected: str, printed: str) -> bool:
    """Whether a printed cell or line is what the author wrote, wildcards included."""
    if ANY_TEXT not in expected:
        return same(expected, printed)
    return _pattern(erase(expected)).fullmatch(erase(printed)) is not None


def matches_expectation(
    command: str,
    expectation: str,
    output: str,
    options: BlockOptions | None = None,
    names: Names | None = None,
) -> tuple[Difference, ...]:
    """What differs between the author's text and the output (which must be that of the same run as ``names``).

    ``match="auto"`` masks both sides and compares tables cell by cell (columns the author left out do not count),
    ``exact`` compares line by line unmasked, ``lines`` wants every line of the author's somewhere, in any order,
    ``regex`` searches the text as a regular expression, ``json`` compares values and lets the author leave out keys
    or write ``"[..]"`` for any value, ``none`` compares nothing. Raises ContentError for a wrong expression or JSON.
    """
    options = BlockOptions() if options is None else options
    if options.match is Match.NONE:
        return ()
    if options.match is Match.REGEX:
        return _regex(expectation, output)
    if options.match is Match.JSON:
        return _json(expectation, output)
    if options.match is Match.EXACT:
        return words.counted(_sequence(_plain_lines(expectation), _plain_lines(output)))
    names = Names() if names is None else names
    # What was printed teaches which names are generated; the author's text is read with that knowledge.
    printed = canonical(command, output, options=options, names=names)
    expected = canonical(command, expectation, options=options, names=names)
    if options.match is Match.LINES:
        return words.counted(_some_lines(expected, printed))
    return words.counted(_auto(command, expectation, output, options, names, expected, printed))


def _plain_lines(text: str) -> list[Line]:
    return [Line(line, line) for line in clean(text).split("\n")] if clean(text) else []


def _regex(expectation: str, output: str) -> tuple[Difference, ...]:
    try:
        pattern = re.compile(expectation.strip("\n"), re.MULTILINE)
    except re.error as error:
        raise ContentError(
            f"the expected text is no regular expression: {error}", remedy="Mend it or use match=auto"
        ) from error
    if pattern.search(clean(output)):
        return ()
    return (Difference(MAJOR, f"nothing fits the expression {words.shown(expectation)}"),)


def _json(expectation: str, output: str) -> tuple[Difference, ...]:
    try:
        expected = json.loads(expectation)
    except ValueError as error:
        raise ContentError(f"the expected text is no JSON: {error}", remedy="Mend it or use match=auto") from error
    try:
        printed = json.loads(clean(output))
    except ValueError:
        return (Difference(MAJOR, f"the output is no JSON: {words.shown(output)}"),)
    return words.counted(_subset(expected, printed, ""))


def _subset(expected: Any, printed: Any, path: str) -> list[Difference]:
    where = path or "value"
    if isinstance(expected, str) and ANY_TEXT in expected:
        text = printed if isinstance(printed, str) else json.dumps(printed, ensure_ascii=False)
        return [] if expected == ANY_TEXT or fits(expected, text) else [_expected(where, expected, text)]
    if isinstance(expected, dict) and isinstance(printed, dict):
        found = [
            Difference(MAJOR, f"gone: {path}.{key}".replace(": .", ": ")) for key in expected if key not in printed
        ]
        inner = (
            _subset(expected[key], printed[key], f"{path}.{key}".lstrip(".")) for key in expected if key in printed
        )
        return found + [difference for differences in inner for difference in differences]
    if isinstance(expected, list) and isinstance(printed, list) and len(expected) == len(printed):
        pairs = enumerate(zip(expected, printed, strict=True))
        return [difference for i, (a, b) in pairs for difference in _subset(a, b, f"{path}[{i}]")]
    return (
        []
        if expected == printed
        else [_expected(where, json.dumps(expected, ensure_ascii=False), json.dumps(printed, ensure_ascii=False))]
    )


def _expected(where: str, expected: str, printed: str) -> Difference:
    return words.change(where, expected, printed, expected, printed)


def _some_lines(expected: Canonical, printed: Canonical) -> list[Difference]:
    have = [line.text for part in printed.parts if isinstance(part, Lines) for line in part.lines]
    wanted = [line for part in expected.parts if isinstance(part, Lines) for line in part.lines]
    missing = []
    for line in wanted:
        match = next((text for text in have if line.text != ANY_LINES and fits(line.text, text)), None)
        if match is not None:
            have.remove(match)
        elif line.text != ANY_LINES:
            missing.append(Difference(MAJOR, f"line not printed: {words.shown(line.raw)}"))
    return missing


def _auto(
    command: str,
    expectation: str,
    output: str,
    options: BlockOptions,
    names: Names,
    expected: Canonical,
    printed: Canonical,
) -> list[Difference]:
    has_gaps = any(line.strip() == ANY_LINES for line in expectation.split("\n"))
    if not has_gaps:
        return between(*_fitted(expected.parts, printed.parts), fits)
    if all(isinstance(part, Table) for part in expected.parts) and any(
        isinstance(part, Table) for part in printed.parts
    ):
        pruned = tuple(_without_gaps(part) for part in expected.parts)
        tables = [part for part in printed.parts if isinstance(part, Table)]
        found = between(*_fitted(pruned, tables), fits)
        return [difference for difference in found if difference.verdict is MAJOR]
    hints = commands.read(command)
    plain = replace(options, match=Match.LINES)
    sides = [canonical(command, text, options=plain, names=names) for text in (expectation, output)]
    # `lines` made them sets: the masked lines are wanted in order here.
    left, right = (_masked_lines(text, side) for text, side in zip((expectation, output), sides, strict=True))
    return _sequence(left, right, any_order=hints.is_listing)


def _masked_lines(text: str, side: Canonical) -> list[Line]:
    masked = {line.raw: line for part in side.parts if isinstance(part, Lines) for line in part.lines}
    return [masked[line] for line in clean(text).split("\n") if line in masked]


def _without_gaps(part: Part) -> Part:
    if not isinstance(part, Table):
        return part
    rows = tuple(row for row in part.rows if not (row.raw[0] == ANY_LINES and not any(row.raw[1:])))
    return replace(part, rows=rows)


def _fitted(expected: Sequence[Part], printed: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Both sides with their tables alike.

    The author's tables get the printed kind (a header alone may not tell it), the printed ones lose the columns that
    the author left out.
    """
    written, shown = list(expected), list(printed)
    for place, part in enumerate(written):
        for other, table in enumerate(shown):
            if (
                isinstance(part, Table)
                and isinstance(table, Table)
                and part.title == table.title
                and set(part.columns) <= set(table.columns)
            ):
                written[place] = replace(part, kind=table.kind)
                shown[other] = without_columns(
                    table, {column for column in table.columns if column not in part.columns}
                )
                break
    return written, shown


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _sequence(expected: list[Line], printed: list[Line], *, any_order: bool = False) -> list[Difference]:
    """Lines in order; between two ``...`` a run of the author's lines may stand anywhere after the run before."""
    runs: list[list[Line]] = [[]]
    for line in expected:
        if line.text.strip() == ANY_LINES:
            runs.append([])
        else:
            runs[-1].append(line)
    if len(runs) == 1:
        kind = LineKind.TEXT
        return between(
            [Lines(kind, tuple(expected), not any_order)], [Lines(kind, tuple(printed), not any_order)], _fits_squeezed
        )
    position, missing = 0, []
    for index, run in enumerate(runs):
        if not run:
            continue
        starts = range(position, len(printed) - len(run) + 1)
        if index == 0:
            starts = range(min(1, len(starts)))
        elif index == len(runs) - 1:
            starts = range(max(position, len(printed) - len(run)), len(printed) - len(run) + 1)
        found = next(
            (s for s in starts if all(_fits_squeezed(a.text, b.text) for a, b in zip(run, printed[s:], strict=False))),
            None,
        )
        if found is None:
            missing += _not_there(run, printed[position:])
        else:
            position = found + len(run)
    return missing


def _not_there(run: list[Line], printed: list[Line]) -> list[Difference]:
    lost = [line for line in run if not any(_fits_squeezed(line.text, other.text) for other in printed)]
    return [Difference(MAJOR, f"line not printed: {words.shown(line.raw)}") for line in lost] or [
        Difference(MAJOR, f"lines not printed in this order: {words.shown(run[0].raw)}")
    ]


def _fits_squeezed(expected: str, printed: str) -> bool:
    return fits(_squeezed(expected), _squeezed(printed))
