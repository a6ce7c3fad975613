"""What a page says about the truth of its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubetalk.model import BlockReference, DiagramBlock, LiveBlock, Origin
from kubetalk.rendering.blocks import record_of, resolve
from kubetalk.rendering.notes import provider_name, run_note, sources_of, versions_of
from kubetalk.rendering.script import script_of

if TYPE_CHECKING:
    from kubetalk.model import Rendition, Text
    from kubetalk.rendering.strings import Strings


@dataclass(frozen=True, slots=True)
class ProvenanceView:
    """The panel "About the output on this page"."""

    statement: str
    summary: tuple[str, ...]
    """The parts of the one line that a deck's title slide has room for."""
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
    """Empty for a page that shows diagrams only."""


def provenance_of(rendition: Rendition, text: Text, strings: Strings) -> ProvenanceView | None:
    """The panel of a page; None when it shows nothing that ran."""
    live = live_blocks(rendition, text)
    draws = any(isinstance(block, DiagramBlock) and not block.fence.options.hide for block in text.blocks)
    if rendition.recording is None or not (live or draws):
        return None
    provenance = rendition.recording.provenance
    key = f"provenance.{rendition.origin.value}"
    statement = strings(key if live else f"{key}_diagrams", date=strings.date(provenance.verified.date()))
    pending = has_pending(rendition, text)
    return ProvenanceView(
        statement=strings("provenance.and_diagrams", statement=statement) if live and draws else statement,
        summary=(
            *run_note(rendition.recording, rendition.origin, strings, sources_of(live), key="deck"),
            *([strings("deck.some_pending")] if pending else []),
        ),
        is_verified=rendition.origin is Origin.VERIFIED,
        moment=strings.moment(provenance.verified),
        machine_moment=provenance.verified.isoformat(timespec="seconds"),
        provider=provider_name(provenance, strings),
        simulated=provenance.simulated,
        versions=versions_of(provenance.versions, strings),
        layer=strings("provenance.layer", name=provenance.layer.name) if provenance.layer else "",
        layer_script="\n".join(provenance.layer.commands) if provenance.layer else "",
        has_pending=pending,
        script=script_of(rendition, text, strings),
    )


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
