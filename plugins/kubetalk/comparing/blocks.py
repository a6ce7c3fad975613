"""Titled blocks: ``helm install/status/get all`` and everything under ``==> …`` lines.

helm.sh/helm/v4/pkg/cmd/status.go: ``KEY: value`` lines, RESOURCES in the random order of a map, NOTES as text;
get_all adds USER-SUPPLIED VALUES, COMPUTED VALUES, HOOKS and MANIFEST.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from kubetalk.comparing import masks, structured
from kubetalk.comparing.commands import Hints
from kubetalk.comparing.forms import Entry, LineKind, Lines, Part, Tree
from kubetalk.comparing.names import Names

_SECTION = re.compile(
    r"==> (?P<arrow>.+)|(?P<heading>RESOURCES|USER-SUPPLIED VALUES|COMPUTED VALUES|HOOKS|MANIFEST|NOTES):$"
)
_FIELD = re.compile(
    r"(NAME|LAST DEPLOYED|NAMESPACE|STATUS|REVISION|CHART|VERSION|APP_VERSION|DESCRIPTION|TEST SUITE"
    r"|Last Started|Last Completed|Phase):\s*(.*)"
)
_YAML = frozenset({"USER-SUPPLIED VALUES", "COMPUTED VALUES", "HOOKS", "MANIFEST"})

Segments = Callable[[list[str], Hints, Names, str], list[Part]]


def read(lines: list[str], hints: Hints, names: Names, segments: Segments) -> list[Part]:
    """The parts of a block: its fields, its sections in canonical order, its notes."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in lines:
        match = _SECTION.fullmatch(line)
        if match is not None and (match["arrow"] or not _is_text(sections[-1][0])):
            title = match["arrow"] or match["heading"]
            if title != "RESOURCES":  # only a heading above the `==>` sections
                sections.append((title, []))
        elif line.startswith("TEST SUITE: ") and not _is_text(sections[-1][0]):
            sections[0][1].append(line)  # printed after the resources
        else:
            sections[-1][1].append(line)
    parts = _fields(sections[0][1], hints, names, segments)
    titled = [(title, _section(title, body, hints, names, segments)) for title, body in sections[1:]]
    titled.sort(key=lambda pair: ("/" not in pair[0], pair[0] if "/" in pair[0] else ""))
    return parts + [part for _, found in titled for part in found]


def _is_text(title: str) -> bool:
    return title == "NOTES"


def _fields(lines: list[str], hints: Hints, names: Names, segments: Segments) -> list[Part]:
    entries, rest = [], []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            rest.append(line)
            continue
        key, raw = match[1], match[2]
        entries.append(Entry((key,), names.mask(masks.text(names.symbolise(raw), names.literals)), raw))
    parts = segments(rest, hints, names, "")
    if entries:
        release = next((entry.raw for entry in entries if entry.path == ("NAME",)), "")
        parts.append(Tree(release, tuple(entries), (), "helm"))
    return parts


def _section(title: str, body: list[str], hints: Hints, names: Names, segments: Segments) -> list[Part]:
    if title in _YAML:
        values = structured.read("\n".join(body), "yaml", hints, names, title)
        if values is not None:
            return [values]
    kind = title.rpartition("/")[2].partition("(")[0].lower() if "/" in title else ""
    inner = replace(hints, kinds=(kind,)) if kind else hints
    # Also a heading with nothing below it is something that was printed.
    return segments(body, inner, names, title) or [Lines(LineKind.TEXT, (), title=title)]
