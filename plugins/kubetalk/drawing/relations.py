"""Which objects of a snapshot belong together: selectors, routes, references and owners, each by its own rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from kubetalk.drawing.graph import Edge, EdgeKind, node_id
from kubetalk.drawing.kinds import GATEWAY_API, ISTIO, KindSpec, Role, group_of, spec_of

Object = Mapping[str, Any]

LABEL_LINES = 3


class Cluster:
    """A snapshot's objects, found by what refers to them."""

    def __init__(self, objects: tuple[Object, ...]) -> None:
        self.objects = tuple(item for item in objects if item["kind"] != "Namespace")
        self.namespaces = tuple(item for item in objects if item["kind"] == "Namespace")
        self.by_id = {identify(item): item for item in self.objects}
        self._by_kind: dict[tuple[str, str], list[Object]] = defaultdict(list)
        self._pods: dict[str, list[Object]] = defaultdict(list)
        for item in self.objects:
            self._by_kind[spec_of(item).group, item["kind"]].append(item)
            if labels_of(item):
                self._pods[namespace_of(item)].append(item)
        self._entries = {
            host: identify(item) for item in self.of("ServiceEntry", ISTIO) for host in item["spec"].get("hosts", ())
        }
        self.missing: dict[str, tuple[KindSpec, str, str]] = {}
        """Referred to but absent: node id to kind, namespace and name."""
        self.idle: set[str] = set()
        """Ids of objects whose selector matches no pods."""

    def of(self, kind: str, group: str) -> list[Object]:
        """All objects of a kind."""
        return [item for item in self._by_kind.get((group, kind), ()) if "spec" in item]

    def running(self, selector: Mapping[str, str], namespace: str | None) -> Iterator[Object]:
        """Workloads whose pods carry all the labels, in one namespace or in any. An empty selector selects nothing."""
        if not selector:
            return
        places = [namespace] if namespace is not None else sorted(self._pods)
        for place in places:
            for item in self._pods.get(place, ()):
                labels = labels_of(item)
                if all(labels.get(key) == value for key, value in selector.items()):
                    yield item

    def target(self, kind: str, group: str, namespace: str, name: str) -> str:
        """The id of an object somebody refers to; noted as missing if it is not there."""
        spec = spec_of({"apiVersion": f"{group}/v1" if group else "v1", "kind": kind})
        found = node_id(spec, namespace, name)
        if found not in self.by_id:
            self.missing[found] = (spec, namespace, name)
        return found

    def host(self, host: str, namespace: str) -> str | None:
        """What a host of Istio's stands for: a ServiceEntry, or a Service by its short or full name.

        A short name means the namespace of the object that says it
        (https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination). A name with a wildcard
        or of the outside world has no object.
        """
        if host in self._entries:
            return self._entries[host]
        name, _, rest = host.removesuffix(".").partition(".")
        if not name or "*" in host:
            return None
        if not rest:
            return self.target("Service", "", namespace, name)
        place, _, suffix = rest.partition(".")
        full = suffix == "svc" or suffix.startswith("svc.")
        if full or (not suffix and f"Service/{place}/{name}" in self.by_id):
            return self.target("Service", "", place, name)
        return None


def namespace_of(item: Object) -> str:
    """Empty for cluster-wide objects."""
    return str(item["metadata"].get("namespace", ""))


def labels_of(item: Object) -> Mapping[str, str]:
    """The labels of the pods an object runs."""
    spec = item.get("spec", {})
    return spec["labels"] if "containers" in spec and "labels" in spec else {}


def identify(item: Object) -> str:
    """The id of an object's node."""
    return node_id(spec_of(item), namespace_of(item), item["metadata"]["name"])


def relations(cluster: Cluster) -> tuple[Edge, ...]:
    """All edges. Fills ``cluster.missing`` and ``cluster.idle`` on the way."""
    edges: list[Edge] = []
    for find in (
        _ingresses,
        _routes,
        _virtual_services,
        _gateways,
        _destination_rules,
        _services,
        _uses,
        _scalers,
        _owners,
    ):
        edges += find(cluster)
    return tuple(edge for edge in edges if edge.source != edge.target)


def _each(cluster: Cluster, kind: str, group: str) -> Iterator[tuple[str, str, Object]]:
    for item in cluster.of(kind, group):
        yield identify(item), namespace_of(item), item["spec"]


# Routes


