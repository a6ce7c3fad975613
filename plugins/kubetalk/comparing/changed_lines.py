"""What changed between two runs of lines: text in order, messages and listings as sets, verb lines by their object."""

from __future__ import annotations

import difflib
import functools
from collections import Counter
from collections.abc import Callable, Iterator

from kubetalk.comparing import text, words
from kubetalk.comparing.forms import Line, LineKind, Lines
from kubetalk.comparing.matching import Equal, grouped, same, take_closest, unmatched
from kubetalk.comparing.names import erase
from kubetalk.comparing.words import MAJOR, MINOR
from kubetalk.model import Difference

_MOST_COMPARED = 4_000_000
"""Pairs of lines; a diff of more would take longer to make than anybody would read it."""

_MOST_ALIKE = 50_000
"""Pairs of equal lines; difflib looks at each of them once per block it finds: `a b a b` beside `b a c` is cubic."""


def changes(old: Lines, new: Lines, equal: Equal) -> Iterator[Difference]:
    """The differences of two runs of lines of the same kind."""
    before, after = list(old.lines), list(new.lines)
    if old.kind is LineKind.VERBS:
        return _verbs(before, after, equal)
    if old.kind is LineKind.MESSAGES or not old.ordered:
        return _unordered(before, after, old.kind, equal)
    return _ordered(before, after, old.kind, equal)


def _fits(equal: Equal) -> Callable[[Line, Line], bool] | None:
    return None if equal is same else lambda a, b: equal(a.text, b.text)


def _change(a: Line, b: Line) -> Difference:
    """``Server Version: v1.36.4 -> v1.36.5`` when both lines begin alike, else both lines whole."""
    key, colon, old = a.text.partition(": ")
    other, _, new = b.text.partition(": ")
    if colon and key == other and len(key) <= 40 and new:
        return words.change(words.shown(key), a.raw.partition(": ")[2], b.raw.partition(": ")[2], old, new, key)
    return words.change("line", a.raw, b.raw, a.text, b.text)


def _gone(line: Line, kind: LineKind) -> Difference:
    if kind is LineKind.MESSAGES:
        warning = line.text.startswith(("Warning: ", "warning: ", "level=WARN"))
        return Difference(MINOR if warning else MAJOR, f"message gone: {words.shown(line.raw)}")
    return Difference(MAJOR, f"line gone: {words.shown(line.raw)}")


def _added(line: Line, kind: LineKind) -> Difference:
    word = "new message" if kind is LineKind.MESSAGES else "line added"
    trouble = text.ERROR.search(line.text) or words.TROUBLE.search(line.text)
    return Difference(MAJOR if trouble else MINOR, f"{word}: {words.shown(line.raw)}")


def _unordered(before: list[Line], after: list[Line], kind: LineKind, equal: Equal) -> Iterator[Difference]:
    before, after = unmatched(before, after, lambda line: erase(line.text), _fits(equal))
    if kind is not LineKind.MESSAGES:
        paired: set[int] = set()
        for lines_old, lines_new in grouped(before, after, lambda line: words.gist(line.text)).values():
            for a, b in zip(lines_old, lines_new, strict=False):
                paired.update((id(a), id(b)))
                yield _change(a, b)
        before, after = ([line for line in side if id(line) not in paired] for side in (before, after))
    while before and after:
        a, b = take_closest(before, after, lambda x, y: _distance(x.text, y.text))
        if kind is LineKind.MESSAGES:
            verdict, why = words.grade(a.text, b.text)
            told = f"message: {words.shown(a.raw)} -> {words.shown(b.raw)}" + (f" ({why})" if why else "")
            yield Difference(verdict, told)
        elif _distance(a.text, b.text) < max(len(a.text.split()), len(b.text.split())):
            yield _change(a, b)
        else:
            yield _gone(a, kind)
            yield _added(b, kind)
    for line in before:
        yield _gone(line, kind)
    for line in after:
        yield _added(line, kind)


def _distance(a: str, b: str) -> int:
    """In how many words two lines differ, apart from names, hashes and versions."""
    (left, of_left), (right, of_right) = _bag(a), _bag(b)
    common = sum(min(number, right[word]) for word, number in left.items() if word in right)
    return max(of_left, of_right) - common


@functools.lru_cache(maxsize=4096)
def _bag(text: str) -> tuple[Counter[str], int]:
    """The words of a line with their numbers, and how many they are."""
    found = words.gist(text).split()
    return Counter(found), len(found)


def _ordered(before: list[Line], after: list[Line], kind: LineKind, equal: Equal) -> Iterator[Difference]:
    before, after = _without_common_ends(before, after, equal)
    if len(before) * len(after) > _MOST_COMPARED:
        yield from _unordered(before, after, kind, equal)
        return
    erased = [erase(line.text) for line in before], [erase(line.text) for line in after]
    if len(before) > 1 and Counter(erased[0]) == Counter(erased[1]):
        # Equal ends are cut off, so the first lines differ.
        yield Difference(MAJOR, f"order of lines: {words.shown(before[0].raw)} -> {words.shown(after[0].raw)}")
        return
    matcher = difflib.SequenceMatcher(None, *erased, autojunk=_is_repetitive(*erased))
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        common = min(i_end - i, j_end - j)
        for a, b in zip(before[i : i + common], after[j : j + common], strict=True):
            if not equal(a.text, b.text):
                yield _change(a, b)
        for line in before[i + common : i_end]:
            yield _gone(line, kind)
        for line in after[j + common : j_end]:
            yield _added(line, kind)


def _is_repetitive(before: list[str], after: list[str]) -> bool:
    """Whether so many lines are alike that only difflib's shortcut (lines that come often are no anchors) can end."""
    left, right = Counter(before), Counter(after)
    return sum(number * right[text] for text, number in left.items() if text in right) > _MOST_ALIKE


def _without_common_ends(before: list[Line], after: list[Line], equal: Equal) -> tuple[list[Line], list[Line]]:
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and equal(before[start].text, after[start].text):
        start += 1
    end = 0
    while end < shorter - start and equal(before[-1 - end].text, after[-1 - end].text):
        end += 1
    return before[start : len(before) - end], after[start : len(after) - end]


def _verbs(before: list[Line], after: list[Line], equal: Equal) -> Iterator[Difference]:
    def thing(line: Line) -> str:
        return words.without_hashes(erase(text.subject(line.text)[0]))

    for lines_old, lines_new in grouped(before, after, thing).values():
        rest_old, rest_new = unmatched(lines_old, lines_new, lambda line: erase(line.text), _fits(equal))
        for a, b in zip(rest_old, rest_new, strict=False):
            (name, done), (_, done_now) = text.subject(a.text), text.subject(b.text)
            place = words.short_name(name)
            if same(done, done_now):  # then the hash in the name
                yield words.change(place, a.raw, b.raw, a.text, b.text)
            else:
                yield words.change(place, done, done_now, done, done_now)
        for line in rest_old[len(rest_new) :]:
            yield _gone(line, LineKind.VERBS)
        for line in rest_new[len(rest_old) :]:
            yield _added(line, LineKind.VERBS)
