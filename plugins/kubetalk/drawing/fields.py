"""What is kept of each kind of object: an allow-list, so that a field nobody thought of never reaches a recording."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kubetalk.drawing.kinds import ISTIO, group_of, spec_of
from kubetalk.drawing.noise import authors_labels, is_noise

Object = Mapping[str, Any]

# Labels that controllers add to the pods they make; their values are hashes, uids or ordinals.
_GENERATED_LABELS = frozenset({
    "apps.kubernetes.io/pod-index", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
    "controller-revision-hash", "controller-uid", "job-name", "pod-template-generation", "pod-template-hash",
    "rollouts-pod-template-hash", "statefulset.kubernetes.io/pod-name",
})  # fmt: skip


def keep(item: Object, owners: list[dict[str, str]]) -> dict[str, Any] | None:
    """The publishable part of an object, or None for kinds that serve only to understand others."""
    metadata: dict[str, Any] = {"name": str(item["metadata"]["name"])}
    if namespace := item["metadata"].get("namespace"):
        metadata["namespace"] = str(namespace)
    if owners:
        metadata["ownerReferences"] = owners
    result: dict[str, Any] = {"apiVersion": str(item["apiVersion"]), "kind": str(item["kind"]), "metadata": metadata}
    if item["kind"] == "Namespace":
        if labels := authors_labels(item["metadata"].get("labels") or {}):
            metadata["labels"] = labels
        return result
    if item["kind"] == "CustomResourceDefinition":
        return None
    facts = _KEPT.get((spec_of(item).group, str(item["kind"])))
    spec = _dense(facts(item)) if facts else {}
    if spec:
        result["spec"] = spec
    return result


def _dense(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "", [], {}, ())}


def host(value: object) -> str:
    """A host name; an address says nothing to a reader and is never the same twice, so it is left out."""
    text = str(value or "")
    try:
        ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return text
    return ""


def _hosts(values: Iterable[object] | None) -> list[str]:
    return [text for value in values or () if (text := host(value))]


# Pods


def pod_spec_of(item: Object) -> tuple[Object, Object] | None:
    """(metadata, spec) of the pods an object makes, or of the pod itself."""
    spec = item.get("spec") or {}
    if item["kind"] == "Pod":
        return item["metadata"], spec
    template = (spec.get("jobTemplate") or {}).get("spec", {}).get("template") or spec.get("template")
    if not isinstance(template, Mapping) or not isinstance(template.get("spec"), Mapping):
        return None
    return template.get("metadata") or {}, template["spec"]


def pod_facts(metadata: Object, spec: Object) -> dict[str, Any]:
    """Labels, containers and the objects a pod refers to; no command line, no environment value."""
    labels = {str(k): str(v) for k, v in sorted((metadata.get("labels") or {}).items()) if k not in _GENERATED_LABELS}
    containers = [_dense({"name": c["name"], "image": c.get("image")}) for c in spec.get("containers") or ()]
    return _dense({
        "labels": labels,
        "containers": containers,
        "initContainers": [str(c["name"]) for c in spec.get("initContainers") or ()],
        "hostNetwork": spec.get("hostNetwork") or None,
        "uses": _used(spec),
    })  # fmt: skip


def _used(spec: Object) -> dict[str, list[str]]:
    """Names of the ConfigMaps, Secrets and claims of a pod: volumes, env, envFrom and pull secrets."""
    found: dict[str, set[str]] = {"ConfigMap": set(), "PersistentVolumeClaim": set(), "Secret": set()}
    sources: list[Object] = []
    for volume in spec.get("volumes") or ():
        sources += [volume, *((volume.get("projected") or {}).get("sources") or ())]
    for part in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(part) or ():
            sources += container.get("envFrom") or ()
            sources += [each["valueFrom"] for each in container.get("env") or () if each.get("valueFrom")]
    for source in sources:
        for field, kind in (("configMap", "ConfigMap"), ("configMapRef", "ConfigMap"), ("configMapKeyRef", "ConfigMap"),
                            ("secret", "Secret"), ("secretRef", "Secret"), ("secretKeyRef", "Secret"),
                            ("persistentVolumeClaim", "PersistentVolumeClaim")):  # fmt: skip
            reference = source.get(field) or {}
            name = reference.get("name") or reference.get("secretName") or reference.get("claimName")
            # `optional: true` may be absent on purpose; a ghost would call that a mistake.
            if name and not reference.get("optional"):
                found[kind].add(str(name))
    found["Secret"] |= {str(each["name"]) for each in spec.get("imagePullSecrets") or () if each.get("name")}
    found["ConfigMap"] = {n for n in found["ConfigMap"] if not _is_default("ConfigMap", n)}
    return {kind: sorted(names) for kind, names in found.items() if names}


def _is_default(kind: str, name: str) -> bool:
    return is_noise({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})


def _workload(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    template = pod_spec_of(item)
    facts = pod_facts(*template) if template else {}
    if item["kind"] == "Pod":
        facts = _own_containers(item, facts)
    templates = [str(each["metadata"]["name"]) for each in spec.get("volumeClaimTemplates") or ()]
    return {
        **facts,
        "schedule": spec.get("schedule"),
        "suspend": spec.get("suspend") or None,
        "claimTemplates": templates,
    }


def _own_containers(pod: Object, facts: dict[str, Any]) -> dict[str, Any]:
    """A bare pod without what Istio's injector added to it, so that it counts as injected.

    The injector lists what it added in the annotation sidecar.istio.io/status
    (https://istio.io/latest/docs/reference/config/annotations/); the names are stable, hence a list here.
    """
    added = {"istio-proxy", "istio-init", "istio-validation"}
    if "sidecar.istio.io/status" not in (pod["metadata"].get("annotations") or {}):
        return facts
    containers = [each for each in facts.get("containers", ()) if each["name"] not in added]
    first = [name for name in facts.get("initContainers", ()) if name not in added]
    return facts | {"containers": containers, "initContainers": first}


# Traffic


def _port(port: Object) -> dict[str, Any]:
    return _dense({
        "name": port.get("name"), "port": port.get("port"), "targetPort": port.get("targetPort"),
        "protocol": port.get("protocol") if port.get("protocol") != "TCP" else None,
    })  # fmt: skip


def _service(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    return {
        "type": spec.get("type", "ClusterIP"),
        "headless": spec.get("clusterIP") == "None" or None,
        "externalName": host(spec.get("externalName")),
        "selector": dict(sorted((spec.get("selector") or {}).items())),
        "ports": [_port(port) for port in spec.get("ports") or ()],
    }


def _ingress_backend(backend: Object) -> dict[str, Any]:
    service = backend.get("service") or {}
    port = service.get("port") or {}
    resource = backend.get("resource") or {}
    return _dense({
        "service": service.get("name"), "port": port.get("name") or port.get("number"),
        "kind": resource.get("kind"), "name": resource.get("name"),
    })  # fmt: skip


def _ingress(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    rules = [
        {
            "host": host(rule.get("host")),
            "paths": [
                _dense({"path": path.get("path"), **_ingress_backend(path.get("backend") or {})})
                for path in (rule.get("http") or {}).get("paths") or ()
            ],
        }
        for rule in spec.get("rules") or ()
    ]
    return {
        "class": spec.get("ingressClassName"),
        "defaultBackend": _ingress_backend(spec.get("defaultBackend") or {}),
        "rules": [_dense(rule) for rule in rules],
        "tls": sorted({str(each["secretName"]) for each in spec.get("tls") or () if each.get("secretName")}),
    }


def _reference(reference: Object) -> dict[str, Any]:
    fields = ("group", "kind", "namespace", "name", "sectionName", "port", "weight")
    return _dense({field: reference.get(field) for field in fields}) | (
        {"weight": 0} if reference.get("weight") == 0 else {}
    )


def _gateway_api(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    listeners = []
    for each in spec.get("listeners") or ():
        certificates = [_reference(ref) for ref in (each.get("tls") or {}).get("certificateRefs") or ()]
        listeners.append(_dense({
            "name": each.get("name"), "port": each.get("port"), "protocol": each.get("protocol"),
            "hostname": host(each.get("hostname")), "certificates": certificates,
        }))  # fmt: skip
    return {"class": spec.get("gatewayClassName"), "listeners": listeners}


def _route_match(match: Object) -> dict[str, Any]:
    path = match.get("path") or {}
    method = match.get("method")
    if isinstance(method, Mapping):  # GRPCRoute
        method = "/".join(str(method[key]) for key in ("service", "method") if method.get(key))
    # A header's value may be a credential; its name says what is decided upon.
    headers = sorted(str(each.get("name", "")) for each in match.get("headers") or ())
    return _dense({"path": path.get("value"), "pathType": path.get("type"), "method": method, "headers": headers})


def _route(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    rules = [
        _dense({
            "matches": [found for match in rule.get("matches") or () if (found := _route_match(match))],
            "backends": [_reference(each) for each in rule.get("backendRefs") or ()],
        })
        for rule in spec.get("rules") or ()
    ]  # fmt: skip
    parents = [_reference(each) for each in spec.get("parentRefs") or ()]
    return {"parents": parents, "hostnames": _hosts(spec.get("hostnames")), "rules": rules}


# Istio


def _istio_gateway(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    servers = [
        _dense({
            "port": (each.get("port") or {}).get("number"), "protocol": (each.get("port") or {}).get("protocol"),
            "hosts": _hosts(each.get("hosts")), "secret": (each.get("tls") or {}).get("credentialName"),
        })
        for each in spec.get("servers") or ()
    ]  # fmt: skip
    return {"selector": dict(sorted((spec.get("selector") or {}).items())), "servers": servers}


def _istio_match(match: Object) -> dict[str, Any]:
    uri = match.get("uri") or {}
    kind = next((kind for kind in ("exact", "prefix", "regex") if kind in uri), "")
    headers = sorted(str(name) for name in (match.get("headers") or {}))
    return _dense({"path": uri.get(kind), "pathType": kind, "headers": headers, "port": match.get("port")})


def _virtual_service(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    rules = []
    for protocol in ("http", "tls", "tcp"):
        for rule in spec.get(protocol) or ():
            backends = []
            for each in rule.get("route") or ():
                destination = each.get("destination") or {}
                backends.append(_dense({
                    "host": host(destination.get("host")), "subset": destination.get("subset"),
                    "port": (destination.get("port") or {}).get("number"), "weight": each.get("weight"),
                }))  # fmt: skip
            matches = [found for match in rule.get("match") or () if (found := _istio_match(match))]
            rules.append(_dense({"matches": matches, "backends": backends}))
    gateways = sorted(str(name) for name in spec.get("gateways") or ())
    return {"hosts": _hosts(spec.get("hosts")), "gateways": gateways, "rules": rules}


def _destination_rule(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    subsets = [
        _dense({"name": each.get("name"), "labels": dict(sorted((each.get("labels") or {}).items()))})
        for each in spec.get("subsets") or ()
    ]
    return {"host": host(spec.get("host")), "subsets": subsets}


def _service_entry(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    ports = [_dense({"port": each.get("number"), "protocol": each.get("protocol")}) for each in spec.get("ports") or ()]
    return {"hosts": _hosts(spec.get("hosts")), "location": spec.get("location"), "ports": ports}


# Configuration, storage, scaling


def _config_map(item: Object) -> dict[str, Any]:
    return {"keys": sorted({*(item.get("data") or {}), *(item.get("binaryData") or {})})}


def _secret(item: Object) -> dict[str, Any]:
    return {"type": item.get("type", "Opaque")}


def _claim(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    request = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return {"storageClass": spec.get("storageClassName"), "storage": str(request or "")}


def _autoscaler(item: Object) -> dict[str, Any]:
    spec = item.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    return {
        "target": _dense({key: target.get(key) for key in ("apiVersion", "kind", "name")}),
        "min": spec.get("minReplicas", 1),
        "max": spec.get("maxReplicas"),
    }


_GATEWAY_API = "gateway.networking.k8s.io"
_KEPT: Mapping[tuple[str, str], Callable[[Object], Mapping[str, Any]]] = {
    **{("apps", kind): _workload for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")},
    **{("batch", kind): _workload for kind in ("Job", "CronJob")},
    ("", "Pod"): _workload,
    ("", "Service"): _service,
    ("", "ConfigMap"): _config_map,
    ("", "Secret"): _secret,
    ("", "PersistentVolumeClaim"): _claim,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    (_GATEWAY_API, "Gateway"): _gateway_api,
    **{(_GATEWAY_API, f"{kind}Route"): _route for kind in ("HTTP", "GRPC", "TLS", "TCP", "UDP")},
    (ISTIO, "Gateway"): _istio_gateway,
    (ISTIO, "VirtualService"): _virtual_service,
    (ISTIO, "DestinationRule"): _destination_rule,
    (ISTIO, "ServiceEntry"): _service_entry,
}

__all__ = ["group_of", "host", "keep", "pod_facts", "pod_spec_of"]