def _ingresses(cluster: Cluster) -> Iterator[Edge]:
    for source, namespace, spec in _each(cluster, "Ingress", "networking.k8s.io"):
        rules = spec.get("rules", ())
        several = len({rule.get("host", "") for rule in rules}) > 1
        paths = [(rule.get("host", ""), path) for rule in rules for path in rule.get("paths", ())]
        for host, path in paths:
            text = f"{host if several else ''}{path.get('path', '') if path.get('path') != '/' else ''}"
            if "service" in path:
                target = cluster.target("Service", "", namespace, path["service"])
                yield Edge(source, target, EdgeKind.ROUTE, (text,) if text else ())
        if default := spec.get("defaultBackend", {}).get("service"):
            yield Edge(source, cluster.target("Service", "", namespace, default), EdgeKind.ROUTE)
        for secret in spec.get("tls", ()):
            yield Edge(source, cluster.target("Secret", "", namespace, secret), EdgeKind.USES, ("TLS",))


def _match_text(matches: list[Mapping[str, Any]]) -> str:
    texts = []
    for match in matches:
        path = str(match.get("path", ""))
        parts = [path if path != "/" or match.get("pathType") == "exact" else ""]
        parts += [str(match.get("method", "")), *match.get("headers", ())]
        texts.append(" ".join(part for part in parts if part))
    texts = list(dict.fromkeys(text for text in texts if text))
    if len(texts) > LABEL_LINES - 1:
        return f"{texts[0]} + {len(texts) - 1}"
    return ", ".join(texts)


def _share(backend: Mapping[str, Any], backends: list[Mapping[str, Any]], default: int) -> str:
    """A backend's part of the traffic in percent, when there is something to divide.

    Without a weight a backend of the Gateway API counts 1, one of Istio's 0 beside others that have one.
    """
    total = sum(int(each.get("weight", default)) for each in backends)
    if len(backends) < 2 or not total:
        return ""
    return f"{100 * int(backend.get('weight', default)) / total:.3g}%"


def _routes(cluster: Cluster) -> Iterator[Edge]:
    for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"):
        for route, namespace, spec in _each(cluster, kind, GATEWAY_API):
            for parent in spec.get("parents", ()):
                place, name = parent.get("namespace", namespace), parent["name"]
                if parent.get("kind", "Gateway") == "Gateway":
                    source = cluster.target("Gateway", GATEWAY_API, place, name)
                    yield Edge(source, route, EdgeKind.ROUTE, tuple(filter(None, [parent.get("sectionName", "")])))
                elif parent["kind"] == "Service":  # a mesh route: it applies to the traffic to that Service
                    yield Edge(route, cluster.target("Service", "", place, name), EdgeKind.APPLIES)
            for rule in spec.get("rules", ()):
                backends = rule.get("backends", [])
                for backend in backends:
                    if backend.get("kind", "Service") != "Service":
                        continue
                    parts = (_match_text(rule.get("matches", [])), _share(backend, backends, 1))
                    label = " · ".join(part for part in parts if part)
                    target = cluster.target("Service", "", backend.get("namespace", namespace), backend["name"])
                    yield Edge(route, target, EdgeKind.ROUTE, (label,) if label else ())


def _virtual_services(cluster: Cluster) -> Iterator[Edge]:
    for route, namespace, spec in _each(cluster, "VirtualService", ISTIO):
        for gateway in spec.get("gateways", ()):
            if gateway != "mesh":
                place, _, name = str(gateway).rpartition("/")
                source = cluster.target("Gateway", ISTIO, place if place not in {"", "."} else namespace, name)
                yield Edge(source, route, EdgeKind.ROUTE)
        for rule in spec.get("rules", ()):
            backends = rule.get("backends", [])
            for backend in backends:
                target = cluster.host(str(backend.get("host", "")), namespace)
                if target is None:
                    continue
                parts = (_match_text(rule.get("matches", [])), backend.get("subset", ""), _share(backend, backends, 0))
                label = " · ".join(part for part in parts if part)
                yield Edge(route, target, EdgeKind.ROUTE, (label,) if label else ())


