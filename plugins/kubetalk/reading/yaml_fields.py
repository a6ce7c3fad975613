"""Typed fields of our YAML files: one table serves the strict reader (with line numbers) and the published JSON Schema.

Scalars are read from their source text, not from YAML's idea of them, so that ``kubernetes: 1.30`` stays ``1.30`` and a
language called ``no`` stays a word.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import yaml

from kubetalk.errors import ContentError, KubetalkError
from kubetalk.model import Location, SandboxRequest
from kubetalk.reading.spelling import did_you_mean

T_co = TypeVar("T_co", covariant=True)

LANGUAGE = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"
"""A BCP 47 tag as far as a site needs it: ``ja``, ``pt-BR``, ``zh-Hant``."""
SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
_DATE = r"\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Where a field is read: the file, the languages a text may be given in, and the list that collects problems."""

    path: str
    languages: tuple[str, ...] = ()
    errors: list[KubetalkError] = field(default_factory=list)
    layers: Mapping[str, SandboxRequest] = field(default_factory=dict)
    """What mkdocs.yml defines under ``layers``."""

    def at(self, node: yaml.Node) -> Location:
        """The node's place."""
        return Location(self.path, node.start_mark.line + 1)

    def error(self, node: yaml.Node, message: str, remedy: str = "") -> None:
        """Note one problem."""
        self.errors.append(ContentError(message, where=self.at(node), remedy=remedy))


def compose(source: str, reader: Reader) -> yaml.Node | None:
    """The node tree of a YAML text, None if it is empty or not YAML (which is noted as a problem)."""
    try:
        return yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Location(reader.path, mark.line + 1 if mark else 0)
        told = ", ".join(part for part in (error.context, error.problem) if part)
        reader.errors.append(ContentError(f"not valid YAML: {told}", where=where))
    except yaml.YAMLError as error:
        reader.errors.append(ContentError(f"not valid YAML: {error}", where=Location(reader.path)))
    except RecursionError:
        reader.errors.append(ContentError("YAML nested too deeply", where=Location(reader.path)))
    return None


def kind_of(node: yaml.Node) -> str:
    """What a node is, in an author's words."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag.endswith(":null"):
        return "empty"
    return f"`{node.value}`"


class Field(ABC, Generic[T_co]):
    """One kind of value."""

    @abstractmethod
    def read(self, node: yaml.Node, reader: Reader, name: str) -> T_co | None:
        """The value, or None after noting why there is none. ``name`` is the key as the author knows it."""

    @abstractmethod
    def schema(self) -> dict[str, object]:
        """The same rule as JSON Schema (draft 2020-12)."""


def _scalar(node: yaml.Node, reader: Reader, name: str, wanted: str) -> str | None:
    if isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":null") and node.value.strip():
        return str(node.value)
    reader.error(node, f"`{name}` is {kind_of(node)}, it has to be {wanted}")
    return None


_CJK = "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
_FOLDED_CJK = re.compile(f"(?<=[{_CJK}]) (?=[{_CJK}])|(?<=[\u3001\u3002\uff01\uff0c\uff1f]) ")


@dataclass(frozen=True)
class Words(Field[str]):
    """One line or paragraph of text, optionally of a certain form."""

    pattern: str = ""
    wanted: str = "text"
    examples: tuple[str, ...] = ()

    def read(self, node: yaml.Node, reader: Reader, name: str) -> str | None:
        """The text, stripped."""
        value = _scalar(node, reader, name, self.wanted)
        if value is None:
            return None
        # YAML folds a line break into a blank, which Japanese text must not have (CSS Text 3, segment break rules).
        value = _FOLDED_CJK.sub("", value.strip()) if node.start_mark.line != node.end_mark.line else value.strip()
        if self.pattern and not re.fullmatch(self.pattern, value):
            reader.error(node, f"`{name}` is `{value}`, it has to be {self.wanted}")
            return None
        return value

    def schema(self) -> dict[str, object]:
        """A string."""
        rule: dict[str, object] = {"type": "string", "minLength": 1}
        if self.pattern:
            rule["pattern"] = f"^({self.pattern})$"
        if self.examples:
            rule["examples"] = list(self.examples)
        return rule


@dataclass(frozen=True)
class LocalWords(Field[Mapping[str, str]]):
    """A text for all languages, or a mapping of language to text."""

    def read(self, node: yaml.Node, reader: Reader, name: str) -> Mapping[str, str] | None:
        """Language to text; a plain text counts for every language."""
        if not isinstance(node, yaml.MappingNode):
            text = Words(wanted="text, or one text per language").read(node, reader, name)
            return None if text is None else dict.fromkeys(reader.languages, text)
        found: dict[str, str] = {}
        for key_node, value in _pairs(node, reader, name):
            language = str(key_node.value)
            if language not in reader.languages:
                message = f"`{name}` has a text in `{language}`, which is not a language of this site"
                reader.error(key_node, message, did_you_mean(language, reader.languages))
            elif (text := Words().read(value, reader, f"{name}.{language}")) is not None:
                found[language] = text
        return found

    def schema(self) -> dict[str, object]:
        """A string or an object of strings."""
        text = Words().schema()
        return {
            "oneOf": [
                text,
                {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"pattern": f"^{LANGUAGE}$"},
                    "additionalProperties": text,
                },
            ]
        }


@dataclass(frozen=True)
class Date(Field[dt.date]):
    """A day, ``2026-11-20``."""

    def read(self, node: yaml.Node, reader: Reader, name: str) -> dt.date | None:
        """The day."""
        value = _scalar(node, reader, name, "a day such as `2026-11-20`")
        if value is None:
            return None
        day = parse_date(value)
        if day is None:
            reader.error(node, f"`{name}` is `{value}`, it has to be a day such as `2026-11-20`")
        return day

    def schema(self) -> dict[str, object]:
        """A date string."""
        return {"type": "string", "format": "date", "pattern": f"^{_DATE}$"}


def parse_date(value: str) -> dt.date | None:
    """The day that ``YYYY-MM-DD`` means, None for anything else."""
    if not re.fullmatch(_DATE, value.strip(), re.ASCII):
        return None
    try:
        return dt.date.fromisoformat(value.strip())
    except ValueError:
        return None


@dataclass(frozen=True)
class Flag(Field[bool]):
    """``true`` or ``false``."""

    def read(self, node: yaml.Node, reader: Reader, name: str) -> bool | None:
        """The truth value; YAML 1.1's ``yes`` and ``on`` are refused because editors and people disagree about them."""
        value = _scalar(node, reader, name, "`true` or `false`")
        if value is None:
            return None
        if value not in {"true", "false"}:
            reader.error(node, f"`{name}` is `{value}`, it has to be `true` or `false`")
            return None
        return value == "true"

    def schema(self) -> dict[str, object]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole(Field[int]):
    """A whole number within bounds."""

    least: int
    most: int

    def read(self, node: yaml.Node, reader: Reader, name: str) -> int | None:
        """The number."""
        wanted = f"a whole number from {self.least} to {self.most}"
        value = _scalar(node, reader, name, wanted)
        if value is None:
            return None
        if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not self.least <= int(value) <= self.most:
            reader.error(node, f"`{name}` is `{value}`, it has to be {wanted}")
            return None
        return int(value)

    def schema(self) -> dict[str, object]:
        """An integer."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Choice(Field[str]):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: yaml.Node, reader: Reader, name: str) -> str | None:
        """The word."""
        wanted = " or ".join(f"`{word}`" for word in self.words)
        value = _scalar(node, reader, name, wanted)
        if value is None:
            return None
        if value not in self.words:
            reader.error(node, f"`{name}` is `{value}`, it has to be {wanted}", _or_leave_out(self.words))
            return None
        return value

    def schema(self) -> dict[str, object]:
        """An enumeration."""
        return {"enum": list(self.words)}


def _or_leave_out(words: tuple[str, ...]) -> str:
    return "Leave the key out if you do not want it." if len(words) == 1 else ""


@dataclass(frozen=True)
class ListOf(Field[tuple[tuple[T_co, yaml.Node], ...]]):
    """A list; each value comes with its node, so that later checks can name its line."""

    item: Field[T_co]

    def read(self, node: yaml.Node, reader: Reader, name: str) -> tuple[tuple[T_co, yaml.Node], ...] | None:
        """The values that could be read."""
        if not isinstance(node, yaml.SequenceNode):
            reader.error(node, f"`{name}` is {kind_of(node)}, it has to be a list")
            return None
        values = [(self.item.read(child, reader, f"{name}[{place}]"), child) for place, child in enumerate(node.value)]
        return tuple((value, child) for value, child in values if value is not None)

    def schema(self) -> dict[str, object]:
        """An array."""
        return {"type": "array", "items": self.item.schema(), "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table."""

    field: Field[object]
    description: str
    required: bool = False


