"""How other tools compare two outputs, in our own words: whether each would call them the same."""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping

_DURATION = re.compile(r"([0-9]+[smhd])+")
_IP4 = re.compile(r"(\d{1,3}\.){3}\d{1,3}")
_PREFIX = re.compile(r"([a-zA-Z0-9_]+-)+")


def exact(expected: str, printed: str) -> bool:
    """Every character."""
    return expected == printed


def tokens(expected: str, printed: str) -> bool:
    """As istio.io's `_verify_like`: lines and words pair up, and each pair is equal or of a kind it lets vary.

    That is two durations, two IPv4 addresses, `...` in the expected text, or a common beginning that ends with a dash.
    """
    left, right = (
        [line.split() for line in text.replace("\r", "").rstrip().split("\n")] for text in (expected, printed)
    )
    return len(left) == len(right) and all(
        len(a) == len(b) and all(map(_token, a, b)) for a, b in zip(left, right, strict=True)
    )


def _token(expected: str, printed: str) -> bool:
    if expected in {printed, "..."}:
        return True
    if _DURATION.fullmatch(expected) and _DURATION.fullmatch(printed):
        return True
    if _IP4.fullmatch(expected) and _IP4.fullmatch(printed):
        return True
    length = next((i for i, (a, b) in enumerate(zip(expected, printed, strict=False)) if a != b), 0)
    prefix = expected[: expected[:length].rfind("-") + 1]
    return bool(_PREFIX.fullmatch(prefix))


def similar(expected: str, printed: str) -> bool:
    """Jaro-Winkler of at least 0.95, with the parameters of Azure's Innovation Engine (boost 0.7, prefix 4)."""
    return jaro_winkler(expected, printed) >= 0.95


def jaro_winkler(a: str, b: str) -> float:
    """The similarity of two texts, from 0 to 1."""
    if not a or not b:
        return float(a == b)
    window = max(max(len(a), len(b)) // 2 - 1, 0)
    waiting: dict[str, list[int]] = defaultdict(list)
    for position, character in enumerate(b):
        waiting[character].append(position)
    pairs = []
    for position, character in enumerate(a):
        places = waiting[character]
        index = bisect.bisect_left(places, position - window)
        if index < len(places) and places[index] <= position + window:
            pairs.append((character, places.pop(index)))
    if not pairs:
        return 0.0
    swapped = sum(x != b[y] for (x, _), y in zip(pairs, sorted(place for _, place in pairs), strict=True)) / 2
    matches = len(pairs)
    jaro = (matches / len(a) + matches / len(b) + (matches - swapped) / matches) / 3
    common = next((i for i in range(min(4, len(a), len(b))) if a[i] != b[i]), min(4, len(a), len(b)))
    return jaro + 0.1 * common * (1 - jaro) if jaro > 0.7 else jaro


OTHERS: Mapping[str, Callable[[str, str], bool]] = {
    "exact text": exact,
    "tokens (istio)": tokens,
    "similarity 0.95": similar,
}
