"""Provider `context` on a cluster that was there before: asked for by name and mark, left as it was found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox import hear
from kubetalk.sandbox.context import ContextProvider
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.guard import MARK_COMMAND

from .conftest import out, quiet


@pytest.fixture
def host(settings: ProviderSettings) -> Iterator[EmbeddedSandbox]:
    """An embedded sandbox plays somebody's cluster."""
    with (
        tempfile.TemporaryDirectory(prefix="kt-live-") as folder,
        EmbeddedProvider(settings).start(SandboxRequest(nodes=1), Path(folder), quiet) as sandbox,
    ):
        yield sandbox


def test_a_cluster_is_used_only_when_marked_and_left_as_it_was(
    host: EmbeddedSandbox, settings: ProviderSettings, runs: Path
) -> None:
    named = ProviderSettings(
        "context", context="sandbox", kubeconfig=host.environment["KUBECONFIG"], binaries=settings.binaries
    )
    provider = ContextProvider(named)
    out(host, "kubectl create namespace theirs && kubectl -n theirs create deployment web --image=nginx")
    with pytest.raises(SandboxError, match="is not marked as a sandbox, so nothing is run on it"):
        provider.start(SandboxRequest(), runs, quiet)
    out(host, MARK_COMMAND)
    before = out(host, "kubectl get namespaces --output=name")
    with provider.start(SandboxRequest(), runs, quiet) as sandbox:
        hear(sandbox, out(sandbox, "kubectl create namespace ours"))
        out(sandbox, "kubectl -n ours create deployment web --image=nginx")
        out(sandbox, "kubectl -n ours rollout status deployment web --timeout=60s")
        hear(
            sandbox,
            out(sandbox, "echo '{apiVersion: v1, kind: Namespace, metadata: {name: also}}' | kubectl apply -f -"),
        )
        assert "namespace/ours" in out(host, "kubectl get namespaces --output=name")
        out(host, "kubectl create namespace meanwhile")
    assert out(host, "kubectl get namespaces --output=name meanwhile") == "namespace/meanwhile\n"
    out(host, "kubectl delete namespace meanwhile")
    assert out(host, "kubectl get namespaces --output=name") == before
    assert "web" in out(host, "kubectl -n theirs get deployments --output=name")
    out(host, "kubectl config rename-context sandbox shop-prod")
    production = ContextProvider(
        ProviderSettings(
            "context", context="shop-prod", kubeconfig=host.environment["KUBECONFIG"], binaries=settings.binaries
        )
    )
    assert "'shop-prod' in context 'shop-prod' looks like production" in production.unavailable(SandboxRequest())
