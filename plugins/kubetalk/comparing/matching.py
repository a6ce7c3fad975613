"""Which members of two multisets belong together: equal ones first, then the ones that differ least."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from typing import TypeVar

from kubetalk.comparing.names import erase

T = TypeVar("T")
Equal = Callable[[str, str], bool]
"""Whether a canonical text (of the author or the old recording) and a printed one say the same."""

_MOST_PAIRS = 2500


def same(old: str, new: str) -> bool:
    """Equal but for which generated name stands there."""
    return old == new or erase(old) == erase(new)


def grouped(old: list[T], new: list[T], key: Callable[[T], Hashable]) -> dict[Hashable, tuple[list[T], list[T]]]:
    """Both sides by key, in the order of first appearance."""
    groups: dict[Hashable, tuple[list[T], list[T]]] = defaultdict(lambda: ([], []))
    for side, items in enumerate((old, new)):
        for item in items:
            groups[key(item)][side].append(item)
    return groups


def unmatched(
    old: list[T], new: list[T], key: Callable[[T], Hashable], fits: Callable[[T, T], bool] | None = None
) -> tuple[list[T], list[T]]:
    """Both sides without the members that have an equal on the other: by key, or by ``fits`` if there are wildcards."""
    if fits is None:
        keys = [key(item) for item in old], [key(item) for item in new]
        common = Counter(keys[0]) & Counter(keys[1])
        return _beyond(old, keys[0], common), _beyond(new, keys[1], common)
    left_over = list(new)
    rest = []
    for item in old:
        index = next((i for i, other in enumerate(left_over) if fits(item, other)), None)
        if index is None:
            rest.append(item)
        else:
            left_over.pop(index)
    return rest, left_over


def _beyond(items: list[T], keys: list[Hashable], common: Counter[Hashable]) -> list[T]:
    """The members that are left when the first ones of every common key are taken out."""
    left = Counter(common)
    rest = []
    for item, key in zip(items, keys, strict=True):
        if left[key] > 0:
            left[key] -= 1
        else:
            rest.append(item)
    return rest


def first_moved(old: list[T], new: list[T]) -> tuple[T, T] | None:
    """What both sides have, told apart by order: the first member that is another one now; None in the same order.

    A member that stands more often on one side says nothing: which of its places is the added one cannot be known.
    """
    counts = Counter(old), Counter(new)
    common = Counter({item: count for item, count in counts[0].items() if count == counts[1][item]})
    for a, b in zip(shared(old, common), shared(new, common), strict=True):
        if a != b:
            return a, b
    return None


def shared(items: list[T], common: Counter[T]) -> list[T]:
    """The members that the other side has too, in their order."""
    left = Counter(common)
    kept = []
    for item in items:
        if left[item] > 0:
            left[item] -= 1
            kept.append(item)
    return kept


def take_closest(old: list[T], new: list[T], distance: Callable[[T, T], int]) -> tuple[T, T]:
    """Takes the pair that differs least out of both lists; out of very many simply the first ones."""
    if len(old) * len(new) > _MOST_PAIRS:
        return old.pop(0), new.pop(0)
    _, i, j = min((distance(a, b), i, j) for i, a in enumerate(old) for j, b in enumerate(new))
    return old.pop(i), new.pop(j)
