"""The cell rules that tables, descriptions and structured output share."""

from __future__ import annotations

import re

from kubetalk.comparing import masks
from kubetalk.comparing.names import Names

_ASSIGNED = re.compile(r"^(Successfully assigned (?:[^\s/]+/)?(\S+) to )(\S+)$")
_PULLED = re.compile(r"(?:(?<= in )|(?<=\())(?:\d+(?:\.\d+)?(?:h|m|s|ms|µs))+(?= \(| including waiting\))")


def addresses(cell: str) -> str:
    """Addresses by class; ``None``, ``<none>``, ``<pending>`` and host names stay (printers.go, printService)."""
    if not cell or cell[0] == "<" or cell == "None":
        return cell
    pieces = []
    for piece in cell.split(","):
        host, bracket, port = piece.rpartition(":") if piece.count(":") == 1 else (piece, "", "")
        clipped = piece.endswith("...")  # loadBalancerStatusStringer cuts at 16 characters
        found = masks.ip_class(host if bracket else piece)
        if not found and clipped and re.fullmatch(r"[\d.]*", piece) and "." in piece[:-3]:
            found = masks.IP4
        pieces.append((found + bracket + port) if found else piece)
    return ",".join(pieces)


def message(text: str, names: Names) -> str:
    """An event's message: which node the scheduler took is chance, and how long the kubelet pulled.

    Sources: pkg/scheduler/schedule_one.go, pkg/kubelet/images/image_manager.go.
    """
    if text.startswith("Successfully pulled image"):
        return _PULLED.sub(masks.DURATION, text)
    return _ASSIGNED.sub(lambda match: match[1] + names.node(match[3], match[2]), text)
