"""A recording as YAML that people review: outputs as block literals, one fixed order, nothing that varies by itself.

PyYAML's emitter turns a text with blanks at a line's end (every kubectl table) into one quoted line, hence this one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from kubetalk.model import BlockRecord, CommandRecord, Provenance, Recording, Snapshot

VERSION: Final = 1
HEADER: Final = "# What `kubetalk record` saw. Review a change like one of source; do not edit by hand."

# YAML 1.1, 5.1: what may stand in a file as it is; without U+0085, U+2028 and U+2029, which its readers take for
# line breaks, and without the byte order mark.
_PRINTABLE: Final = re.compile(
    "[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
_ESCAPES: Final = {"\n": "\\n", "\\": "\\\\", '"': '\\"', "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}


def dump_recording(recording: Recording) -> str:
    """The whole file; equal recordings give equal bytes."""
    return "\n".join([HEADER, *_recording(recording)]) + "\n"


def _recording(recording: Recording) -> Iterator[str]:
    yield f"version: {VERSION}"
    yield from _entry("document", recording.document_id, "")
    if recording.content:
        yield from _entry("content", recording.content, "")
    yield "provenance:"
    yield from _provenance(recording.provenance)
    yield "blocks:" if recording.blocks else "blocks: []"
    for block in recording.blocks:
        yield from _block(block)
    if recording.snapshots:
        yield "snapshots:"
    for snapshot in recording.snapshots:
        yield from _snapshot(snapshot)


def _provenance(provenance: Provenance) -> Iterator[str]:
    verified = provenance.verified.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    yield f"  verified: {verified}"
    yield from _entry("provider", provenance.provider, "  ")
    yield f"  simulated: {str(provenance.simulated).lower()}"
    yield "  versions:" if provenance.versions else "  versions: {}"
    for tool, version in sorted(provenance.versions.items()):
        yield from _entry(_key(tool), version, "    ")
    if provenance.layer:
        yield "  layer:"
        yield from _entry("name", provenance.layer.name, "    ")
        yield "    commands:"
        for command in provenance.layer.commands:
            # Its own mapping, so that a command is written as those of blocks are.
            yield from _item(_entry("command", command, ""), "      ")


def _block(block: BlockRecord) -> Iterator[str]:
    yield from _item(_entry("id", block.id, ""), "  ")
    yield "    commands:" if block.commands else "    commands: []"
    for command in block.commands:
        yield from _item(_command(command), "      ")


def _command(command: CommandRecord) -> Iterator[str]:
    yield from _entry("command", command.command, "")
    yield f"exit: {command.exit_code}"
    if command.key:
        yield from _entry("key", command.key, "")
    yield from _entry("output", command.output, "", literal=True)


def _snapshot(snapshot: Snapshot) -> Iterator[str]:
    yield from _item(_entry("id", snapshot.id, ""), "  ")
    if snapshot.key:
        yield from _entry("key", snapshot.key, "    ")
    yield "    objects:" if snapshot.objects else "    objects: []"
    if snapshot.objects:
        # Flow style for the innermost collections: compact, and a changed port is still one line of diff.
        text = yaml.dump(
            [plain(found) for found in snapshot.objects],
            Dumper=_ObjectDumper,
            default_flow_style=None,
            allow_unicode=True,
            width=10**9,
            sort_keys=True,
        )
        yield from (f"      {row}" for row in text.rstrip("\n").split("\n"))


class _ObjectDumper(yaml.SafeDumper):
    """Quotes what readers of YAML 1.1 take for a line break; PyYAML writes U+0085 as it is."""

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if not _PRINTABLE.fullmatch(scalar):
            analysis.allow_flow_plain = analysis.allow_block_plain = False
            analysis.allow_single_quoted = analysis.allow_block = False
        return analysis

    def ignore_aliases(self, _data: Any) -> bool:
        """An object that stands twice is written twice: a reviewer must not look up anchors."""
        return True


def plain(value: Any) -> Any:
    """The same data in dicts and lists only, as PyYAML and json want it."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def _item(rows: Iterator[str], indent: str) -> Iterator[str]:
    """The rows of a mapping as an item of a list."""
    lead = f"{indent}- "
    for row in rows:
        yield f"{lead}{row}" if row else row
        lead = f"{indent}  "


def _entry(key: str, text: str, indent: str, *, literal: bool = False) -> Iterator[str]:
    """``key: text`` in the most readable form that keeps every byte."""
    if not literal and _is_plain(text):
        yield f"{indent}{key}: {text}"
    elif text.strip() and _PRINTABLE.fullmatch(text):
        yield from _literal(key, text, indent)
    else:
        yield from _quoted(key, text, indent)


def _key(text: str) -> str:
    return text if _is_plain(text) else f'"{_escaped(text)}"'


def _is_plain(text: str) -> bool:
    """Whether YAML reads an unquoted text as just that text."""
    if "\n" in text or not text or not _PRINTABLE.fullmatch(text):
        return False
    try:
        return bool(yaml.safe_load(f"- {text}: {text}") == [{text: text}])
    except yaml.YAMLError:
        return False


def _literal(key: str, text: str, indent: str) -> Iterator[str]:
    # Leading blanks would be taken for indentation: the indicator says how much of it there is.
    indicator = "2" if text[0] in " \t\n" else ""
    body = text.rstrip("\n")
    ending = len(text) - len(body)
    chomping = {0: "-", 1: ""}.get(ending, "+")
    yield f"{indent}{key}: |{indicator}{chomping}"
    for row in body.split("\n"):
        yield f"{indent}  {row}" if row else ""
    yield from [""] * (ending - 1)


def _quoted(key: str, text: str, indent: str) -> Iterator[str]:
    """Double-quoted, one line of the text per line of the file."""
    first, *rest = text.split("\n")
    if not rest:
        yield f'{indent}{key}: "{_escaped(text)}"'
        return
    yield f'{indent}{key}: "\\'
    rows = [first, *rest]
    for row in rows[:-1]:
        yield f"{indent}  {_guarded(_escaped(row))}\\n\\"
    yield f'{indent}  {_guarded(_escaped(rows[-1]))}"'


def _guarded(row: str) -> str:
    """Blanks at the start of a continued line are YAML's unless they are escaped."""
    return f"\\{row}" if row.startswith(" ") else row


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(character) or (character if _PRINTABLE.fullmatch(character) else _code(character))
        for character in text
    )


def _code(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
