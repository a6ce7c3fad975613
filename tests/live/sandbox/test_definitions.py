"""Kinds that have just been defined: they are established, served and removed at once."""

from __future__ import annotations

import json
from pathlib import Path

from kubetalk.sandbox.embedded import EmbeddedSandbox

from .conftest import run

GROUP = "definitions.example.org"
COUNT = 30


def definition(number: int) -> dict[str, object]:
    names = {"plural": f"things{number}", "singular": f"thing{number}", "kind": f"Thing{number}"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things{number}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def write(file: Path) -> Path:
    items = [definition(number) for number in range(COUNT)]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")
    return file


def test_a_definition_can_be_removed_before_anybody_used_it(fresh: EmbeddedSandbox, tmp_path: Path) -> None:
    """Kubernetes is refused its own list of the instances then, and one definition in a hundred stays for minutes."""
    file = write(tmp_path / "things.json")
    done = run(fresh, f"kubectl create -f {file} && kubectl delete -f {file} --timeout=30s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" deleted") == COUNT
    log = (fresh.logs() / "kube-apiserver.log").read_text(encoding="utf-8").splitlines()
    assert [line for line in log if "crd_finalizer.go" in line and " failed with: " in line] == []


def test_whoever_asks_for_a_definition_finds_it_established(fresh: EmbeddedSandbox, tmp_path: Path) -> None:
    """As soon as it is made, and with the conditions that Kubernetes gives it."""
    file = write(tmp_path / "things.json")
    done = run(fresh, f"kubectl create -f {file} >&2 && kubectl get -f {file} -o json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["items"]
    assert len(found) == COUNT
    for item in found:
        status = item["status"]
        assert [(one["type"], one["status"], one["reason"]) for one in status["conditions"]] == [
            ("NamesAccepted", "True", "NoConflicts"),
            ("Established", "True", "InitialNamesAccepted"),
        ]
        assert status["acceptedNames"]["listKind"] == f"{item['spec']['names']['kind']}List"
        assert status["storedVersions"] == ["v1"]


def test_nobody_who_reads_a_new_kind_is_sent_away(fresh: EmbeddedSandbox, tmp_path: Path) -> None:
    """Kubernetes answers 429 until the cache of the kind is filled, and clients try again after a second."""
    file = write(tmp_path / "things.json")
    paths = " ".join(f"/apis/{GROUP}/v1/things{number}" for number in range(COUNT))
    # A definition that is told is established; to serve the kind takes a moment more.
    read = f"for path in {paths}; do until kubectl get --raw $path >/dev/null 2>&1; do sleep 0.02; done; done"
    done = run(
        fresh, f"kubectl create -f {file} >&2 && kubectl get -f {file} >&2 && {read} && kubectl get --raw /metrics"
    )
    assert done.returncode == 0, done.stderr
    counts = [
        line for line in done.stdout.splitlines() if line.startswith("apiserver_request_total{") and GROUP in line
    ]
    assert len([line for line in counts if 'verb="LIST"' in line and 'code="200"' in line]) == COUNT
    assert [line for line in counts if 'code="429"' in line] == []
