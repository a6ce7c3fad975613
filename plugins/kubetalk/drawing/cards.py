"""Objects -> nodes and namespaces: which facts a card shows, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubetalk.drawing.graph import Chip, Group, Node, node_id
from kubetalk.drawing.kinds import KindSpec, spec_of
from kubetalk.drawing.relations import Cluster, Object, identify, namespace_of
from kubetalk.drawing.words import Words

PROXY = "istio-proxy"
_INJECTING = "istio-injection"
_SHOWN_LABELS = (_INJECTING, "istio.io/rev", "istio.io/dataplane-mode", "pod-security.kubernetes.io/enforce")
_WORDS = {
    "HorizontalPodAutoscaler": "HPA", "PersistentVolumeClaim": "PVC",
    "LoadBalancer": "LoadBalancer", "NodePort": "NodePort", "ExternalName": "ExternalName",
}  # fmt: skip
"""Short names that everybody uses, and types of Services that say more than the kind."""
_FINISHING = frozenset({"Job", "CronJob"})


def called(kind: str, namespace: str, name: str) -> str:
    """How sentences call an object: ``Deployment blog/web``."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def card(item: Object, cluster: Cluster, words: Words) -> Node:
    """The node of an object."""
    kind = spec_of(item)
    spec, status = item.get("spec", {}), item.get("status", {})
    namespace, name = namespace_of(item), item["metadata"]["name"]
    node = identify(item)
    ready = f"{status['ready']}/{status['desired']}" if status.get("desired") is not None else ""
    chips = _chips(item, lacking=_lacks_proxy(item, injects(cluster, namespace)))
    return Node(
        id=node,
        namespace=namespace,
        name=name,
        kind=kind.kind,
        glyph="loadbalancer" if spec.get("type") == "LoadBalancer" else kind.glyph,
        family=kind.family,
        role=kind.role,
        word=_WORDS.get(kind.kind, "") if kind.kind != "Service" else _WORDS.get(spec.get("type", ""), ""),
        detail=_detail(kind, spec, words),
        ready=ready,
        healthy=status.get("ready") == status.get("desired"),
        problem=words("selects_nothing") if node in cluster.idle else "",
        chips=chips,
        pods=int(status.get("pods", 0)),
        sidecars=_sidecars(status),
        facts=_facts(spec, ready, chips),
        title=called(kind.kind, namespace, name),
    )


def ghost(kind: KindSpec, namespace: str, name: str, words: Words) -> Node:
    """The node of something that is referred to but does not exist."""
    return Node(
        id=node_id(kind, namespace, name), namespace=namespace, name=name, kind=kind.kind, glyph=kind.glyph,
        family=kind.family, role=kind.role, problem=words("missing"), ghost=True,
        title=called(kind.kind, namespace, name),
    )  # fmt: skip


def _ports(spec: Mapping[str, Any]) -> str:
    return ", ".join(str(port["port"]) for port in spec.get("ports", ()) if "port" in port)


def _port(port: Mapping[str, Any]) -> str:
    outside, inside = port.get("port", ""), port.get("targetPort", "")
    return f"{outside}→{inside}" if inside not in {"", outside} else str(outside)


def _detail(kind: KindSpec, spec: Mapping[str, Any], words: Words) -> str:
    match kind.kind:
        case "Service":
            parts = [words("headless") if spec.get("headless") else "", _ports(spec) or spec.get("externalName", "")]
            return " ".join(part for part in parts if part)
        case "Ingress":
            return _few([rule["host"] for rule in spec.get("rules", ()) if "host" in rule])
        case "VirtualService":
            return _few(spec.get("hosts", ()))
        case "HTTPRoute" | "GRPCRoute" | "TLSRoute":
            return _few(spec.get("hostnames", ()))
        case "ServiceEntry":
            return _few(spec.get("hosts", ()))
        case "Gateway":
            listeners = spec.get("listeners", spec.get("servers", ()))
            return _few([f"{each.get('protocol', '')} {each.get('port', '')}".strip() for each in listeners])
        case "DestinationRule":
            return _few([each["name"] for each in spec.get("subsets", ()) if "name" in each])
        case "CronJob":
            return words("suspended") if spec.get("suspend") else str(spec.get("schedule", ""))
        case "ConfigMap":
            return words.counted("keys", len(spec["keys"])) if spec.get("keys") else ""
        case "PersistentVolumeClaim":
            return str(spec.get("storage", ""))
        case "Secret":
            return "TLS" if spec.get("type") == "kubernetes.io/tls" else ""
        case _:
            return ""