@dataclass(frozen=True)
class Table(Field[T_co]):
    """A mapping with known keys; ``build`` makes the value from what could be read."""

    keys: Mapping[str, Key]
    build: Callable[[Values], T_co | None]

    def read(self, node: yaml.Node, reader: Reader, name: str) -> T_co | None:
        """The built value."""
        if not isinstance(node, yaml.MappingNode):
            wanted = "a mapping with " + ", ".join(f"`{key}`" for key in self.keys)
            reader.error(node, f"{f'`{name}`' if name else 'the file'} is {kind_of(node)}, it has to be {wanted}")
            return None
        nodes: dict[str, yaml.Node] = {}
        for key_node, value in _pairs(node, reader, name):
            key = str(key_node.value)
            if key in self.keys:
                nodes[key] = value
            else:
                place = f" in `{name}`" if name else ""
                reader.error(key_node, f"unknown key `{key}`{place}", did_you_mean(key, self.keys))
        for key, rule in self.keys.items():
            if rule.required and key not in nodes:
                place = f"`{name}`" if name else "the file"
                reader.error(node, f"{place} has no `{key}`", f"Add `{key}`: {rule.description}.")
        return self.build(Values(node, nodes, reader, name))

    def schema(self) -> dict[str, object]:
        """An object."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [key for key, rule in self.keys.items() if rule.required],
            "properties": {
                key: {**rule.field.schema(), "description": rule.description} for key, rule in self.keys.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Values:
    """The nodes of a table, read on demand with the field they were declared with."""

    node: yaml.Node
    nodes: Mapping[str, yaml.Node]
    reader: Reader
    name: str

    def get(self, key: str, rule: Field[T_co]) -> T_co | None:
        """The value of a key, None if it is not there or wrong (then a problem was noted)."""
        node = self.nodes.get(key)
        return None if node is None else rule.read(node, self.reader, f"{self.name}.{key}" if self.name else key)


def _pairs(node: yaml.MappingNode, reader: Reader, name: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """Key and value of a mapping; a key that comes twice is a problem, YAML itself would silently take the last."""
    seen: dict[str, yaml.Node] = {}
    pairs = []
    for key_node, value in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            reader.error(key_node, f"a key is {kind_of(key_node)}, it has to be a word")
            continue
        key = str(key_node.value)
        if key in seen:
            first = seen[key].start_mark.line + 1
            reader.error(key_node, f"`{f'{name}.{key}' if name else key}` was already given in line {first}")
            continue
        seen[key] = key_node
        pairs.append((key_node, value))
    return pairs
