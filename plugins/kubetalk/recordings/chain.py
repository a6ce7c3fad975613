"""The key chain (design, 4.5): what a command's output depends on, as one hash per step.

H(n) = SHA-256(H(n-1), command, options that change how it runs); files written and the sandbox's facts go in where
they take effect. How a block is shown, how it is compared, what it is called and all prose are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from kubetalk.model import BlockOptions, FileStep, RunStep, SandboxFacts, SandboxRequest, Session, StepKey

_FORMAT: Final = "kubetalk-chain-1"


def key_chain(session: Session, facts: SandboxFacts) -> Mapping[StepKey, str]:
    """The links of all commands, by (block id, index), and snapshots, by id; in the session's order, hex."""
    root = (facts.provider, facts.simulated, sorted(facts.versions.items()), facts.fingerprint)
    return _links(session, root)[0]


def content_digest(session: Session) -> str:
    """One hash of everything an author wrote that has a part in the outputs, whatever sandbox runs it.

    A recording carries it (`Recording.content`), so that a replay knows when a command or a manifest was changed since.
    """
    return _links(session, ())[1]


def _links(session: Session, root: object) -> tuple[dict[StepKey, str], str]:
    request = session.request
    link = _hash(
        _FORMAT,
        root,
        (request.kubernetes, request.nodes, request.istio, request.gateway_api, *_layer(request)),
        [(file.path, file.digest, file.executable) for file in sorted(session.files, key=lambda file: file.path)],
    )
    links: dict[StepKey, str] = {}
    for step in session.steps:
        match step:
            case RunStep():
                link = _hash(link, "run", step.command.source, _execution(step.options))
                links[step.block_id, step.index] = link
            case FileStep():
                link = _hash(link, "file", step.path, step.content)
            case _:
                # Reading the cluster changes nothing: a diagram that is added re-runs no command after it.
                links[step.id] = _hash(link, "snapshot")
    return links, link


def _layer(request: SandboxRequest) -> tuple[object, ...]:
    """Nothing for the empty cluster, whose links thus are what they were before there were layers."""
    return (request.layer.name, request.layer.commands) if request.layer else ()


def _execution(options: BlockOptions) -> tuple[object, ...]:
    """The options that can change what is printed. ``timeout`` is none: what ended in time ended in time."""
    return (options.exit, options.until, options.within if options.until else 0, options.stable, options.tty)


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
