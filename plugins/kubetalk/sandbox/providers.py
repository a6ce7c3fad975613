"""From the provider's name in the configuration to the provider."""

from __future__ import annotations

from kubetalk.errors import ConfigError
from kubetalk.model import Provider, ProviderSettings, Sandbox
from kubetalk.sandbox.context import ContextProvider
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.external import ExternalSandbox
from kubetalk.sandbox.kind import KindProvider

AnySandbox = EmbeddedSandbox | ExternalSandbox


def make_provider(settings: ProviderSettings) -> EmbeddedProvider | KindProvider | ContextProvider:
    """The provider that the settings name.

    Raises ConfigError for a name that is none.
    """
    match settings.name:
        case "embedded":
            return EmbeddedProvider(settings)
        case "kind":
            return KindProvider(settings)
        case "context":
            return ContextProvider(settings)
        case unknown:
            raise ConfigError(
                f"there is no provider {unknown!r}", remedy="Set `provider: {name: …}` to embedded, kind or context"
            )


def has_one_cluster(provider: Provider) -> bool:
    """Whether all its sandboxes are on the same cluster, so that sessions have to come one after another."""
    return isinstance(provider, ContextProvider)


def hear(sandbox: Sandbox, output: str) -> None:
    """Tells a sandbox what a command of its session printed."""
    if isinstance(sandbox, ExternalSandbox):
        sandbox.hear(output)