def _few(texts: Iterable[object]) -> str:
    unique = list(dict.fromkeys(str(text) for text in texts))
    return ", ".join(unique) if len(unique) <= 2 else f"{unique[0]} + {len(unique) - 1}"


def _chips(item: Object, *, lacking: int) -> tuple[Chip, ...]:
    """Containers, shown only when a pod has more than one."""
    spec, status = item.get("spec", {}), item.get("status", {})
    own = [Chip(container["name"]) for container in spec.get("containers", ())]
    pods = int(status.get("pods", 0))
    added = [Chip(name, "injected" if count >= pods else "lacking") for name, count in _sidecars(status).items()]
    if lacking and PROXY not in status.get("injected", {}):
        added.append(Chip(PROXY, "lacking"))
    chips = (*own, *added)
    return chips if len(chips) > 1 else ()


def _sidecars(status: Mapping[str, Any]) -> dict[str, int]:
    """Injected containers that go on running; istio-init and istio-validation end before the pod starts."""
    injected = status.get("injected", {})
    return {name: count for name, count in injected.items() if name not in {"istio-init", "istio-validation"}}


def _facts(spec: Mapping[str, Any], ready: str, chips: tuple[Chip, ...]) -> dict[str, str]:
    """What is compared between two snapshots; the keys are shown, so they are Kubernetes' own words."""
    images = ", ".join(str(each.get("image", "")) for each in spec.get("containers", ()))
    selector = spec.get("selector", {})
    facts = {
        "ready": ready,
        "image": images,
        "containers": ", ".join(chip.text for chip in chips if chip.state != "lacking"),
        "type": str(spec.get("type", "")),
        "ports": ", ".join(_port(port) for port in spec.get("ports", ())),
        "selector": ",".join(f"{key}={value}" for key, value in selector.items()),
        "schedule": str(spec.get("schedule", "")),
        "suspend": str(spec.get("suspend", "")),
        "keys": ", ".join(spec.get("keys", ())),
        "hosts": ", ".join(str(host) for host in spec.get("hosts", spec.get("hostnames", ()))),
        "storage": str(spec.get("storage", "")),
        "subsets": ", ".join(str(each.get("name")) for each in spec.get("subsets", ())),
    }
    return {key: value for key, value in facts.items() if value}


# Namespaces and injection


def injects(cluster: Cluster, namespace: str) -> bool:
    """Whether a namespace's labels ask for sidecars.

    ``istio-injection`` wins over ``istio.io/rev``
    (https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/).
    """
    for item in cluster.namespaces:
        if item["metadata"]["name"] == namespace:
            labels = item["metadata"].get("labels", {})
            if _INJECTING in labels:
                return bool(labels[_INJECTING] == "enabled")
            return "istio.io/rev" in labels
    return False


def _lacks_proxy(item: Object, injecting: bool) -> int:
    """How many pods of a workload should carry the proxy and do not."""
    spec, status = item.get("spec", {}), item.get("status", {})
    if not injecting or spec.get("hostNetwork") or item["kind"] in _FINISHING:
        return 0
    if spec.get("labels", {}).get("sidecar.istio.io/inject") == "false":
        return 0
    declared = {container["name"] for container in spec.get("containers", ())} | set(spec.get("initContainers", ()))
    if PROXY in declared:
        return 0
    return max(0, int(status.get("pods", 0)) - int(status.get("injected", {}).get(PROXY, 0)))


def group(item: Object, cluster: Cluster) -> Group:
    """A namespace with its labels and the truth about injection."""
    name, labels = item["metadata"]["name"], item["metadata"].get("labels", {})
    asks = injects(cluster, name)
    mine = [each for each in cluster.objects if namespace_of(each) == name]
    missing = sum(_lacks_proxy(each, asks) for each in mine)
    total = sum(int(each.get("status", {}).get("pods", 0)) for each in mine if each["kind"] not in _FINISHING)
    shown = [key for key in _SHOWN_LABELS if key in labels]
    shown += [key for key in sorted(labels) if key not in shown and "kubernetes.io/" not in key][
        : max(0, 2 - len(shown))
    ]
    return Group(
        name=name,
        badges=tuple(f"{key}={labels[key]}" if labels[key] else key for key in shown),
        missing_proxies=missing,
        proxied_pods=total,
        labels=labels,
    )
