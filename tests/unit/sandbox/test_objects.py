from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.sandbox.objects import Kubectl, cluster_objects

from .conftest import FakeBinary


def crd(name: str, *, established: str = "True", **metadata: str) -> dict[str, Any]:
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{name}.example.com",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "x"},
            **metadata,
        },
        "spec": {
            "group": "example.com",
            "names": {"plural": name},
            "versions": [{"name": "v1alpha1", "served": False}, {"name": "v1", "served": True, "schema": {"big": 1}}],
        },
        "status": {"conditions": [{"type": "Established", "status": established}]},
    }


@pytest.fixture
def binary(make_binary: Callable[..., FakeBinary]) -> FakeBinary:
    return make_binary()


@pytest.fixture
def kubectl(binary: FakeBinary, tmp_path: Path) -> Kubectl:
    (binary.folder / "kubectl").symlink_to(binary.program)
    (tmp_path / "kubeconfig").touch()
    return Kubectl(binary.folder / "kubectl", tmp_path / "kubeconfig", {"PATH": "/usr/bin:/bin"})


def test_objects_of_the_authors_own_kinds_are_there(binary: FakeBinary, kubectl: Kubectl) -> None:
    crds = [crd("widgets"), crd("new", established="False"), crd("going", deletionTimestamp="2026-01-01T00:00:00Z")]
    binary.answer(["get", "namespaces,"], json.dumps({"items": crds}))
    binary.answer(["get", "widgets.v1.example.com"], json.dumps({"items": [{"kind": "Widget", "metadata": {}}]}))
    objects = cluster_objects(kubectl)
    assert [item["kind"] for item in objects] == ["CustomResourceDefinition"] * 3 + ["Widget"]
    assert objects[0]["spec"]["versions"][1] == {"name": "v1", "served": True}
    assert objects[0]["metadata"]["annotations"] == {"mine": "x"}
    asked = binary.seen()[-1]["kubectl"]
    assert asked[asked.index("get") + 1] == "widgets.v1.example.com"


def test_one_call_where_there_are_no_custom_kinds(binary: FakeBinary, kubectl: Kubectl) -> None:
    binary.answer(["get"], json.dumps({"items": []}))
    assert cluster_objects(kubectl) == ()
    assert len(binary.seen()) == 1


def test_no_secret_leaves_the_cluster(binary: FakeBinary, kubectl: Kubectl) -> None:
    applied = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data": "hunter2"}'}}
    secrets = [
        {"kind": "Secret", "metadata": {"name": "a", **applied}, "data": {"password": "hunter2"}},
        {"kind": "Secret", "metadata": {"name": "b"}},
    ]
    binary.answer(["get"], json.dumps({"items": secrets}))
    assert "hunter2" not in json.dumps(cluster_objects(kubectl))


def test_kubectls_own_words_in_the_error(binary: FakeBinary, kubectl: Kubectl) -> None:
    binary.answer(["get"], "Unable to connect to the server: EOF\nmore\n", code=1)
    with pytest.raises(SandboxError) as caught:
        cluster_objects(kubectl)
    assert caught.value.message.startswith("kubectl get namespaces,")
    assert "Unable to connect to the server: EOF" in caught.value.message
    assert caught.value.details == "more"


def test_a_kubectl_that_hangs(binary: FakeBinary, kubectl: Kubectl) -> None:
    binary.program.unlink()
    binary.program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    binary.program.chmod(0o755)
    with pytest.raises(SandboxError, match="did not end"):
        kubectl.run("get", "pods", timeout=0.2)
