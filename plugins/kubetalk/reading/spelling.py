"""Near misses: strict reading is only kind when an unknown word comes with the word that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """One sentence for an error's remedy: the known word nearest to ``word``, or all known words when none is near."""
    words = list(known)
    near = difflib.get_close_matches(word[:60].lower(), [item.lower() for item in words], n=1, cutoff=0.6)
    if near:
        return f"Did you mean `{next(item for item in words if item.lower() == near[0])}`?"
    if not words:
        return ""
    return "Known: " + ", ".join(f"`{item}`" for item in words) + "."
