"""What changed between two JSON or YAML values: objects by kind and name, list members by name, else by place."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from kubetalk.comparing import words
from kubetalk.comparing.forms import Values
from kubetalk.comparing.matching import Equal, first_moved, grouped, same, unmatched
from kubetalk.comparing.names import erase
from kubetalk.comparing.words import MAJOR, MINOR
from kubetalk.model import Difference

_NAMING = ("name", "type", "key", "path", "mountPath", "port", "host", "context", "group")
"""Keys by which Kubernetes merges lists (patchMergeKey in core/v1/types.go), and those of kubeconfig and RBAC."""

_SETS = frozenset({
    "items", "addresses", "endpoints", "notReadyAddresses", "ingress", "podIPs", "conditions", "ownerReferences",
})  # fmt: skip


def changes(old: Values, new: Values, equal: Equal) -> Iterator[Difference]:
    """The differences of two values, or of two lists of documents."""
    before = [json.loads(document.value) for document in old.documents]
    after = [json.loads(document.value) for document in new.documents]
    if len(before) == len(after) == 1:
        yield from _value(before[0], after[0], "", _object(before[0]) or old.title, equal)
    else:
        yield from _items(before, after, "", old.title, equal, ordered=old.style == "yaml")
    if new.sorted and equal is same:
        lists = [list(itertools.chain.from_iterable(map(_members, side))) for side in (before, after)]
        yield from _moved(lists[0], lists[1], "items", "")


def _members(document: Any) -> list[Any]:
    items = document.get("items") if isinstance(document, dict) else document
    return items if isinstance(items, list) else []


def _object(value: Any) -> str:
    """``deployment web``; empty for anything but an object."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str):
        return ""
    return f"{str(value.get('kind', '')).lower()} {words.short_name(name)}".strip()


def _identity(value: Any) -> tuple[str, ...] | None:
    """What a list's member is found again by: an object's kind, namespace and name, else the key that names it."""
    if not isinstance(value, dict):
        return None
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        place = (str(value.get("kind", "")), str(metadata.get("namespace", "")), str(metadata.get("name", "")))
        return tuple(words.without_hashes(erase(part)) for part in place)
    for key in _NAMING:
        if key in value and not isinstance(value[key], dict | list):
            return (key, words.without_hashes(erase(str(value[key]))))
    return None


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _erased(value: Any) -> str:
    return erase(json.dumps(value, sort_keys=True, ensure_ascii=False))


def _place(path: str, owner: str) -> str:
    return (path or "value") + (f" of {owner}" if owner else "")


def _gone(path: str, owner: str, value: Any) -> Difference:
    return Difference(MAJOR, f"gone: {_object(value) or _place(path, owner) + ': ' + words.shown(_told(value))}")


def _new(path: str, owner: str, value: Any) -> Difference:
    return Difference(MINOR, f"new: {_object(value) or _place(path, owner) + ': ' + words.shown(_told(value))}")


def _value(old: Any, new: Any, path: str, owner: str, equal: Equal) -> Iterator[Difference]:
    if equal is same and _erased(old) == _erased(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        owner = _object(old) or owner
        prefix = f"{path}." if path and not _object(old) else ""
        for key in dict.fromkeys([*old, *new]):
            if key not in new:
                yield _gone(prefix + key, owner, old[key])
            elif key not in old:
                yield _new(prefix + key, owner, new[key])
            else:
                yield from _value(old[key], new[key], prefix + key, owner, equal)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, path, owner, equal, ordered=_is_ordered(path))
    elif old != new and not (isinstance(old, str) and isinstance(new, str) and equal(old, new)):
        texts = _told(old), _told(new)
        yield words.change(_place(path, owner), *texts, *texts, path.rpartition(".")[2])


def _is_ordered(path: str) -> bool:
    """Whether a list's order is content: what a controller fills in is not, nor what `structured` sorts."""
    keys = path.split(".")
    return keys[0] != "status" and keys[-1] not in _SETS


def _items(
    old: list[Any], new: list[Any], path: str, owner: str, equal: Equal, *, ordered: bool
) -> Iterator[Difference]:
    if all(_identity(item) is not None for item in (*old, *new)):
        groups = list(grouped(old, new, _identity).values())
        lonely = [[side[0] for side in pair if side] for pair in groups if len(pair[0]) + len(pair[1]) == 1]
        if len(groups) == len(lonely) == 2:  # one on each side: it changed what it is known by
            groups = [(old, new)]
        for everything_old, everything_new in groups:
            before, after = unmatched(everything_old, everything_new, _erased)
            identity = _identity((everything_old or everything_new)[0]) or ("",)
            named = f"{path}[{words.short_name(identity[-1])}]"
            yield from _one_by_one(before, after, named, named, owner, equal)
        if ordered and equal is same:
            yield from _moved(old, new, path, owner)
    else:
        yield from _one_by_one(old, new, path, path + "[{}]", owner, equal)


def _moved(old: list[Any], new: list[Any], path: str, owner: str) -> Iterator[Difference]:
    """That members which both lists have stand in another order now, whatever else is different."""
    moved = first_moved([*map(_identity, old)], [*map(_identity, new)])
    if moved is not None:
        told = [words.shown(words.short_name(identity[-1])) if identity else "another" for identity in moved]
        yield Difference(MAJOR, f"order of {_place(path, owner)}: {told[0]} -> {told[1]}")


def _one_by_one(
    before: list[Any], after: list[Any], path: str, member: str, owner: str, equal: Equal
) -> Iterator[Difference]:
    for index, (a, b) in enumerate(zip(before, after, strict=False)):
        yield from _value(a, b, member.replace("{}", str(index)), owner, equal)
    for item in before[len(after) :]:
        yield _gone(path, owner, item)
    for item in after[len(before) :]:
        yield _new(path, owner, item)
