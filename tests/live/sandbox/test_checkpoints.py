"""A restore is exact: everything that was there is there again as it was, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kubetalk.sandbox.embedded import EmbeddedSandbox
from tests.support.projects import eventually

from .conftest import out, run
from .test_every_provider import WIDGET

# Moments of their own: the control plane writes these again as it starts.
_KINDS_OF_THE_RUNNING = {"Node", "Lease"}


def state(sandbox: EmbeddedSandbox) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every object with what makes it that object and not another of the same name."""
    return {
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): {
            "uid": item["metadata"]["uid"],
            "created": item["metadata"]["creationTimestamp"],
            "spec": item.get("spec"),
            "rules": item.get("rules"),
            "data": item.get("data"),
        }
        for item in sandbox.objects()
        if item["kind"] not in _KINDS_OF_THE_RUNNING
    }


def prepare(sandbox: EmbeddedSandbox) -> None:
    out(sandbox, "kubectl create ns shop && kubectl -n shop create deployment web --image=nginx --replicas=2")
    out(
        sandbox, "kubectl -n shop create role r --verb=get --resource=pods && kubectl -n shop rollout status deploy web"
    )
    out(
        sandbox,
        f"kubectl apply -f - <<'EOF'\n{WIDGET}\nEOF\nkubectl wait --for=condition=Established crd/widgets.example.com",
    )
    out(sandbox, "kubectl config set-context --current --namespace=shop && echo kept > ~/note")
    # What is still to come of the above (endpoint slices, conditions) must not come after the checkpoint.
    before = state(sandbox)
    for _ in range(150):
        time.sleep(0.2)
        now = state(sandbox)
        if now == before:
            return
        before = now
    pytest.fail("the cluster does not come to rest")


def test_restore_is_exact_and_again(fresh: EmbeddedSandbox) -> None:
    prepare(fresh)
    begun = time.monotonic()
    fresh.checkpoint("one")
    saved = time.monotonic() - begun
    before = state(fresh)
    for number in range(2):
        out(fresh, "kubectl delete ns shop --wait=false; kubectl delete crd widgets.example.com; rm ~/note")
        out(fresh, f"kubectl create ns later-{number} && kubectl config set-context --current --namespace=default")
        begun = time.monotonic()
        fresh.restore("one")
        restored = time.monotonic() - begun
        assert state(fresh) == before
        assert out(fresh, "cat ~/note; kubectl config view --minify -o jsonpath={..namespace}") == "kept\nshop"
        # Controllers, scheduler and kwok act again, and the kind that was deleted works.
        out(
            fresh,
            f"kubectl create deployment again-{number} --image=nginx && kubectl rollout status deploy again-{number}",
        )
        out(fresh, f"kubectl delete deployment again-{number}")
        widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}"
        eventually(lambda: run(fresh, f"kubectl apply -f - <<< '{widget}'").returncode == 0, 60, "no Widget")  # noqa: B023
        print(f"figure checkpoint {saved:.2f} s, restore {restored:.2f} s")  # noqa: T201
        fresh.restore("one")
        assert state(fresh) == before


def test_two_checkpoints(fresh: EmbeddedSandbox) -> None:
    fresh.checkpoint("empty")
    out(fresh, "kubectl create ns shop")
    fresh.checkpoint("shop")
    assert fresh.status()["checkpoints"] == ["empty", "shop"]
    fresh.restore("empty")
    assert "shop" not in out(fresh, "kubectl get ns")
    fresh.restore("shop")
    assert "shop" in out(fresh, "kubectl get ns")
    fresh.forget("empty")
    assert fresh.status()["checkpoints"] == ["shop"]
