"""What differs between two canonical forms, in words: their parts are paired, then compared shape by shape."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from kubetalk.comparing import changed_lines, changed_rows, changed_trees, changed_values, words
from kubetalk.comparing.forms import Canonical, Lines, Part, Table, Tree, Values
from kubetalk.comparing.matching import Equal, grouped, same
from kubetalk.comparing.words import MAJOR
from kubetalk.model import Difference


def differences(old: Canonical, new: Canonical) -> tuple[Difference, ...]:
    """Everything that changed from ``old`` to ``new``, the grave ones first; empty when they say the same."""
    found = []
    if old.exit_code != new.exit_code:
        found.append(Difference(MAJOR, f"exit {old.exit_code} -> {new.exit_code}"))
    if old.parts != new.parts or any(isinstance(part, Table) and part.timeline for part in old.parts):
        found += between(old.parts, new.parts)
        signatures = [Counter(signature for _, signature in form.names) for form in (old, new)]
        if not found and signatures[0] != signatures[1]:
            found.append(Difference(MAJOR, "generated names: other objects stand together than before"))
        found += [] if found else _untold(str(old), str(new))
    return words.counted(found)


def _untold(old: str, new: str) -> list[Difference]:
    """The first line in which the printed forms differ: whatever shape it is in, a change is never passed over."""
    for before, after in itertools.zip_longest(old.split("\n"), new.split("\n"), fillvalue=""):
        if not same(before, after):
            verdict, why = words.grade(before, after)
            told = f"line: {words.shown(before)} -> {words.shown(after)}" + (f" ({why})" if why else "")
            return [Difference(verdict, told)]
    return []


def between(old: Sequence[Part], new: Sequence[Part], equal: Equal = same) -> list[Difference]:
    """The differences of parts, also under another idea of equality (an author's wildcards)."""
    found: list[Difference] = []
    left: list[Part] = []
    right: list[Part] = []
    for before, after in grouped(list(old), list(new), _key).values():
        trees = [[part for part in side if isinstance(part, Tree)] for side in (before, after)]
        if trees[0] or trees[1]:
            found += changed_trees.changes(trees[0], trees[1], equal)
            continue
        for a, b in zip(before, after, strict=False):
            found += _changes(a, b, equal)
        left += before[len(after) :]
        right += after[len(before) :]
    for a, b in _retold(left, right):
        found += changed_rows.changes(a, b, equal)
    for part in left:
        found += _changes(part, _empty(part), equal)
    for part in right:
        found += _changes(_empty(part), part, equal)
    return found


def _key(part: Part) -> tuple[str, ...]:
    """Parts with equal keys are compared, in their order."""
    match part:
        case Table():
            return ("table", part.title, part.kind or ",".join(part.columns[:3]))
        case Lines():
            return ("lines", part.title, part.kind)
        case Tree():
            return ("tree", part.style)
        case _:
            return ("values", part.title)


def _retold(left: list[Part], right: list[Part]) -> Iterator[tuple[Table, Table]]:
    """Takes out tables whose kind is told otherwise now, because a column came or went: they are still the same."""
    for part in [part for part in left if isinstance(part, Table)]:
        for other in right:
            if isinstance(other, Table) and (other.title, other.columns[0]) == (part.title, part.columns[0]):
                left.remove(part)
                right.remove(other)
                yield part, other
                break


def _empty(part: Part) -> Part:
    match part:
        case Table():
            return Table(part.kind, part.columns, (), part.order, part.title)
        case Lines():
            return Lines(part.kind, (), part.ordered, part.title)
        case Tree():
            return Tree("", (), (), part.style)
        case _:
            return Values(part.style, (), part.title)


def _changes(old: Part, new: Part, equal: Equal) -> Iterator[Difference]:
    match old, new:
        case Table(), Table():
            return changed_rows.changes(old, new, equal)
        case Lines(), Lines():
            return changed_lines.changes(old, new, equal)
        case Values(), Values():
            return changed_values.changes(old, new, equal)
        case _:
            return iter(())
