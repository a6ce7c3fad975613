"""What a page says about the truth of its outputs, and the script of all its commands."""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubetalk.model import CHART, BlockReference, FileBlock, LiveBlock, Origin
from kubetalk.rendering.blocks import TOOL_NAMES, record_of, resolve

if TYPE_CHECKING:
    from kubetalk.model import Rendition, Text
    from kubetalk.rendering.strings import Strings


@dataclass(frozen=True, slots=True)
class ProvenanceView:
    """The panel "About the output on this page"."""

    statement: str
    is_verified: bool
    moment: str
    machine_moment: str
    """ISO 8601, for `<time datetime>`."""
    provider: str
    simulated: bool
    versions: tuple[tuple[str, str], ...]
    layer: str
    """What was done in the cluster before the first command, in words; empty if nothing was."""
    layer_script: str
    has_pending: bool
    script: str


def provenance_of(rendition: Rendition, text: Text, strings: Strings) -> ProvenanceView | None:
    """The panel of a page; None when it shows nothing that ran."""
    if rendition.recording is None or not live_blocks(rendition, text):
        return None
    provenance = rendition.recording.provenance
    is_verified = rendition.origin is Origin.VERIFIED
    key = "provenance.verified" if is_verified else "provenance.recorded"
    return ProvenanceView(
        statement=strings(key, date=strings.date(provenance.verified.date())),
        is_verified=is_verified,
        moment=strings.moment(provenance.verified),
        machine_moment=provenance.verified.isoformat(timespec="seconds"),
        provider=strings.group("provenance").get(f"provider_{provenance.provider}", provenance.provider),
        simulated=provenance.simulated,
        versions=tuple(
            (_name_of(tool, strings), version)
            for tool, version in sorted(provenance.versions.items(), key=lambda item: item[0].startswith(CHART))
        ),
        layer=strings("provenance.layer", name=provenance.layer.name) if provenance.layer else "",
        layer_script="\n".join(provenance.layer.commands) if provenance.layer else "",
        has_pending=has_pending(rendition, text),
        script=script_of(rendition, text),
    )


def _name_of(tool: str, strings: Strings) -> str:
    """As people write it."""
    if tool.startswith(CHART):
        return strings("provenance.chart", name=tool.removeprefix(CHART))
    return TOOL_NAMES.get(tool, tool)


def live_blocks(rendition: Rendition, text: Text) -> tuple[LiveBlock, ...]:
    """The live blocks a text shows, its references followed, each once."""
    found: dict[str, LiveBlock] = {}
    for block in text.blocks:
        target = resolve(block, rendition) if isinstance(block, BlockReference) else block
        if isinstance(target, LiveBlock):
            found.setdefault(target.id, target)
    return tuple(found.values())


def has_pending(rendition: Rendition, text: Text) -> bool:
    """Whether some shown command has no record of its own."""
    recording = rendition.recording
    for block in live_blocks(rendition, text):
        record = recording.block(block.id) if recording else None
        records = record.commands if record else ()
        if any(record_of(command, records, index) is None for index, command in enumerate(block.commands)):
            return True
    return False


def script_of(rendition: Rendition, text: Text) -> str:
    """Everything the page runs as one Bash script, in its order: hidden commands too, and files as heredocs.

    What its layer was made with comes first, for whoever runs it begins with an empty cluster.
    """
    parts = ["#!/usr/bin/env bash"]
    if rendition.recording and rendition.recording.provenance.layer:
        parts += rendition.recording.provenance.layer.commands
    seen: set[str] = set()
    for block in text.blocks:
        target = resolve(block, rendition) if isinstance(block, BlockReference) else block
        if isinstance(target, FileBlock):
            parts.append(file_as_heredoc(target))
        elif isinstance(target, LiveBlock) and target.id not in seen:
            seen.add(target.id)
            parts += [command.source for command in target.commands]
    return "\n".join(parts) + "\n"


def file_as_heredoc(block: FileBlock) -> str:
    """Commands that write a file block, with a delimiter that its content does not hold."""
    delimiter = "EOF"
    while delimiter in block.content.split("\n"):
        delimiter += "_"
    folder = posixpath.dirname(block.path)
    make = f"mkdir -p {shlex.quote(folder)}\n" if folder else ""
    content = block.content if block.content.endswith("\n") or not block.content else block.content + "\n"
    return f"{make}cat > {shlex.quote(block.path)} <<'{delimiter}'\n{content}{delimiter}"
