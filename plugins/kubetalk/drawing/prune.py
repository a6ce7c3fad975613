"""Raw API objects -> the objects of a snapshot: what a diagram needs, nothing volatile, nothing secret.

Pods, and the ReplicaSets and Jobs between them and their workload, are folded into that workload as counts; what is
kept of each kind stands in `fields`, what is left out altogether in `noise`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kubetalk.drawing.fields import keep, pod_facts, pod_spec_of
from kubetalk.drawing.kinds import group_of
from kubetalk.drawing.noise import is_noise

Object = Mapping[str, Any]

_FOLDED = frozenset({"Pod", "ReplicaSet", "Job"})
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"})


def prune(objects: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """What a recording may hold of a cluster's state, sorted by apiVersion, kind, namespace and name.

    Takes the items of `kubectl get -o json` (Lists are opened) in any order. Equal cluster state gives equal results:
    no Secret data, env values, annotations, managedFields, uids, resource versions, timestamps, IPs, node ports or
    generated names are left in. The result keeps the Kubernetes shape (``apiVersion``, ``kind``, ``metadata`` with
    ``name``, ``namespace``, ``ownerReferences`` without uids; ``spec``; ``status``). A workload's ``spec`` holds
    ``labels`` of its pods, ``containers`` (name, image), ``initContainers`` and ``uses`` (kind to names); its
    ``status`` holds ``desired``, ``ready``, ``pods`` and ``injected`` (container name to the number of pods that
    carry it without the template saying so).
    """
    items = {_uid(item): item for item in _unpacked(objects)}
    by_uid = {uid: item for item in items.values() if (uid := str(item.get("metadata", {}).get("uid", "")))}
    by_name = {_key(item): item for item in items.values()}
    folded: dict[tuple[str, ...], list[Object]] = {}
    kept: list[Object] = []
    for item in items.values():
        root = _root(item, by_uid, by_name)
        if root is item:
            kept.append(item)
        if root is not item or item["kind"] == "Pod":
            folded.setdefault(_key(root), []).append(item)
    authors = [item for item in kept if not is_noise(item)]
    inhabited = {str(item["metadata"].get("namespace", "")) for item in authors}
    result: dict[tuple[str, ...], Object] = {}
    for item in authors:
        if item["kind"] == "Namespace" and is_noise(item, inhabited=inhabited):
            continue
        pruned = keep(item, _owners(item, by_uid, by_name))
        if pruned is None:
            continue
        mine = folded.get(_key(item), [])
        if item["kind"] in _WORKLOADS or mine:
            pruned = _with_pods(pruned, item, mine)
        previous = result.get(_key(pruned))
        # The same object read through two versions of its API counts once; which one must not depend on the order.
        if previous is None or str(previous["apiVersion"]) < str(pruned["apiVersion"]):
            result[_key(pruned)] = pruned
    return tuple(sorted(result.values(), key=_order))


def _unpacked(objects: Iterable[Object]) -> Iterator[Object]:
    for item in objects:
        if "items" in item and str(item.get("kind", "")).endswith("List"):
            yield from _unpacked(item["items"])
        elif item.get("kind") and item.get("metadata", {}).get("name"):
            yield item


def _key(item: Object) -> tuple[str, ...]:
    metadata = item["metadata"]
    return (group_of(str(item.get("apiVersion", ""))), item["kind"], metadata.get("namespace") or "", metadata["name"])


def _uid(item: Object) -> tuple[str, ...]:
    return (str(item.get("apiVersion", "")), *_key(item))


def _order(item: Object) -> tuple[str, ...]:
    metadata = item["metadata"]
    return (item["apiVersion"], item["kind"], metadata.get("namespace", ""), metadata["name"])


def _owner_of(reference: Object, item: Object, by_uid: Mapping[str, Object],
              by_name: Mapping[tuple[str, ...], Object]) -> Object | None:  # fmt: skip
    owner = by_uid.get(str(reference.get("uid", "")))
    if owner is not None:
        return owner
    group, namespace = group_of(str(reference.get("apiVersion", ""))), item["metadata"].get("namespace") or ""
    kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
    # An owner is in the same namespace or has none (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/).
    return by_name.get((group, kind, namespace, name)) or by_name.get((group, kind, "", name))


def _root(item: Object, by_uid: Mapping[str, Object], by_name: Mapping[tuple[str, ...], Object]) -> Object:
    """The object a Pod, ReplicaSet or Job is part of: the end of its chain of controllers."""
    seen = {id(item)}
    while item["kind"] in _FOLDED:
        references = item["metadata"].get("ownerReferences") or ()
        controller = next((reference for reference in references if reference.get("controller")), None)
        owner = _owner_of(controller, item, by_uid, by_name) if controller else None
        if owner is None or id(owner) in seen:
            break
        seen.add(id(owner))
        item = owner
    return item


def _owners(item: Object, by_uid: Mapping[str, Object],
            by_name: Mapping[tuple[str, ...], Object]) -> list[dict[str, str]]:  # fmt: skip
    owners = (
        _owner_of(reference, item, by_uid, by_name) for reference in item["metadata"].get("ownerReferences") or ()
    )
    roots = (_root(owner, by_uid, by_name) for owner in owners if owner is not None and not is_noise(owner))
    found = {(str(root["apiVersion"]), str(root["kind"]), str(root["metadata"]["name"])) for root in roots}
    return [{"apiVersion": version, "kind": kind, "name": name} for version, kind, name in sorted(found)]


def _with_pods(pruned: dict[str, Any], item: Object, folded: list[Object]) -> dict[str, Any]:
    """The workload with the facts of its pods added."""
    pods = [each for each in folded if each["kind"] == "Pod" and _counts(each)]
    spec = dict(pruned.get("spec", {}))
    if "containers" not in spec:  # a custom resource that runs pods itself, or through ReplicaSets
        template = next((found for each in sorted(folded, key=_order_of_any) if (found := pod_spec_of(each))), None)
        spec |= pod_facts(*template) if template else {}
    declared = {container["name"] for container in spec.get("containers", ())} | set(spec.get("initContainers", ()))
    injected: Counter[str] = Counter()
    for pod in pods:
        pod_spec = pod.get("spec", {})
        names = {str(c["name"]) for part in ("containers", "initContainers") for c in pod_spec.get(part) or ()}
        injected.update(names - declared)
    status: dict[str, Any] = _counted(item, folded, pods) | {"pods": len(pods)}
    if item["kind"] in {"CronJob", "Job"}:
        # How many pods of past runs are still around depends on the minute of the snapshot.
        status.pop("pods")
        injected.clear()
    if injected:
        status["injected"] = dict(sorted(injected.items()))
    return pruned | {"spec": spec} | ({"status": status} if status else {})


def _order_of_any(item: Object) -> tuple[str, ...]:
    return (item["kind"], item["metadata"].get("namespace") or "", item["metadata"]["name"])


def _counts(pod: Object) -> bool:
    """Whether a pod is one of the workload's now: not going away, not finished or evicted."""
    gone = pod["metadata"].get("deletionTimestamp") or pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return not gone


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _counted(item: Object, folded: list[Object], pods: list[Object]) -> dict[str, int]:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    match item["kind"]:
        case "Deployment" | "StatefulSet" | "ReplicaSet":
            return {"desired": int(spec.get("replicas", 1)), "ready": int(status.get("readyReplicas") or 0)}
        case "DaemonSet":
            desired, ready = status.get("desiredNumberScheduled") or 0, status.get("numberReady") or 0
            return {"desired": int(desired), "ready": int(ready)}
        case "Job":
            return {"desired": int(spec.get("completions") or 1), "ready": int(status.get("succeeded") or 0)}
        case "CronJob":
            return {}
        case "Pod":
            done = status.get("phase") == "Succeeded"
            return {"desired": 1, "ready": int(done or _is_ready(item))}
        case _:
            sets = [each for each in folded if each["kind"] == "ReplicaSet"]
            desired = sum(int((each.get("spec") or {}).get("replicas") or 0) for each in sets) if sets else len(pods)
            return {"desired": desired, "ready": sum(1 for pod in pods if _is_ready(pod))}
