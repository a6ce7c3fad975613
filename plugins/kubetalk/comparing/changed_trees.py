"""What changed between two descriptions: objects, fields under their paths, and the tables inside."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from kubetalk.comparing import changed_rows, words
from kubetalk.comparing.forms import Table, Tree
from kubetalk.comparing.matching import Equal, first_moved, grouped, same, unmatched
from kubetalk.comparing.names import erase
from kubetalk.comparing.words import MAJOR, MINOR
from kubetalk.model import Difference

_TELLING = frozenset({"Status", "State", "Last State", "Reason", "Phase"})
"""Keys whose value tells how an object fares."""


def changes(old: list[Tree], new: list[Tree], equal: Equal) -> Iterator[Difference]:
    """The differences of two lists of described objects, matched by name."""
    if len(old) == len(new) == 1:
        yield from _tree(old[0], new[0], equal)
        return
    for before, after in grouped(old, new, lambda tree: words.without_hashes(erase(tree.name))).values():
        rest_old, rest_new = unmatched(before, after, _content)
        for a, b in zip(rest_old, rest_new, strict=False):
            yield from _tree(a, b, equal)
        for tree in rest_old[len(rest_new) :]:
            yield Difference(MAJOR, f"gone: {words.short_name(tree.name) or 'a block'}")
        for tree in rest_new[len(rest_old) :]:
            yield Difference(MINOR, f"added: {words.short_name(tree.name) or 'a block'}")


def _content(tree: Tree) -> Hashable:
    return erase(str(tree))


def _tree(old: Tree, new: Tree, equal: Equal) -> Iterator[Difference]:
    name = words.short_name(old.name)
    of = f" of {name}" if name else ""
    entries = grouped(list(old.entries), list(new.entries), lambda entry: tuple(map(erase, entry.path)))
    fits = None if equal is same else lambda a, b: equal(a.value, b.value)
    for everything_old, everything_new in entries.values():
        path = (everything_old or everything_new)[0].path
        place = " / ".join(part for part in path if part != "-") or "text"
        before, after = unmatched(everything_old, everything_new, lambda entry: erase(entry.value), fits)
        maps = [changed_rows.pairs(",".join(entry.value for entry in side)) for side in (before, after)]
        if maps[0] is not None and maps[1] is not None and (maps[0] or maps[1]):
            word = path[-1].removesuffix("s").lower()
            yield from changed_rows.changed_map(maps[0], maps[1], name, word)
            continue
        for a, b in zip(before, after, strict=False):
            yield words.change(place + of, a.raw, b.raw, a.value, b.value, path[-1])
        for entry in before[len(after) :]:
            yield Difference(MAJOR, f"gone: {place}{of}" + (f": {words.shown(entry.raw)}" if entry.raw else ""))
        for entry in after[len(before) :]:
            grade = MAJOR if path[-1] in _TELLING and words.TROUBLE.search(entry.value) else MINOR
            yield Difference(grade, f"new: {place}{of}" + (f": {words.shown(entry.raw)}" if entry.raw else ""))
    if equal is same:
        yield from _order(old, new, of)
    yield from _tables(old, new, equal, of)


def _order(old: Tree, new: Tree, of: str) -> Iterator[Difference]:
    """The first field or item that stands elsewhere now, whatever else is different."""
    sides = [[(*map(erase, entry.path), erase(entry.value)) for entry in tree.entries] for tree in (old, new)]
    moved = first_moved(*sides)
    if moved is not None:
        places = [" / ".join(part for part in key[:-1] if part != "-") for key in moved]
        if places[0] == places[1]:
            places = [f"{place}: {key[-1]}" for place, key in zip(places, moved, strict=True)]
        yield Difference(MAJOR, f"order{of}: {words.shown(places[0])} -> {words.shown(places[1])}")


def _tables(old: Tree, new: Tree, equal: Equal, of: str) -> Iterator[Difference]:
    before = {table.title: table for table in old.tables}
    after = {table.title: table for table in new.tables}
    for title in dict.fromkeys([*before, *after]):
        known = before.get(title) or after[title]
        nothing = Table(known.kind, known.columns, (), known.order, title)
        where = f"{title}{of}: " if title else ""
        yield from changed_rows.changes(before.get(title, nothing), after.get(title, nothing), equal, where)
