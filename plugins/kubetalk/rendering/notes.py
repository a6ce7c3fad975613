"""What is said below a block in one line: when its commands ran, on which cluster, with which tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubetalk.model import CHART, LiveBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubetalk.model import Origin, Provenance, Recording
    from kubetalk.rendering.strings import Strings

TOOL_NAMES = {
    "kubernetes": "Kubernetes",
    "kubectl": "kubectl",
    "helm": "Helm",
    "istioctl": "istioctl",
    "istio": "Istio",
}
"""How products write themselves; any other tool keeps its key."""
SERVER, EMULATED = "kubernetes", "emulated"
"""The keys of a recording's versions for the server, and for the minor it behaves as if that is another one."""
PLAIN_PROVIDER = "embedded"


def run_note(recording: Recording, origin: Origin, strings: Strings, sources: Iterable[str], *,
             key: str = "block") -> list[str]:  # fmt: skip
    """The parts of the line for commands that were recorded; ``sources`` are their texts.

    Whatever is not the plain simulated cluster is named: the provider, and the layer the session began on. ``key``
    chooses the words of the first part.
    """
    provenance = recording.provenance
    date = strings.short_date(provenance.verified.date())
    note = [strings(f"{key}.{origin.value}", date=date)]
    note += [f"{name} {version}" for name, version in versions_of(used_tools(sources, provenance.versions), strings)]
    if provenance.provider != PLAIN_PROVIDER:
        note.append(provider_name(provenance, strings))
    if provenance.simulated:
        note.append(strings("block.simulated"))
    if provenance.layer:
        note.append(strings("block.layer", name=provenance.layer.name))
    return note


def provider_name(provenance: Provenance, strings: Strings) -> str:
    """``embedded sandbox``; a provider without words of its own keeps its name."""
    return strings.group("provenance").get(f"provider_{provenance.provider}", provenance.provider)


def versions_of(versions: Mapping[str, str], strings: Strings) -> tuple[tuple[str, str], ...]:
    """Tool and version as people write them, the server first, called by the minor that it behaves as; charts last."""
    told = {SERVER: versions[SERVER], **versions} if SERVER in versions else dict(versions)
    minor = told.pop(EMULATED, "")
    if minor and SERVER in told:
        told[SERVER] = strings("block.emulated", minor=minor, version=told[SERVER])
    return tuple(
        (_name_of(tool, strings), told[tool]) for tool in sorted(told, key=lambda tool: tool.startswith(CHART))
    )


def _name_of(tool: str, strings: Strings) -> str:
    if tool.startswith(CHART):
        return strings("provenance.chart", name=tool.removeprefix(CHART))
    return TOOL_NAMES.get(tool, tool)


def used_tools(sources: Iterable[str], versions: Mapping[str, str]) -> dict[str, str]:
    """The server's version, and those of the other tools that the commands call."""
    text = "\n".join(sources)
    return {
        tool: version
        for tool, version in versions.items()
        if tool in {SERVER, EMULATED}
        or (
            tool != "kubectl"
            and not tool.startswith(CHART)
            and re.search(rf"(?<![\w./-]){re.escape(tool)}(?![\w./-])", text)
        )
    }


def sources_of(blocks: Iterable[object]) -> list[str]:
    """The commands of the live blocks among these."""
    return [command.source for block in blocks if isinstance(block, LiveBlock) for command in block.commands]
