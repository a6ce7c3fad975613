"""Layers: another sandbox begins exactly where the commands of a layer ended, and the time between did not pass."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import Layer, Location, ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from kubetalk.sandbox.layers import kept_layers
from tests.support.projects import eventually

from .conftest import out, quiet, run
from .test_checkpoints import state
from .test_every_provider import WIDGET

TOKEN = """
apiVersion: v1
kind: Secret
metadata:
  name: robot
  namespace: shop
  annotations: {kubernetes.io/service-account.name: default}
type: kubernetes.io/service-account-token
"""
REQUEST = SandboxRequest(
    nodes=2,
    layer=Layer(
        "shop",
        (
            "kubectl create ns shop && kubectl -n shop create deployment web --image=nginx --replicas=3",
            "kubectl -n shop rollout status deploy web && kubectl -n shop create role r --verb=get --resource=pods",
            f"kubectl apply -f - <<'EOF'\n{WIDGET}\nEOF",
            "kubectl wait --for=condition=Established crd/widgets.example.com",
            f"kubectl apply -f - <<'EOF'\n{TOKEN}\nEOF",
            "until kubectl -n shop get secret robot -o 'jsonpath={.data.token}' | grep -q .; do sleep 0.1; done",
            "kubectl config set-context --current --namespace=shop && echo kept > note",
            "kubectl -n shop get pods -o 'jsonpath={.items[*].metadata.uid}' > uids",
        ),
        Location("mkdocs.yml", 9),
    ),
)


@pytest.fixture(scope="module")
def provider(binaries: Path) -> EmbeddedProvider:
    return EmbeddedProvider(ProviderSettings(binaries=str(binaries)))


def moments(value: Any) -> list[dt.datetime]:
    """Every time in an object, the annotations left out."""
    if isinstance(value, dict):
        return [time for key, item in value.items() if key != "annotations" for time in moments(item)]
    if isinstance(value, list):
        return [time for item in value for time in moments(item)]
    if isinstance(value, str) and value[:2] == "20" and value[-1:] == "Z" and "T" in value:
        return [dt.datetime.fromisoformat(value)]
    return []


def test_another_sandbox_begins_where_the_commands_ended(provider: EmbeddedProvider, runs: Path) -> None:
    told: list[str] = []
    with provider.start(REQUEST, runs, told.append) as first:
        before = state(first)
        address = first.environment["KUBECONFIG"]
    assert sum("making layer shop" in line for line in told) == 1
    with provider.start(REQUEST, runs, told.append) as sandbox:
        assert sum("making layer shop" in line for line in told) == 1
        assert sandbox.environment["KUBECONFIG"] != address
        now = state(sandbox)
        assert now.keys() == before.keys()
        for key, found in now.items():
            assert (found["uid"], found["spec"], found["rules"]) == (
                before[key]["uid"],
                before[key]["spec"],
                before[key]["rules"],
            ), key
        assert out(sandbox, "kubectl get pods -o 'jsonpath={.items[*].metadata.uid}'") == out(sandbox, "cat ~/uids")
        assert out(sandbox, "cat ~/note; kubectl config view --minify -o jsonpath={..namespace}") == "kept\nshop"
        greeted = "kubectl get events -n default -o 'jsonpath={.items[*].involvedObject.name}'"
        assert out(sandbox, greeted).split() == ["sandbox-control-plane", "sandbox-worker"]
        assert_it_works(sandbox)


def assert_it_works(sandbox: EmbeddedSandbox) -> None:
    """Controllers, scheduler, kubelets, RBAC, new kinds, tokens: all under this sandbox's own authority."""
    out(sandbox, "kubectl scale deploy web --replicas=4 && kubectl rollout status deploy web --timeout=30s")
    assert run(sandbox, "kubectl auth can-i get pods --as=eve").stdout == "no\n"
    out(sandbox, "kubectl create rolebinding eve --role=r --user=eve && kubectl auth can-i get pods --as=eve")
    out(sandbox, "kubectl apply -f - <<< '{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}'")
    refused = run(sandbox, "kubectl logs deploy/web")
    assert "this pod is simulated" in refused.stderr  # the API server finds this sandbox's kubelets
    authority = "kubectl config view --raw --minify -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}'"
    kept = "kubectl get cm kube-root-ca.crt -o 'jsonpath={.data.ca\\.crt}' | base64 -w0"
    assert out(sandbox, authority) == out(sandbox, kept)
    user = (
        "kubectl --kubeconfig=/dev/null --server=$(kubectl config view -o 'jsonpath={.clusters[0].cluster.server}')"
        " --insecure-skip-tls-verify"
        " --token=$(kubectl get secret robot -o 'jsonpath={.data.token}' | base64 -d) auth whoami"
    )
    eventually(
        lambda: "system:serviceaccount:shop:default" in run(sandbox, user).stdout, 60, "the token is not renewed"
    )
    sandbox.checkpoint("on-layer")
    out(sandbox, "kubectl delete deploy web")
    sandbox.restore("on-layer")
    assert "4/4" in out(sandbox, "kubectl get deploy web")


