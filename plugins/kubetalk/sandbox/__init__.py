"""Where commands run: throw-away clusters from one of three providers, and the binary the embedded one is made of."""

from __future__ import annotations

from kubetalk.model import Provider, Settings
from kubetalk.sandbox.controlplane import close_all
from kubetalk.sandbox.ending import end_on_sigterm
from kubetalk.sandbox.memory import affordable
from kubetalk.sandbox.pool import SandboxPool
from kubetalk.sandbox.providers import has_one_cluster, hear, make_provider

__all__ = [
    "REFUSAL",
    "Provider",
    "SandboxPool",
    "affordable",
    "close_all",
    "end_on_sigterm",
    "has_one_cluster",
    "hear",
    "provider_for",
]

REFUSAL = "this pod is simulated: no container runs in it"
"""How the embedded sandbox begins its answer to a command that only a running container could answer."""


def provider_for(settings: Settings) -> Provider:
    """The provider that the configuration names.

    Raises ConfigError for a name that is none.
    """
    return make_provider(settings.provider)
