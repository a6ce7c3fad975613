"""``-o jsonpath`` and ``-o go-template``: which value comes from which field, so that each is masked by its key.

The grammar is client-go/util/jsonpath: text, ``{expression}``, ``{"quoted text"}``, ``{range …}…{end}``.
"""

from __future__ import annotations

import functools
import json
import re

from kubetalk.comparing.names import Names
from kubetalk.comparing.structured import mask_scalar

_PIECE = re.compile(r"\{([^{}]*)\}|([^{}]+)")
_KEY = re.compile(r"([A-Za-z_][\w-]*)\W*$")


@functools.lru_cache(maxsize=256)
def _pieces(template: str) -> tuple[tuple[str, str], ...]:
    """("key" | "text", content) in order; the borders of a range are left out."""
    found = []
    for braced, plain in _PIECE.findall(template):
        content = braced.strip()
        if plain:
            found.append(("text", plain))
        elif re.match(r"\"|'", content):
            try:
                found.append(("text", json.loads('"' + content[1:-1].replace('"', '\\"') + '"')))
            except ValueError:
                found.append(("text", content[1:-1]))
        elif content and content.split()[0] not in {"range", "end"}:
            key = _KEY.search(re.sub(r"\[[^\]]*\]", "", content))
            found.append(("key", key[1] if key else ""))
    return tuple(found)


@functools.lru_cache(maxsize=256)
def _line(template: str) -> tuple[re.Pattern[str], tuple[str, ...]] | None:
    """How one printed line is made of values, and their keys; None when the template is not that simple."""
    pattern, keys = "", []
    for kind, content in _pieces(template):
        if kind == "key":
            if pattern.endswith(")"):
                return None  # two values with nothing between them
            pattern += r"([^\t\n]*?)"
            keys.append(content)
        else:
            pattern += re.escape(content.strip("\n"))
    return (re.compile(pattern), tuple(keys)) if 0 < len(keys) <= 8 else None


def mask(line: str, template: str, kind: str, names: Names, owner: str = "") -> str | None:
    """A printed line masked value by value, or None when its values cannot be told apart.

    ``owner`` is the object asked for by name; in a list each line is about the object whose name stands in it.
    """
    shape = _line(template)
    if shape is None:
        return None
    pattern, keys = shape
    match = pattern.fullmatch(line)
    if match is None:
        return None
    owner = next((match[index] for index, key in enumerate(keys, 1) if key == "name"), owner)
    result, position = [], 0
    for index, key in enumerate(keys, 1):
        result.append(line[position : match.start(index)])
        words = re.split(r"([ ,\[\]\"]+)", match[index])
        result.append("".join(_word(key, word, kind, names, owner) for word in words))
        position = match.end(index)
    return "".join(result) + line[position:]


def _word(key: str, word: str, kind: str, names: Names, owner: str) -> str:
    if not word or not word.strip(' ,[]"'):
        return word
    if key == "name":
        known = names.know(word, kind)
        if known != word:
            return known
    if key == "nodeName":
        return names.node(names.symbolise(word), owner)
    return str(mask_scalar(key, word, names))
