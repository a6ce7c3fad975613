"""recording.yml: read strictly, with the line of what is wrong; written only if its bytes change, and atomically."""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from kubetalk.errors import RecordingError
from kubetalk.model import BlockRecord, CommandRecord, Layer, Location, Provenance, Recording, Snapshot
from kubetalk.recordings.emit import VERSION, dump_recording

T = TypeVar("T")

_CONFLICT: Final = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)
_RECORD_AGAIN: Final = "Restore it from version control, or run `kubetalk record` for this document"

# libyaml reads ten times as fast; the wheels of PyYAML have it, a build from source may not.
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_recording(path: Path, place: str = "") -> Recording | None:
    """The recording in a file, None if there is no file; errors call the file ``place``, else by its path.

    Raises RecordingError, with the line, for conflict markers, damaged YAML, unknown or missing keys and wrong types.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(
            f"the recording cannot be read: {error}", where=place or path, remedy=_RECORD_AGAIN
        ) from error
    return parse_recording(text, place or str(path))


def save_recording(path: Path, recording: Recording) -> bool:
    """Write a recording; False if the file has these bytes already.

    The file is replaced in one step: a killed process leaves the old one or the new one.
    """
    content = dump_recording(recording).encode("utf-8")
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return False
    replace_file(path, content)
    return True


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that at every moment it has either the old or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mode = 0o644
        with contextlib.suppress(FileNotFoundError):
            mode = path.stat().st_mode & 0o777
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def parse_recording(text: str, place: str) -> Recording:
    """The recording in a text that was read from ``place``. Raises RecordingError like `load_recording`."""
    if match := _CONFLICT.search(text):
        raise RecordingError(
            f"a merge conflict was left in the recording ({match[0].strip()})",
            where=Location(place, text.count("\n", 0, match.start()) + 1),
            remedy="Take either side, then run `kubetalk record` for this document",
        )
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return _Reader(loader, place).recording(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RecordingError(
            f"the recording is no valid YAML: {error.problem}", where=Location(place, line), remedy=_RECORD_AGAIN
        ) from error
    except yaml.YAMLError as error:
        raise RecordingError(f"the recording is no valid YAML: {error}", where=place, remedy=_RECORD_AGAIN) from error
    finally:
        loader.dispose()


class _Reader:
    """From YAML nodes to a recording; nodes know their lines, plain dictionaries do not."""

    def __init__(self, loader: Any, place: str) -> None:
        self._loader = loader
        self._place = place

    def recording(self, node: yaml.Node | None) -> Recording:
        if node is None:
            raise RecordingError("the recording is empty", where=self._place, remedy=_RECORD_AGAIN)
        entries = self._mapping(
            node,
            required=("version", "document", "provenance", "blocks"),
            optional=("content", "snapshots"),
            before=self._check_version,
        )
        return Recording(
            document_id=self._scalar(entries["document"], str),
            provenance=self._provenance(entries["provenance"]),
            blocks=tuple(self._block(item) for item in self._items(entries["blocks"])),
            snapshots=tuple(self._snapshot(item) for item in self._items(entries.get("snapshots"))),
            content=self._scalar(entries["content"], str) if "content" in entries else "",
        )

    def _check_version(self, entries: Mapping[str, yaml.Node]) -> None:
        """First of all: a newer format may well have keys that are unknown here."""
        node = entries.get("version")
        if node is not None and (version := self._scalar(node, int)) != VERSION:
            raise RecordingError(
                f"the recording has format version {version}, this kubetalk reads {VERSION}",
                where=self._at(node),
                remedy="Update kubetalk",
            )

    def _provenance(self, node: yaml.Node) -> Provenance:
        entries = self._mapping(node, required=("verified", "provider", "simulated"), optional=("versions", "layer"))
        verified = self._scalar(entries["verified"], dt.datetime)
        if verified.tzinfo is None:
            verified = verified.replace(tzinfo=dt.UTC)
        return Provenance(
            verified=verified.astimezone(dt.UTC),
            provider=self._scalar(entries["provider"], str),
            simulated=self._scalar(entries["simulated"], bool),
            versions={
                tool: self._scalar(version, str)
                for tool, version in (self._entries(entries["versions"]) if "versions" in entries else {}).items()
            },
            layer=self._layer(entries["layer"]) if "layer" in entries else None,
        )

    def _layer(self, node: yaml.Node) -> Layer:
        entries = self._mapping(node, required=("name", "commands"))
        items = [self._mapping(item, required=("command",)) for item in self._items(entries["commands"])]
        return Layer(
            name=self._scalar(entries["name"], str),
            commands=tuple(self._scalar(item["command"], str) for item in items),
        )

    def _block(self, node: yaml.Node) -> BlockRecord:
        entries = self._mapping(node, required=("id", "commands"))
        return BlockRecord(
            id=self._scalar(entries["id"], str),
            commands=tuple(self._command(item) for item in self._items(entries["commands"])),
        )

    def _command(self, node: yaml.Node) -> CommandRecord:
        entries = self._mapping(node, required=("command", "exit", "output"), optional=("key",))
        return CommandRecord(
            command=self._scalar(entries["command"], str),
            output=self._scalar(entries["output"], str),
            exit_code=self._scalar(entries["exit"], int),
            key=self._scalar(entries["key"], str) if "key" in entries else "",
        )

    def _snapshot(self, node: yaml.Node) -> Snapshot:
        entries = self._mapping(node, required=("id", "objects"), optional=("key",))
        objects = []
        for item in self._items(entries["objects"]):
            if not isinstance(item, yaml.MappingNode):
                raise self._wrong(item, "an object of a snapshot is a mapping")
            objects.append(self._loader.construct_object(item, deep=True))
        return Snapshot(
            id=self._scalar(entries["id"], str),
            objects=tuple(objects),
            key=self._scalar(entries["key"], str) if "key" in entries else "",
        )

    def _mapping(
        self,
        node: yaml.Node,
        *,
        required: tuple[str, ...],
        optional: tuple[str, ...] = (),
        before: Any = None,
    ) -> dict[str, yaml.Node]:
        entries = self._entries(node)
        if before:
            before(entries)
        known = (*required, *optional)
        for key_node, (key, _) in zip((pair[0] for pair in node.value), entries.items(), strict=True):
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                meant = f"; did you mean {close[0]}?" if close else ""
                raise self._wrong(key_node, f"unknown key {key} in the recording{meant}")
        for key in required:
            if key not in entries:
                raise self._wrong(node, f"the key {key} is missing in the recording")
        return entries

    def _entries(self, node: yaml.Node) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(node, "a mapping was expected here in the recording")
        entries: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = self._scalar(key_node, str)
            if key in entries:
                raise self._wrong(key_node, f"the key {key} stands twice in the recording")
            entries[key] = value
        return entries

    def _items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self._wrong(node, "a list was expected here in the recording")
        return list(node.value)

    def _scalar(self, node: yaml.Node, kind: type[T]) -> T:
        value = self._loader.construct_object(node, deep=True) if isinstance(node, yaml.ScalarNode) else None
        if type(value) is not kind:
            raise self._wrong(node, f"{_WORDS[kind]} was expected here in the recording")
        return value

    def _wrong(self, node: yaml.Node, what: str) -> RecordingError:
        return RecordingError(what, where=self._at(node), remedy=_RECORD_AGAIN)

    def _at(self, node: yaml.Node) -> Location:
        return Location(self._place, node.start_mark.line + 1)


_WORDS: Final[dict[type, str]] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dt.datetime: "a time such as 2026-11-22T10:00:00Z",
}
