"""What a person is shown of two outputs: lines that say the same are told in the same words, so that a diff is news."""

from __future__ import annotations

from collections import defaultdict

from kubetalk.comparing import commands, tables, text
from kubetalk.comparing.canonicalise import canonical, clean
from kubetalk.comparing.names import Names, erase
from kubetalk.comparing.written import authors_names
from kubetalk.model import Session


def without_noise(command: str, old: str, new: str, session: Session | None = None) -> str:
    """The new output; a line that differs from an old one in ages, generated names and their like is the old one.

    With the ``session``, what its author wrote is news also where it looks like chance: a ``nodePort`` of a manifest.
    """
    waiting: dict[str, list[str]] = defaultdict(list)
    for said, line in zip(_lines(command, old, session), old.split("\n"), strict=True):
        waiting[said].append(line)
    told = []
    for said, line in zip(_lines(command, new, session), new.split("\n"), strict=True):
        told.append(waiting[said].pop(0) if waiting[said] else line)
    return "\n".join(told)


def _lines(command: str, output: str, session: Session | None) -> list[str]:
    """What each line says: cells under their header, else the line, masked, all generated names alike."""
    names = Names() if session is None else authors_names(session)
    canonical(command, output, names=names)
    hints = commands.read(command)
    foreign = not hints.tools & commands.TOOLS
    head: tables.Header | None = None
    said = []
    for number, line in enumerate(output.split("\n")):
        plain = clean(line)
        found = tables.header(plain, hints, inside=foreign or head is not None, first=number == 0)
        if found is not None:
            head = found
            said.append("\t".join(found.columns))
        elif head is not None and plain:
            said.append(erase("\t".join(tables.build(head, [plain], hints, names).rows[0].cells)))
        else:
            head = None
            said.append(erase(text.mask_line(plain, hints, names)))
    return said