def _gateways(cluster: Cluster) -> Iterator[Edge]:
    for gateway, _, spec in _each(cluster, "Gateway", ISTIO):
        selector = spec.get("selector", {})
        # Istio looks for a gateway's pods in every namespace unless told otherwise (PILOT_SCOPE_GATEWAY_TO_NAMESPACE).
        found = list(cluster.running(selector, None))
        if selector and not found:
            cluster.idle.add(gateway)
        yield from (Edge(identify(item), gateway, EdgeKind.SERVES) for item in found)
        for server in spec.get("servers", ()):
            # The credential is read beside the gateway's pods, not beside the Gateway.
            for place in sorted({namespace_of(item) for item in found}) if server.get("secret") else ():
                target = cluster.target("Secret", "", place, server["secret"])
                yield Edge(gateway, target, EdgeKind.USES, ("TLS",))
    for gateway, namespace, spec in _each(cluster, "Gateway", GATEWAY_API):
        for listener in spec.get("listeners", ()):
            for reference in listener.get("certificates", ()):
                if reference.get("kind", "Secret") == "Secret":
                    target = cluster.target("Secret", "", reference.get("namespace", namespace), reference["name"])
                    yield Edge(gateway, target, EdgeKind.USES, ("TLS",))


def _destination_rules(cluster: Cluster) -> Iterator[Edge]:
    for rule, namespace, spec in _each(cluster, "DestinationRule", ISTIO):
        if target := cluster.host(str(spec.get("host", "")), namespace):
            yield Edge(rule, target, EdgeKind.APPLIES)


# Services


def _services(cluster: Cluster) -> Iterator[Edge]:
    subsets: dict[str, list[tuple[str, Mapping[str, str]]]] = defaultdict(list)
    for _, namespace, spec in _each(cluster, "DestinationRule", ISTIO):
        if (host := cluster.host(str(spec.get("host", "")), namespace)) is not None:
            subsets[host] += [(each["name"], each.get("labels", {})) for each in spec.get("subsets", ())]
    for service, namespace, spec in _each(cluster, "Service", ""):
        selector = spec.get("selector", {})
        found = list(cluster.running(selector, namespace))
        if selector and not found:
            cluster.idle.add(service)
        for item in found:
            labels = labels_of(item)
            names = [name for name, wanted in subsets[service] if wanted and wanted.items() <= labels.items()]
            yield Edge(service, identify(item), EdgeKind.SELECTS, tuple(names))


# References, scaling, owners


def _uses(cluster: Cluster) -> Iterator[Edge]:
    for item in cluster.objects:
        spec = item.get("spec", {})
        for kind, names in spec.get("uses", {}).items():
            for name in names:
                yield Edge(identify(item), cluster.target(kind, "", namespace_of(item), name), EdgeKind.USES)
        for template in spec.get("claimTemplates", ()):
            for claim in claims_of(cluster, item, template):
                yield Edge(identify(item), identify(claim), EdgeKind.USES)


def claims_of(cluster: Cluster, item: Object, template: str) -> list[Object]:
    """The claims a StatefulSet made from a template: ``data-db-0``, ``data-db-1``, …."""
    start, namespace = f"{template}-{item['metadata']['name']}-", namespace_of(item)
    claims = [claim for claim in cluster.of("PersistentVolumeClaim", "") if namespace_of(claim) == namespace]
    return [
        claim for claim in claims
        if claim["metadata"]["name"].startswith(start) and claim["metadata"]["name"].removeprefix(start).isdigit()
    ]  # fmt: skip


def _scalers(cluster: Cluster) -> Iterator[Edge]:
    for scaler, namespace, spec in _each(cluster, "HorizontalPodAutoscaler", "autoscaling"):
        target = spec.get("target", {})
        if "kind" in target and "name" in target:
            group = group_of(target.get("apiVersion", "apps/v1"))
            found = cluster.target(target["kind"], group, namespace, target["name"])
            yield Edge(scaler, found, EdgeKind.SCALES, (f"{spec.get('min', 1)}–{spec.get('max', '?')}",))


def _owners(cluster: Cluster) -> Iterator[Edge]:
    for item in cluster.objects:
        namespace = namespace_of(item)
        for owner in item["metadata"].get("ownerReferences", ()):
            spec = spec_of(owner)
            ids = (node_id(spec, namespace, owner["name"]), node_id(spec, "", owner["name"]))
            source = next((found for found in ids if found in cluster.by_id), None)
            if source:
                yield Edge(source, identify(item), EdgeKind.OWNS)


def is_traffic(role: Role) -> bool:
    """Whether a kind of that column carries or decides about requests."""
    return role in {Role.ENTRY, Role.ROUTE, Role.SERVICE}
