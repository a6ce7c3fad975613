"""Which kubetalk this is, as far as what it ran or compared depends on it: after an upgrade all is verified again."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources

import kubetalk
from kubetalk.model import Session


@functools.cache
def engine() -> str:
    """Changes with every change of the engine that runs commands and of the rules that compare outputs."""
    found = hashlib.sha256()
    for room in ("running", "comparing"):
        # By way of the package, for to ask for the files of a room imports it, and a build may need neither.
        folder = resources.files(kubetalk) / room
        modules = [path for path in folder.iterdir() if path.name.endswith(".py")]
        for path in sorted(modules, key=lambda module: module.name):
            found.update(f"{room}/{path.name}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]


_COVERED = "commands and diagrams"
"""What a comparison covers: one that was made when it covered less is made again."""


def rules(session: Session) -> str:
    """Changes with the engine and with what the author wrote about how the outputs are compared."""
    written = [(step.block_id, step.index, repr(step.options), step.command.expectation) for step in session.commands]
    return hashlib.sha256(f"{engine()} {_COVERED} {written}".encode()).hexdigest()[:16]