def test_the_time_in_which_it_was_kept_did_not_pass(provider: EmbeddedProvider, runs: Path) -> None:
    """A layer that says that it was saved an hour earlier has to move on by an hour more, in every field."""
    provider.start(REQUEST, runs, quiet).close()
    (kept,) = [kept for kept in kept_layers() if kept.name == "shop"]
    path = kept.cluster / "layer.json"
    text = path.read_text(encoding="utf-8")
    about = json.loads(text)
    hour = dt.timedelta(hours=1)
    about["saved"] = (dt.datetime.fromisoformat(about["saved"]) - hour).isoformat()
    path.write_text(json.dumps(about), encoding="utf-8")
    try:
        begun = dt.datetime.now(dt.UTC)
        with provider.start(REQUEST, runs, quiet) as sandbox:
            for kind in ("pods", "deployments", "replicasets", "events", "namespaces", "crd", "roles"):
                found = moments(json.loads(out(sandbox, f"kubectl get {kind} -n shop --show-managed-fields -o json")))
                assert len(found) > 1, kind
                earliest, latest = begun + hour - dt.timedelta(minutes=5), dt.datetime.now(dt.UTC) + hour
                assert [moment for moment in found if not earliest < moment < latest] == [], kind
    finally:
        path.write_text(text, encoding="utf-8")


def test_a_damaged_layer_is_made_anew(provider: EmbeddedProvider, runs: Path) -> None:
    request = SandboxRequest(nodes=1, layer=Layer("small", ("kubectl create ns small",)))
    provider.start(request, runs, quiet).close()
    (kept,) = [kept for kept in kept_layers() if kept.name == "small"]
    snapshot = kept.cluster / "etcd.snapshot"
    os.truncate(snapshot, snapshot.stat().st_size // 2)
    with pytest.raises(SandboxError, match="was removed from the cache"):
        provider.start(request, runs, quiet)
    with provider.start(request, runs, quiet) as sandbox:
        out(sandbox, "kubectl get ns small")


def test_two_builds_at_once_make_it_once(provider: EmbeddedProvider, runs: Path) -> None:
    request = SandboxRequest(nodes=1, layer=Layer("twice", ("kubectl create ns twice",)))
    told: list[str] = []
    found: list[str] = []

    def start() -> None:
        with provider.start(request, runs, told.append) as sandbox:
            found.append(out(sandbox, "kubectl get ns twice -o name"))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["namespace/twice\n"] * 2
    assert sum("making layer twice" in line for line in told) == 1


def test_a_command_that_fails_is_shown(provider: EmbeddedProvider, runs: Path) -> None:
    layer = Layer("wrong", ("kubectl get ns default", "kubectl create deploymnet x"), Location("mkdocs.yml", 3))
    with pytest.raises(SandboxError) as caught:
        provider.start(SandboxRequest(nodes=1, layer=layer), runs, quiet)
    assert str(caught.value).startswith(
        "mkdocs.yml:3: layer wrong: `kubectl create deploymnet x` ended with exit code 1"
    )
    assert "deploymnet" in caught.value.details
