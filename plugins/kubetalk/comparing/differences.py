"""What differs between two canonical forms, in words: parts are paired, then rows, fields, values and lines."""

from __future__ import annotations

import difflib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from kubetalk.comparing import text, words
from kubetalk.comparing.columns import ENVIRONMENT
from kubetalk.comparing.forms import Canonical, Line, LineKind, Lines, Order, Part, Row, Table, Tree, Values
from kubetalk.comparing.names import erase
from kubetalk.comparing.words import MAJOR, MINOR
from kubetalk.model import Difference

T = TypeVar("T")
Equal = Callable[[str, str], bool]

_CLEARLY_APART = 3.0
"""Seconds between two ages that two runs cannot swap: ages are cut to seconds, and a second is slack."""


def same(old: str, new: str) -> bool:
    """Equal but for which generated name stands there."""
    return old == new or erase(old) == erase(new)


def differences(old: Canonical, new: Canonical) -> tuple[Difference, ...]:
    """Everything that changed from ``old`` to ``new``; empty when they say the same."""
    found = list(_exit(old, new))
    if old.parts != new.parts:
        found += _parts(old.parts, new.parts, same)
        if not found and Counter(signature for _, signature in old.names) != Counter(s for _, s in new.names):
            found.append(Difference(MAJOR, "generated names: not the same objects stand together as before"))
    return words.counted(found)


def between(old: Sequence[Part], new: Sequence[Part], equal: Equal) -> list[Difference]:
    """The differences of parts under another idea of equality (wildcards)."""
    return _parts(old, new, equal)


def _exit(old: Canonical, new: Canonical) -> Iterator[Difference]:
    if old.exit_code != new.exit_code:
        yield Difference(MAJOR, f"exit {old.exit_code} -> {new.exit_code}")


def _key(part: Part) -> tuple[str, ...]:
    match part:
        case Table():
            return ("table", part.title, part.kind or ",".join(part.columns[:3]))
        case Lines():
            return ("lines", part.title, part.kind)
        case Tree():
            return ("tree", part.style)
        case _:
            return ("values", part.title)


def _parts(old: Sequence[Part], new: Sequence[Part], equal: Equal) -> list[Difference]:
    groups: dict[tuple[str, ...], tuple[list[Part], list[Part]]] = defaultdict(lambda: ([], []))
    for side, parts in enumerate((old, new)):
        for part in parts:
            groups[_key(part)][side].append(part)
    found: list[Difference] = []
    left: list[Part] = []
    right: list[Part] = []
    for (kind, *_), (before, after) in groups.items():
        if kind == "tree":
            found += _trees(before, after, equal)
            continue
        common = min(len(before), len(after))
        for a, b in zip(before, after, strict=False):
            found += _pair(a, b, equal)
        left += before[common:]
        right += after[common:]
    # A table whose kind is told otherwise now (a column came or went) is still the same table.
    for part in [part for part in left if isinstance(part, Table)]:
        other = next(
            (o for o in right if isinstance(o, Table) and o.title == part.title and o.columns[0] == part.columns[0]),
            None,
        )
        if other is not None:
            left.remove(part)
            right.remove(other)
            found += _table(part, other, equal)
    for part in left:
        found += _pair(part, _empty(part), equal)
    for part in right:
        found += _pair(_empty(part), part, equal)
    return found


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


def _pair(old: Part, new: Part, equal: Equal) -> list[Difference]:
    match old, new:
        case Table(), Table():
            return _table(old, new, equal)
        case Lines(), Lines():
            return _lines(old, new, equal)
        case Values(), Values():
            return _values(old, new, equal)
        case _:
            return []


# Tables


