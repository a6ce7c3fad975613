"""What changed between two tables: columns, rows by the object they are about, cells, and the order where it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from kubetalk.comparing import words
from kubetalk.comparing.columns import ENVIRONMENT
from kubetalk.comparing.forms import Order, Row, Table
from kubetalk.comparing.matching import Equal, grouped, same, shared, take_closest, unmatched
from kubetalk.comparing.names import erase
from kubetalk.comparing.words import MAJOR, MINOR
from kubetalk.model import Difference

_CLEARLY_APART = 3.0
"""Seconds between two ages that two runs cannot swap: ages are cut to seconds, and a second is slack."""

# Columns that say what a row is about, the first set wins whose last column is there.
_KEYS = (
    ("NAMESPACE", "EVENT", "POD", "NAME"),
    ("REASON", "OBJECT"),
    ("Reason", "From"),
    ("Resources", "Non-Resource URLs"),
    ("REVISION",),
)


def changes(old: Table, new: Table, equal: Equal, where: str = "") -> Iterator[Difference]:
    """The differences of two tables; ``where`` begins every place (``Events of web: ``)."""
    have = set(old.columns), set(new.columns)
    if old.rows and new.rows:
        for column in old.columns:
            if column not in have[1]:
                yield Difference(MAJOR, f"column gone: {where}{column}")
        for column in new.columns:
            if column not in have[0]:
                yield Difference(MINOR, f"new column: {where}{column}")
    common = [column for column in old.columns if column in have[1]]
    keys = _key_columns(common, old.kind)
    sides = _project(old, common), _project(new, common)
    if equal is same and not new.watched:
        sides = unmatched(*sides, lambda row: row.erased)  # what is equal needs no partner
    groups = grouped(*sides, lambda row: _key(row, keys))
    if equal is not same:
        _join_wildcards(groups, equal)
    for before, after in groups.values():
        if new.watched and before:
            yield from _states(before, after, common, keys, where)
        else:
            yield from _rows(before, after, common, keys, equal, where)
    yield from _order(old, new, keys, where)


def _project(table: Table, common: list[str]) -> list[Row]:
    if list(table.columns) == common:
        return list(table.rows)
    places = {column: place for place, column in enumerate(table.columns)}
    index = [places[column] for column in common]
    return [Row(tuple(row.cells[i] for i in index), tuple(row.raw[i] for i in index)) for row in table.rows]


def _key_columns(columns: list[str], kind: str) -> list[int]:
    for wanted in _KEYS:
        if wanted[-1] in columns and not (kind == "event" and wanted[-1] == "NAME"):
            last = columns.index(wanted[-1])
            return [place for column in wanted if column in columns and (place := columns.index(column)) <= last]
    return [0] if columns else []


def _key(row: Row, keys: list[int]) -> tuple[str, ...]:
    return tuple(words.without_hashes(erase(row.cells[index])) for index in keys)


def _join_wildcards(groups: dict[Hashable, tuple[list[Row], list[Row]]], equal: Equal) -> None:
    """Rows an author wrote with a wildcard in the name belong to the rows it fits."""
    for key, (before, after) in groups.items():
        if not before or after or not isinstance(key, tuple):
            continue
        for other, (others, rows) in groups.items():
            if rows and not others and isinstance(other, tuple) and all(map(equal, key, other)):
                after.extend(rows[: len(before)])
                del rows[: len(before)]
                break


def _rows(
    before: list[Row], after: list[Row], columns: list[str], keys: list[int], equal: Equal, where: str
) -> Iterator[Difference]:
    fits = None if equal is same else lambda a, b: all(map(equal, a.cells, b.cells))
    before, after = unmatched(before, after, lambda row: row.erased, fits)
    while before and after:
        a, b = take_closest(
            before, after, lambda x, y: sum(not equal(p, q) for p, q in zip(x.cells, y.cells, strict=True))
        )
        yield from _cells(a, b, columns, keys, equal, where)
    for row in before:
        yield Difference(MAJOR, f"row gone: {where}{_description(row, columns, keys)}")
    for row in after:
        trouble = _trouble(row, columns)
        told = f"row added: {where}{_description(row, columns, keys)}" + (f" ({trouble})" if trouble else "")
        yield Difference(MAJOR if trouble else MINOR, told)


def _trouble(row: Row, columns: list[str]) -> str:
    """What is wrong with the object of a row, as STATUS, READY or an event's type and reason tell; empty if nothing."""
    cells = {column.upper(): cell for column, cell in zip(columns, row.cells, strict=True)}
    status, ready = cells.get("STATUS", ""), cells.get("READY", "")
    for told in (status, cells.get("REASON", "")):
        if words.TROUBLE.search(told):
            return told
    if cells.get("TYPE") == "Warning":
        return "Warning"
    have, slash, wanted = ready.partition("/")
    return f"READY {ready}" if slash and have != wanted and status not in {"Completed", "Succeeded"} else ""


