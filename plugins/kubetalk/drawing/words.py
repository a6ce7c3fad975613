"""The interface texts of one language, looked up under ``diagram.``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Texts of a language: ``words("say.ready", object=…, ready=2, desired=3)``."""

    language: str
    strings: Mapping[str, str]

    def __call__(self, key: str, **fields: object) -> str:
        """The text, its fields filled in. Raises KeyError for a text the theme does not have."""
        text = self.strings[f"diagram.{key}"]
        return text.format(**fields) if fields else text

    def counted(self, key: str, count: int, **fields: object) -> str:
        """The singular or plural of a text; languages without one give the same twice."""
        return self(f"{key}.{'one' if count == 1 else 'other'}", count=count, **fields)

    def together(self, sentences: Sequence[str]) -> str:
        """Sentences as one text, joined as the language does it."""
        if not sentences:
            return ""
        return functools.reduce(lambda one, other: self("say.both", one=one, other=other), sentences)