def _table(old: Table, new: Table, equal: Equal, where: str = "") -> list[Difference]:
    found: list[Difference] = []
    if old.rows and new.rows:
        found += [Difference(MAJOR, f"column gone: {where}{c}") for c in old.columns if c not in new.columns]
        found += [Difference(MINOR, f"new column: {where}{c}") for c in new.columns if c not in old.columns]
    elif bool(old.rows) != bool(new.rows) and old.kind in {"", "section"} and old.columns == new.columns:
        pass
    common = [column for column in old.columns if column in new.columns]
    rows_old, rows_new = _project(old, common), _project(new, common)
    keys = _key_columns(common, old.kind)
    groups: dict[tuple[str, ...], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((rows_old, rows_new)):
        for row in rows:
            groups[_row_key(row, keys)][side].append(row)
    if equal is not same:
        _join_wildcards(groups, equal)
    for before, after in groups.values():
        found += _rows(before, after, common, keys, equal, where)
    return [*found, *_order(old, new, keys, where)]


def _join_wildcards(groups: dict[tuple[str, ...], tuple[list[Row], list[Row]]], equal: Equal) -> None:
    """Rows an author wrote with a wildcard in the name belong to the rows it fits."""
    for key, (before, after) in list(groups.items()):
        if before and not after:
            for other, (others, rows) in groups.items():
                if rows and not others and len(key) == len(other) and all(map(equal, key, other)):
                    taken = rows[: len(before)]
                    del rows[: len(before)]
                    groups[key][1].extend(taken)
                    break


def _project(table: Table, common: list[str]) -> list[Row]:
    if list(table.columns) == common:
        return list(table.rows)
    index = [table.columns.index(column) for column in common]
    return [Row(tuple(row.cells[i] for i in index), tuple(row.raw[i] for i in index)) for row in table.rows]


def _key_columns(columns: list[str], kind: str) -> list[int]:
    """Which cells say what a row is about."""
    for wanted in (
        ("NAMESPACE", "NAME"), ("EVENT", "NAME"), ("REASON", "OBJECT"), ("Reason", "From"), ("Type", "Status"), ("Resources", "Non-Resource URLs"),
    ):  # fmt: skip
        if kind == "event" and wanted[1] == "NAME":
            continue
        have = [columns.index(column) for column in wanted if column in columns]
        if wanted[-1] in columns and wanted != ("Type", "Status"):
            return have
        if wanted == ("Type", "Status") and len(have) == 2:
            return have[:1]
    return [0] if columns else []


def _row_key(row: Row, keys: list[int]) -> tuple[str, ...]:
    return tuple(words.without_hashes(erase(row.cells[index])) for index in keys)


def _row_name(row: Row, keys: list[int]) -> str:
    return "/".join(words.shown(words.short_name(row.cells[index])) for index in keys if row.cells[index]) or "a row"


def _rows(
    before: list[Row], after: list[Row], columns: list[str], keys: list[int], equal: Equal, where: str
) -> Iterator[Difference]:
    before, after = _unmatched(
        before, after, lambda a, b: all(map(equal, a.cells, b.cells)), lambda row: tuple(map(erase, row.cells)), equal
    )
    while before and after:
        a, b = _closest(before, after, lambda x, y: sum(not equal(p, q) for p, q in zip(x.cells, y.cells, strict=True)))
        yield from _cells(a, b, columns, keys, equal, where)
    for row in before:
        yield Difference(MAJOR, f"row gone: {where}{_row_words(row, columns, keys)}")
    for row in after:
        yield Difference(MINOR, f"row added: {where}{_row_words(row, columns, keys)}")


def _row_words(row: Row, columns: list[str], keys: list[int]) -> str:
    name = _row_name(row, keys)
    if "NAME" in columns or "REVISION" in columns:
        return name
    rest = [
        row.raw[i] for i, column in enumerate(columns) if i not in keys and row.cells[i] == row.raw[i] and row.raw[i]
    ]
    return name + (f" ({words.shown(', '.join(rest))})" if rest else "")


def _unmatched(
    before: list[T], after: list[T], fits: Callable[[T, T], bool], key: Callable[[T], object], equal: Equal
) -> tuple[list[T], list[T]]:
    """Both lists without the members that have an equal on the other side."""
    if equal is same:
        open_new: dict[object, list[T]] = defaultdict(list)
        for item in after:
            open_new[key(item)].append(item)
        rest_old = []
        for item in before:
            matches = open_new.get(key(item))
            if matches:
                matches.pop(0)
            else:
                rest_old.append(item)
        return rest_old, [item for items in open_new.values() for item in items]
    rest_new = list(after)
    rest_old = []
    for item in before:
        match = next((other for other in rest_new if fits(item, other)), None)
        if match is None:
            rest_old.append(item)
        else:
            rest_new.remove(match)
    return rest_old, rest_new


def _closest(before: list[T], after: list[T], distance: Callable[[T, T], int]) -> tuple[T, T]:
    """Takes the pair that differs least out of both lists; with very many the first ones."""
    if len(before) * len(after) > 2500:
        return before.pop(0), after.pop(0)
    pairs = ((distance(a, b), i, j) for i, a in enumerate(before) for j, b in enumerate(after))
    _, i, j = min(pairs)
    return before.pop(i), after.pop(j)


def _cells(a: Row, b: Row, columns: list[str], keys: list[int], equal: Equal, where: str) -> Iterator[Difference]:
    name = _row_name(a, keys)
    for index, column in enumerate(columns):
        old, new = a.cells[index], b.cells[index]
        if equal(old, new):
            continue
        place = f"{where}{column} of {name}"
        pairs_old, pairs_new = _pairs(old), _pairs(new)
        if column not in ENVIRONMENT and pairs_old is not None and pairs_new is not None:
            yield from _map(pairs_old, pairs_new, name, where, "label" if "LABEL" in column.upper() else column)
        else:
            yield words.change(place, a.raw[index], b.raw[index], old, new, column)


def _pairs(cell: str) -> dict[str, str] | None:
    """A cell of ``k=v`` pairs as a map; None for any other."""
    if cell in {"<none>", ""}:
        return {}
    pairs = [pair.partition("=") for pair in cell.split(",")]
    if not all(equals and key and " " not in key for key, equals, _ in pairs):
        return None
    return {key: value for key, _, value in pairs}


def _map(old: dict[str, str], new: dict[str, str], name: str, where: str, word: str) -> Iterator[Difference]:
    for key in old.keys() | new.keys():
        if key not in new:
            yield Difference(MAJOR, f"{where}{word} gone: {key}={words.shown(old[key])} of {name}")
        elif key not in old:
            yield Difference(MINOR, f"{where}new {word}: {key}={words.shown(new[key])} of {name}")
        elif not same(old[key], new[key]):
            # The `=` lets a hash be seen as one.
            yield words.change(
                f"{where}{word} {key} of {name}", old[key], new[key], f"{key}={old[key]}", f"{key}={new[key]}", key
            )


def _order(old: Table, new: Table, keys: list[int], where: str) -> Iterator[Difference]:
    if old.order is Order.SORTED:
        sequence_old = [_row_key(row, keys) for row in old.rows]
        sequence_new = [_row_key(row, keys) for row in new.rows]
        common = Counter(sequence_old) & Counter(sequence_new)
        before, after = (_only(sequence, common) for sequence in (sequence_old, sequence_new))
        if before != after:
            told = [
                ", ".join("/".join(filter(None, map(words.short_name, key))) for key in s[:6]) for s in (before, after)
            ]
            yield Difference(MAJOR, f"order of rows: {where}{words.shown(told[0])} -> {words.shown(told[1])}")
    elif old.order is Order.TIME:
        swapped = _swapped(old, new, keys)
        if swapped:
            yield Difference(MAJOR, f"order of rows: {where}{swapped[0]} no longer comes before {swapped[1]}")


def _only(sequence: list[tuple[str, ...]], common: Counter[tuple[str, ...]]) -> list[tuple[str, ...]]:
    left = Counter(common)
    kept = []
    for key in sequence:
        if left[key] > 0:
            left[key] -= 1
            kept.append(key)
    return kept


def _swapped(old: Table, new: Table, keys: list[int]) -> tuple[str, str] | None:
    """Two rows whose order turned round although they lie clearly apart in time on both sides."""
    ages: list[dict[tuple[str, ...], tuple[int, float]]] = []
    for table in (old, new):
        seen: dict[tuple[str, ...], tuple[int, float]] = {}
        doubled = set()
        for position, (row, age) in enumerate(table.timeline):
            key = tuple(map(erase, row.cells))
            doubled.update({key} if key in seen else ())
            seen[key] = (position, age)
        ages.append({key: value for key, value in seen.items() if key not in doubled})
    common = [key for key in ages[0] if key in ages[1]][:200]
    for i, a in enumerate(common):
        for b in common[i + 1 :]:
            (old_a, age_a), (old_b, age_b) = ages[0][a], ages[0][b]
            (new_a, later_a), (new_b, later_b) = ages[1][a], ages[1][b]
            turned = (old_a < old_b) != (new_a < new_b)
            if turned and abs(age_a - age_b) >= _CLEARLY_APART and abs(later_a - later_b) >= _CLEARLY_APART:
                first, second = (a, b) if old_a < old_b else (b, a)
                return tuple("/".join(words.short_name(k[i]) for i in keys if k[i]) for k in (first, second))  # type: ignore[return-value]
    return None


# Trees


def _trees(old: Sequence[Part], new: Sequence[Part], equal: Equal) -> Iterator[Difference]:
    def name(tree: Part) -> str:
        return words.without_hashes(erase(tree.name)) if isinstance(tree, Tree) else ""

    groups: dict[str, tuple[list[Tree], list[Tree]]] = defaultdict(lambda: ([], []))
    for side, parts in enumerate((old, new)):
        for part in parts:
            if isinstance(part, Tree):
                groups[name(part)][side].append(part)
    if len(old) == len(new) == 1:
        (only_old,), (only_new,) = old, new
        assert isinstance(only_old, Tree)  # noqa: S101 - the caller groups by type
        assert isinstance(only_new, Tree)  # noqa: S101
        yield from _tree(only_old, only_new, equal)
        return
    for before, after in groups.values():
        plain = lambda tree: (
            tuple((e.path, erase(e.value)) for e in tree.entries),
            str([erase(str(t)) for t in tree.tables]),
        )  # noqa: E731
        rest_old, rest_new = _unmatched(before, after, lambda a, b: plain(a) == plain(b), plain, same)
        for a, b in zip(rest_old, rest_new, strict=False):
            yield from _tree(a, b, equal)
        for tree in rest_old[len(rest_new) :]:
            yield Difference(MAJOR, f"gone: {words.short_name(tree.name) or 'a block'}")
        for tree in rest_new[len(rest_old) :]:
            yield Difference(MINOR, f"added: {words.short_name(tree.name) or 'a block'}")


def _tree(old: Tree, new: Tree, equal: Equal) -> Iterator[Difference]:
    name = words.short_name(old.name)
    of = f" of {name}" if name else ""
    values: dict[tuple[str, ...], tuple[list[tuple[str, str]], list[tuple[str, str]]]] = defaultdict(lambda: ([], []))
    for side, tree in enumerate((old, new)):
        for entry in tree.entries:
            values[tuple(erase(key) for key in entry.path)][side].append((entry.value, entry.raw))
    for path, (before, after) in values.items():
        key = " / ".join(part for part in path if part != "-") or "text"
        before, after = _unmatched(before, after, lambda a, b: equal(a[0], b[0]), lambda item: erase(item[0]), equal)  # noqa: PLW2901
        maps_old, maps_new = _pairs(",".join(v for v, _ in before)), _pairs(",".join(v for v, _ in after))
        if (
            maps_old is not None
            and maps_new is not None
            and (maps_old or maps_new)
            and any("=" in v for v, _ in before + after)
        ):
            yield from _map(maps_old, maps_new, name or "it", "", key.removesuffix("s").lower())
            continue
        for (a, raw_a), (b, raw_b) in zip(before, after, strict=False):
            yield words.change(key + of, raw_a, raw_b, a, b, path[-1])
        for value, raw in before[len(after) :]:
            yield Difference(MAJOR, f"gone: {key}{of}" + (f": {words.shown(raw or value)}" if value else ""))
        for value, raw in after[len(before) :]:
            yield Difference(MINOR, f"new: {key}{of}" + (f": {words.shown(raw or value)}" if value else ""))
    yield from _tree_tables(old, new, equal, of)


def _tree_tables(old: Tree, new: Tree, equal: Equal, of: str) -> Iterator[Difference]:
    tables_old = {table.title: table for table in old.tables}
    tables_new = {table.title: table for table in new.tables}
    for title in dict.fromkeys([*tables_old, *tables_new]):
        where = f"{title}{of}: " if title else ""
        a, b = tables_old.get(title), tables_new.get(title)
        if a is None and b is not None:
            a = _empty(b)  # type: ignore[assignment]
        if b is None and a is not None:
            b = _empty(a)  # type: ignore[assignment]
        if a is not None and b is not None:
            yield from _table(a, b, equal, where)


# Lines


def _lines(old: Lines, new: Lines, equal: Equal) -> list[Difference]:
    if old.kind is LineKind.VERBS:
        return _verbs(old, new, equal)
    if old.kind is LineKind.MESSAGES or not old.ordered:
        return _unordered(old, new, equal)
    return _ordered(old, new, equal)


def _line_change(a: Line, b: Line) -> Difference:
    key_old, colon, value_old = a.text.partition(": ")
    key_new, _, value_new = b.text.partition(": ")
    if colon and key_old == key_new and len(key_old) <= 40 and value_new:
        raw = a.raw.partition(": ")[2], b.raw.partition(": ")[2]
        return words.change(words.shown(key_old), raw[0], raw[1], value_old, value_new, key_old)
    return words.change("line", a.raw, b.raw, a.text, b.text)


def _gone(line: Line, kind: LineKind) -> Difference:
    if kind is LineKind.MESSAGES:
        grave = not line.text.startswith(("Warning: ", "warning: ", "level=WARN"))
        return Difference(MAJOR if grave else MINOR, f"message gone: {words.shown(line.raw)}")
    return Difference(MAJOR, f"line gone: {words.shown(line.raw)}")


def _added(line: Line, kind: LineKind) -> Difference:
    grave = text.ERROR.search(line.text) is not None
    word = "new message" if kind is LineKind.MESSAGES else "line added"
    return Difference(MAJOR if grave else MINOR, f"{word}: {words.shown(line.raw)}")


def _message_change(a: Line, b: Line) -> Difference:
    verdict, why = words.grade(a.text, b.text)
    return Difference(verdict, f"message: {words.shown(a.raw)} -> {words.shown(b.raw)}" + (f" ({why})" if why else ""))


def _unordered(old: Lines, new: Lines, equal: Equal) -> list[Difference]:
    before, after = _unmatched(
        list(old.lines), list(new.lines), lambda a, b: equal(a.text, b.text), lambda line: erase(line.text), equal
    )
    found = []
    while before and after:
        a, b = _closest(before, after, lambda x, y: _distance(x.text, y.text))
        if old.kind is LineKind.MESSAGES:
            found.append(_message_change(a, b))
        elif _distance(a.text, b.text) < max(len(a.text.split()), len(b.text.split())):
            found.append(_line_change(a, b))
        else:
            found += [_gone(a, old.kind), _added(b, old.kind)]
    return found + [_gone(line, old.kind) for line in before] + [_added(line, new.kind) for line in after]


def _distance(a: str, b: str) -> int:
    """In how many words two lines differ."""
    left, right = Counter(a.split()), Counter(b.split())
    return max(sum((left - right).values()), sum((right - left).values()))


def _ordered(old: Lines, new: Lines, equal: Equal) -> list[Difference]:
    a, b = list(old.lines), list(new.lines)
    start = 0
    while start < min(len(a), len(b)) and equal(a[start].text, b[start].text):
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and equal(a[-1 - end].text, b[-1 - end].text):
        end += 1
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    if len(a) * len(b) > 4_000_000:  # a diff would take longer than its reader would read
        return _unordered(Lines(old.kind, tuple(a)), Lines(new.kind, tuple(b)), equal)
    erased_a, erased_b = [erase(line.text) for line in a], [erase(line.text) for line in b]
    if len(a) > 1 and Counter(erased_a) == Counter(erased_b):
        first = next(i for i, (x, y) in enumerate(zip(erased_a, erased_b, strict=True)) if x != y)
        return [Difference(MAJOR, f"order of lines: {words.shown(a[first].raw)} -> {words.shown(b[first].raw)}")]
    found: list[Difference] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, erased_a, erased_b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pairs = min(i2 - i1, j2 - j1)
        found += [_line_change(x, y) for x, y in zip(a[i1 : i1 + pairs], b[j1 : j1 + pairs], strict=True)]
        found += [_gone(line, old.kind) for line in a[i1 + pairs : i2]]
        found += [_added(line, new.kind) for line in b[j1 + pairs : j2]]
    return found


def _verbs(old: Lines, new: Lines, equal: Equal) -> list[Difference]:
    groups: dict[str, tuple[list[Line], list[Line]]] = defaultdict(lambda: ([], []))
    for side, lines in enumerate((old.lines, new.lines)):
        for line in lines:
            groups[words.without_hashes(erase(text.subject(line.text)[0]))][side].append(line)
    found: list[Difference] = []
    for before, after in groups.values():
        before, after = _unmatched(
            before, after, lambda a, b: equal(a.text, b.text), lambda line: erase(line.text), equal
        )  # noqa: PLW2901
        for a, b in zip(before, after, strict=False):
            (thing, done_old), (_, done_new) = text.subject(a.text), text.subject(b.text)
            if same(done_old, done_new):
                found.append(words.change(words.short_name(thing), a.raw, b.raw, a.text, b.text))
            else:
                found.append(words.change(words.short_name(thing), done_old, done_new, done_old, done_new))
        found += [_gone(line, LineKind.VERBS) for line in before[len(after) :]]
        found += [_added(line, LineKind.VERBS) for line in after[len(before) :]]
    return found


# JSON and YAML


def _values(old: Values, new: Values, equal: Equal) -> list[Difference]:
    left = [json.loads(document.value) for document in old.documents]
    right = [json.loads(document.value) for document in new.documents]
    if len(left) == len(right) == 1:
        return list(_value(left[0], right[0], "", _object_name(left[0]), equal))
    return list(_items(left, right, "", "", equal))


def _object_name(value: Any) -> str:
    """``deployment web``; empty for anything but an object."""
    if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
        return ""
    name = value["metadata"].get("name")
    if not isinstance(name, str):
        return ""
    return f"{str(value.get('kind', '')).lower()} {words.short_name(name)}".strip()


def _identity(value: Any) -> tuple[str, ...] | None:
    """What a list's member is found again by: an object's kind and name, else its name, type, key, path or port."""
    if not isinstance(value, dict):
        return None
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        place = (str(value.get("kind", "")), str(metadata.get("namespace", "")), str(metadata.get("name", "")))
        return tuple(words.without_hashes(erase(part)) for part in place)
    for key in ("name", "type", "key", "path", "mountPath", "port", "host", "context", "group"):
        if key in value and not isinstance(value[key], dict | list):
            return (key, words.without_hashes(erase(str(value[key]))))
    return None


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _same_value(old: Any, new: Any) -> bool:
    return bool(old == new) or erase(json.dumps(old, sort_keys=True)) == erase(json.dumps(new, sort_keys=True))


def _value(old: Any, new: Any, path: str, owner: str, equal: Equal) -> Iterator[Difference]:
    if equal is same and _same_value(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        owner = _object_name(old) or owner
        prefix = "" if _object_name(old) else f"{path}." if path else ""
        for key in dict.fromkeys([*old, *new]):
            yield from _member(old, new, key, prefix + key, owner, equal)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, path, owner, equal)
    elif not (isinstance(old, str) and isinstance(new, str) and equal(old, new)) and old != new:
        yield words.change(_place(path, owner), _told(old), _told(new), _told(old), _told(new), path.rpartition(".")[2])


def _place(path: str, owner: str) -> str:
    return f"{path or 'value'}" + (f" of {owner}" if owner else "")


def _member(
    old: dict[str, Any], new: dict[str, Any], key: str, path: str, owner: str, equal: Equal
) -> Iterator[Difference]:
    if key not in new:
        yield Difference(MAJOR, f"gone: {_place(path, owner)}: {words.shown(_told(old[key]))}")
    elif key not in old:
        yield Difference(MINOR, f"new: {_place(path, owner)}: {words.shown(_told(new[key]))}")
    else:
        yield from _value(old[key], new[key], path, owner, equal)


def _items(old: list[Any], new: list[Any], path: str, owner: str, equal: Equal) -> Iterator[Difference]:
    identities = [[_identity(item) for item in items] for items in (old, new)]
    if (old or new) and None not in identities[0] + identities[1]:
        groups: dict[tuple[str, ...], tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
        for side, (items, ids) in enumerate(zip((old, new), identities, strict=True)):
            for item, identity in zip(items, ids, strict=True):
                if identity is not None:
                    groups[identity][side].append(item)
        for identity, (before, after) in groups.items():
            before, after = _unmatched(before, after, _same_value, lambda v: erase(json.dumps(v, sort_keys=True)), same)  # noqa: PLW2901
            inner = (
                path
                if _object_name(before[0] if before else after[0] if after else None)
                else f"{path}[{identity[-1]}]"
            )
            for a, b in zip(before, after, strict=False):
                yield from _value(a, b, inner, owner, equal)
            for item in before[len(after) :]:
                yield Difference(MAJOR, f"gone: {_object_name(item) or _place(inner, owner)}")
            for item in after[len(before) :]:
                yield Difference(MINOR, f"new: {_object_name(item) or _place(inner, owner)}")
        return
    for index, (a, b) in enumerate(zip(old, new, strict=False)):
        yield from _value(a, b, f"{path}[{index}]", owner, equal)
    for item in old[len(new) :]:
        yield Difference(MAJOR, f"gone: {_place(path, owner)}: {words.shown(_told(item))}")
    for item in new[len(old) :]:
        yield Difference(MINOR, f"new: {_place(path, owner)}: {words.shown(_told(item))}")
