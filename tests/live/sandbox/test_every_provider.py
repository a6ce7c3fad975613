"""What a session may rely on, whichever provider made the sandbox."""

from __future__ import annotations

import os
import time

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import Sandbox
from kubetalk.sandbox.api import Api
from kubetalk.sandbox.controlplane import EmbeddedSandbox
from kubetalk.sandbox.resources import Resource
from tests.support.projects import eventually

from .conftest import out, run

RBAC = "rbac.authorization.k8s.io"
WIDGET = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def test_the_first_command_works_and_the_defaults_are_there(sandbox: Sandbox) -> None:
    assert "kube-system" in out(sandbox, "kubectl get ns")
    assert "default" in out(sandbox, "kubectl get serviceaccount default")
    assert "kube-root-ca.crt" in out(sandbox, "kubectl get configmap kube-root-ca.crt")
    assert sandbox.facts.versions["kubernetes"] in out(sandbox, "kubectl version")
    assert sandbox.facts.versions["helm"] in out(sandbox, "helm version")


def test_a_deployment_becomes_ready_and_its_objects_are_seen(sandbox: Sandbox) -> None:
    out(sandbox, "kubectl create ns shop && kubectl -n shop create deployment web --image=nginx --replicas=3")
    out(sandbox, "kubectl -n shop expose deployment web --port=80 && kubectl -n shop rollout status deployment web")
    out(sandbox, "kubectl -n shop create secret generic s --from-literal=password=hunter2")
    found = [item for item in sandbox.objects() if item["metadata"].get("namespace") == "shop"]
    kinds = sorted(item["kind"] for item in found)
    assert [kinds.count(kind) for kind in ("Deployment", "ReplicaSet", "Pod", "Service")] == [1, 1, 3, 1]
    (secret,) = (item for item in found if item["kind"] == "Secret" and item["metadata"]["name"] == "s")
    assert secret["data"] == {"password": ""}
    assert all(item["apiVersion"] for item in found)


def test_objects_of_the_authors_own_kinds_are_seen(sandbox: Sandbox) -> None:
    out(sandbox, f"kubectl apply -f - <<'EOF'\n{WIDGET}\nEOF\n")
    out(sandbox, "kubectl wait --for=condition=Established crd/widgets.example.com")
    widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, spec: {size: 3}}"
    eventually(lambda: run(sandbox, f"kubectl apply -f - <<< '{widget}'").returncode == 0, 60, "no Widget")
    (found,) = (item for item in sandbox.objects() if item["kind"] == "Widget")
    assert found["spec"] == {"size": 3}
    out(sandbox, "kubectl delete crd widgets.example.com")
    assert not [item for item in sandbox.objects() if item["kind"] == "Widget"]


def test_rbac_is_real(sandbox: Sandbox) -> None:
    assert out(sandbox, "kubectl auth can-i delete nodes") == "yes\n"
    done = run(sandbox, "kubectl auth can-i delete nodes --as=system:serviceaccount:default:default")
    assert done.stdout == "no\n"
    assert done.returncode == 1


def test_helm_installs(sandbox: Sandbox) -> None:
    out(sandbox, "cd ~ && helm create demo >/dev/null && helm install demo demo --set replicaCount=2")
    assert "demo" in out(sandbox, "helm list -q")
    out(sandbox, "helm uninstall demo")


def test_a_hostile_environment_changes_nothing(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    for name in ("kubectl-hello", "kubectl", "helm", "grep"):
        (folder / name).write_text("#!/bin/sh\necho hostile\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "AWS_PROFILE", "BASH_ENV", "ENV"):
        monkeypatch.setenv(name, str(folder / "kubectl"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "kubectl"))
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    text = out(sandbox, "kubectl get ns default -o name; helm list -q; env; type -t kubectl; kubectl plugin list; true")
    assert "namespace/default" in text
    assert "hostile" not in text
    assert "AWS_" not in text
    assert run(sandbox, "kubectl plugin list").stderr == "error: unable to find any kubectl plugins in your PATH\n"
    assert run(sandbox, "kubectl hello").returncode != 0


def test_the_objects_are_those_that_kubectl_prints(sandbox: Sandbox) -> None:
    """Embedded sandboxes are asked without kubectl, and it must make no difference."""
    if isinstance(sandbox, EmbeddedSandbox):
        out(sandbox, "kubectl create ns asked && kubectl -n asked create deployment web --image=nginx --replicas=2")
        out(
            sandbox,
            "kubectl -n asked rollout status deployment web && kubectl create clusterrole r --verb=get --resource=pods",
        )
        resources = [Resource("pods"), Resource("deployments", group="apps"), Resource("clusterroles", group=RBAC)]
        selector = "kubernetes.io/bootstrapping!=rbac-defaults"
        printed = sandbox._kubectl.items(resources, selector)
        read = sandbox._reader.items(resources, selector)
        assert isinstance(sandbox._reader, Api)
        for item in read:
            item["metadata"].pop("managedFields", None)
        assert read == printed
        assert {item["kind"] for item in read} >= {"Pod", "Deployment", "ClusterRole"}


def test_the_secrets_have_their_data(sandbox: Sandbox) -> None:
    out(sandbox, "kubectl create ns hidden && kubectl create secret generic door -n hidden --from-literal=code=4711")
    (door,) = (item for item in sandbox.secrets() if item["metadata"]["name"] == "door")
    assert door["data"] == {"code": "NDcxMQ=="}


def test_reading_the_objects_is_quick(sandbox: Sandbox) -> None:
    sandbox.objects()
    begun = time.monotonic()
    count = len(sandbox.objects())
    print(f"figure objects: {count} in {time.monotonic() - begun:.2f} s, {sandbox.facts.provider}")  # noqa: T201


def test_checkpoints_where_there_are_any(sandbox: Sandbox) -> None:
    if sandbox.facts.provider == "embedded":
        sandbox.checkpoint("somewhere")
        return
    with pytest.raises(SandboxError, match="has no checkpoints"):
        sandbox.checkpoint("somewhere")