def _states(
    before: list[Row], after: list[Row], columns: list[str], keys: list[int], where: str
) -> Iterator[Difference]:
    """The states of one object in a watch: the last one, and each of trouble before it."""
    if after:
        yield from _rows(before[-1:], after[-1:], columns, keys, same, where)
    else:
        yield from _rows(before[-1:], [], columns, keys, same, where)
    troubles = unmatched(before[:-1], after[:-1], lambda row: row.erased)
    for word, rows in zip(("state gone", "new state"), troubles, strict=True):
        for row in rows:
            told = ", ".join(cell for index, cell in enumerate(row.raw) if index not in keys and cell)
            yield Difference(MAJOR, f"{word}: {where}{_name(row, keys)}: {words.shown(told)}")


def _name(row: Row, keys: list[int]) -> str:
    names = [words.short_name(row.cells[index]) for index in keys]
    told = [row.raw[index] if "‹" in name else name for index, name in zip(keys, names, strict=True)]
    return "/".join(words.shown(name) for name in told if name) or "a row"


def _description(row: Row, columns: list[str], keys: list[int]) -> str:
    name = _name(row, keys)
    if columns[keys[-1]] in {"NAME", "REVISION"}:
        return name
    stable = [row.raw[i] for i in range(len(columns)) if i not in keys and row.cells[i] == row.raw[i] and row.raw[i]]
    return name + (f" ({words.shown(', '.join(stable))})" if stable else "")


def _cells(a: Row, b: Row, columns: list[str], keys: list[int], equal: Equal, where: str) -> Iterator[Difference]:
    name = _name(a, keys)
    for index, column in enumerate(columns):
        old, new = a.cells[index], b.cells[index]
        if equal(old, new):
            continue
        pairs_old, pairs_new = pairs(old), pairs(new)
        if column not in ENVIRONMENT and pairs_old is not None and pairs_new is not None:
            yield from changed_map(pairs_old, pairs_new, name, "label" if "LABEL" in column.upper() else column, where)
        else:
            yield words.change(f"{where}{column} of {name}", a.raw[index], b.raw[index], old, new, column)


def pairs(cell: str) -> dict[str, str] | None:
    """A text of ``k=v`` pairs as a map, ``<none>`` as an empty one; None for any other text."""
    if cell in {"<none>", ""}:
        return {}
    found = [pair.partition("=") for pair in cell.split(",")]
    if not all(equals and key and " " not in key for key, equals, _ in found):
        return None
    return {key: value for key, _, value in found}


def changed_map(
    old: dict[str, str], new: dict[str, str], name: str, word: str, where: str = ""
) -> Iterator[Difference]:
    """The differences of two maps of labels, in words."""
    of = f" of {name}" if name else ""
    for key in dict.fromkeys([*old, *new]):
        if key not in new:
            yield Difference(MAJOR, f"{where}{word} gone: {key}={words.shown(old[key])}{of}")
        elif key not in old:
            grade = MINOR if word in {"label", "annotation"} else MAJOR
            yield Difference(grade, f"{where}new {word}: {key}={words.shown(new[key])}{of}")
        elif not same(old[key], new[key]):
            # The `=` lets a hash be seen as one.
            texts = old[key], new[key], f"{key}={old[key]}", f"{key}={new[key]}"
            yield words.change(f"{where}{word} {key}{of}", *texts, key)


def _order(old: Table, new: Table, keys: list[int], where: str) -> Iterator[Difference]:
    if old.order is Order.SORTED:
        sequences = [[_key(row, keys) for row in table.rows] for table in (old, new)]
        common = Counter(sequences[0]) & Counter(sequences[1])
        before, after = (shared(sequence, common) for sequence in sequences)
        if before != after:
            told = [", ".join(map(_told, sequence[:6])) for sequence in (before, after)]
            yield Difference(MAJOR, f"order of rows: {where}{words.shown(told[0])} -> {words.shown(told[1])}")
    elif old.order is Order.TIME:
        swapped = _swapped(old, new)
        if swapped is not None:
            first, second = (_told(tuple(key[index] for index in keys)) for key in swapped)
            yield Difference(MAJOR, f"order of rows: {where}{first} no longer comes before {second}")


def _told(key: tuple[str, ...]) -> str:
    return "/".join(words.short_name(cell) for cell in key if cell)


def _swapped(old: Table, new: Table) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Two rows whose order turned round although they lie clearly apart in time on both sides."""
    before, after = _moments(old), _moments(new)
    common = [key for key in before if key in after][:200]
    for i, a in enumerate(common):
        for b in common[i + 1 :]:
            (place_a, age_a), (place_b, age_b) = before[a], before[b]
            (later_a, new_age_a), (later_b, new_age_b) = after[a], after[b]
            apart = min(abs(age_a - age_b), abs(new_age_a - new_age_b))
            if (place_a < place_b) != (later_a < later_b) and apart >= _CLEARLY_APART:
                return (a, b) if place_a < place_b else (b, a)
    return None


def _moments(table: Table) -> dict[tuple[str, ...], tuple[int, float]]:
    """Place and age of every row that is there once."""
    rows = [(tuple(map(erase, row.cells)), age) for row, age in table.timeline]
    counts = Counter(key for key, _ in rows)
    return {key: (place, age) for place, (key, age) in enumerate(rows) if counts[key] == 1}
