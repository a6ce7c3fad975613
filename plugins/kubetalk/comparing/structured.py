"""JSON and YAML: what the API server fills in is dropped or masked by key, names and texts by the common rules.

Sources: ObjectMeta (apimachinery/pkg/apis/meta/v1/types.go): uid, resourceVersion, generation, creationTimestamp and
managedFields are set by the server; Service.spec.clusterIP(s) and nodePort are allocated (core/v1/types.go).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import yaml

from kubetalk.comparing import masks
from kubetalk.comparing.cells import addresses, message
from kubetalk.comparing.commands import Hints
from kubetalk.comparing.forms import Document, Values
from kubetalk.comparing.names import Names, erase

# Dropped from `metadata`; what counts writes also from references and wherever a controller says what it has seen.
_DROPPED = frozenset({"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"})
_COUNTED = frozenset({"observedGeneration", "generation", "resourceVersion", "managedFields", "selfLink"})
_ADDRESS_KEYS = frozenset({
    "clusterIP", "clusterIPs", "podIP", "podIPs", "hostIP", "hostIPs", "ip", "ips", "IP", "IPs", "loadBalancerIP",
    "address", "addresses", "internalIP", "externalIP",
})  # fmt: skip
_NODE_KEYS = frozenset({"nodeName", "nominatedNodeName"})
_OPAQUE_KEYS = frozenset({
    "caBundle", "certificate-authority-data", "client-certificate-data", "client-key-data", "certificate",
    "machineID", "systemUUID", "bootID",
})  # fmt: skip
_REFERENCE = frozenset({"name", "uid"})
_CERTIFICATE = re.compile(r"[\w+/=-]{64,}|-----BEGIN [\s\S]*|‹opaque›")
"""``certificate`` holds one in a CSR's status; in a custom resource it may be a name (certificates/v1/types.go)."""
# Whose `nodeName` the scheduler or a controller filled in; anywhere else it is what the author wrote.
_PLACED_KINDS = frozenset({"", "pod", "endpointslice", "endpoints", "event", "podmetrics", "volumeattachment", "list"})
_OPAQUE_VALUE = re.compile(r"[\w+/=.‹›-]+")
_CIDR_KEYS = frozenset({"podCIDR", "podCIDRs"})
_UID_KEYS = frozenset({"uid", "controller-uid", "batch.kubernetes.io/controller-uid"})
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_TIME_KEY = re.compile(r"(?:[tT]ime(?:stamp)?|At|lastSeen|firstSeen|LastUpdated|[dD]eployed|updated)$")
_KEY_LINE = re.compile(
    r"^(?P<lead>[+\-\s]*(?:- )?\"?)(?P<key>[A-Za-z][\w./-]*)(?P<colon>\"?:\s+)"
    r"(?P<quote>\"?)(?P<value>[^\"]*?)(?P<end>\"?,?)$"
)


_MOST_VALUES = 2_000_000
_DEEPEST = 100
_INDENTS = re.compile(r"(?m)^[ \-?]+")
_BRACKETS = re.compile(r"[\[\]{}]")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without timestamps: a date stays the text that was printed."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE_TAG = "tag:yaml.org,2002:merge"


def mask_scalar(key: str, value: object, names: Names) -> object:
    """One value under its key, volatile parts masked."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        if key == "nodePort" and value in masks.NODE_PORTS and str(value) not in names.literals:
            return masks.PORT
        if key == "healthCheckNodePort" and value:
            return masks.PORT
        return value
    text = names.symbolise(str(value))
    if key in _ADDRESS_KEYS:
        return text if text in names.literals else addresses(text)
    if key in _NODE_KEYS:
        return names.node(text)
    if key in _UID_KEYS:
        return masks.text(text) if text else text
    if key in _OPAQUE_KEYS and (key != "certificate" or _CERTIFICATE.fullmatch(text)):
        return masks.OPAQUE if text else text
    if key in _CIDR_KEYS:
        return masks.CIDR if text else text
    if key == "nodePort":
        return masks.PORT if text.isdecimal() and int(text) in masks.NODE_PORTS and text not in names.literals else text
    if key in _COUNTED and text:
        return masks.NUMBER
    if key == "message":
        text = message(text, names)
    return names.mask(masks.text(text, names.literals, names.addresses))


def line(text: str, names: Names) -> str | None:
    """A ``key: value`` line of YAML or JSON inside other text (a diff, a cut-off dump); None if its key has no rule."""
    match = _KEY_LINE.match(text)
    if match is None:
        return None
    key = match["key"]
    if key in _DROPPED | _COUNTED and key not in {"creationTimestamp", "uid"}:
        # A generation in a diff counts the author's own changes: it is told, as in the output.
        masked: object = match["value"] if key in {"generation", "observedGeneration"} else masks.NUMBER
    elif key in _OPAQUE_KEYS and not _OPAQUE_VALUE.fullmatch(match["value"]):
        return None
    elif key in _ADDRESS_KEYS | _NODE_KEYS | _UID_KEYS | _OPAQUE_KEYS | _CIDR_KEYS | {"nodePort"}:
        masked = mask_scalar(key, match["value"], names)
    else:
        return None
    return f"{match['lead']}{key}{match['colon']}{match['quote']}{masked}{match['end']}"


def _name(metadata: Mapping[str, Any], kind: str, names: Names) -> None:
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if isinstance(name, str):
        if isinstance(prefix, str) and prefix:
            names.know_generated(name, prefix)
        names.own(kind, name)
        names.know(name, kind)


def _walk(value: Any, key: str, names: Names, *, meta: bool = False, kind: str = "") -> Any:
    match value:
        case Mapping():
            return _mapping(value, names, meta=meta, kind=kind)
        case str() if key in _NODE_KEYS and kind not in _PLACED_KINDS:
            return names.symbolise(value)
        case list():
            items = [_walk(item, key, names, kind=kind) for item in value]
            # Endpoints are a set: their order is the order in which pods got their addresses.
            if key in {"addresses", "endpoints", "notReadyAddresses", "ingress", "podIPs"}:
                items.sort(key=lambda item: json.dumps(item, sort_keys=True))
            return items
        case _:
            return mask_scalar(key, value, names)


def _mapping(value: Mapping[Any, Any], names: Names, *, meta: bool, kind: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if isinstance(value.get("kind"), str):
        kind = str(value["kind"]).lower()
    metadata = value.get("metadata")
    if isinstance(metadata, Mapping):
        _name(metadata, kind, names)
    node = _written_node(value, kind, names)
    opaque = value.get("type") == "helm.sh/release.v1" and "data" in value  # a release is stored with its times
    for raw_key, item in value.items():
        key = str(raw_key)
        if meta and key in _DROPPED:
            continue
        if _is_counted(key, value) and not meta and not isinstance(item, Mapping):
            continue
        if key == _LAST_APPLIED and isinstance(item, str):
            result[key] = _last_applied(item, names)
        elif opaque and key == "data":
            result[key] = masks.OPAQUE
        elif meta and key == "name" and isinstance(item, str):
            result[key] = names.know(item, kind) if names.know(item, kind) != item else mask_scalar(key, item, names)
        elif (isinstance(item, str) and _TIME_KEY.search(key) and masks.text(item) != item) or (
            key == "time" and isinstance(item, str)
        ):
            result[key] = masks.text(item)
        else:
            result[key] = _walk(item, key, names, meta=key == "metadata", kind=kind)
    if node:
        result["spec"]["nodeName"] = node
    return result


def _written_node(value: Mapping[Any, Any], kind: str, names: Names) -> str:
    """The node of a pod that the author put somewhere; empty for any other object."""
    metadata, spec = value.get("metadata"), value.get("spec")
    if kind != "pod" or not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        return ""
    pod, node = metadata.get("name"), spec.get("nodeName")
    if not isinstance(pod, str) or not isinstance(node, str) or names.manifests.nodes_of(pod) is None:
        return ""
    return names.node(node, pod)


def _is_counted(key: str, siblings: Mapping[Any, Any]) -> bool:
    """Whether the server counts writes under this key: `spec.generation` of a custom resource is anybody's."""
    if key == "resourceVersion":  # of an ObjectReference
        return not _REFERENCE.isdisjoint(siblings)
    return key in _COUNTED and key != "generation"


def _last_applied(text: str, names: Names) -> Any:
    try:
        return _walk(json.loads(text), "", names)
    except ValueError:
        return text


def _sorted_items(document: Any, hints: Hints) -> Any:
    """A List's items in canonical order, unless the command sorts them."""
    if isinstance(document, dict) and isinstance(document.get("items"), list) and not hints.sort_by:
        document["items"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    return document


def _learn(value: Any, names: Names) -> None:
    """Owners and generateNames first: an item may name a pod that stands further down."""
    if isinstance(value, Mapping):
        metadata = value.get("metadata")
        if isinstance(metadata, Mapping):
            _name(metadata, str(value.get("kind", "")).lower(), names)
        for item in value.get("items", ()) if isinstance(value.get("items"), list) else ():
            _learn(item, names)


def read(text: str, style: str, hints: Hints, names: Names, title: str = "") -> Values | None:
    """The values in a text of JSON or YAML, or None when it is neither."""
    if _is_deep(text):
        return None
    try:
        raw = _json_documents(text) if style == "json" else _yaml_documents(text)
        if not raw or not all(isinstance(document, dict | list) for _, document in raw):
            return None
        for _, document in raw:
            _learn(document, names)
        documents = []
        for source, document in raw:
            canonical = _sorted_items(_walk(document, "", names), hints)
            documents.append(Document(json.dumps(canonical, sort_keys=True, ensure_ascii=False), source, document))
    except (ValueError, yaml.YAMLError):
        return None
    return Values(style, tuple(documents), title, bool(hints.sort_by))


def without_keys(document: Document, dropped: Collection[str]) -> Document:
    """The document without members of those names (lower case), wherever they are."""

    def thin(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: thin(item) for key, item in value.items() if key.lower() not in dropped}
        return [thin(item) for item in value] if isinstance(value, list) else value

    kept = json.dumps(thin(json.loads(document.value)), sort_keys=True, ensure_ascii=False)
    return Document(kept, document.source, document.raw)


def keys(value: Any) -> Iterator[str]:
    """Every key of a value, at any depth."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(item)
    yield from value if isinstance(value, dict) else ()


def _is_deep(text: str) -> bool:
    """Whether a text may nest deeper than any real one: the parsers recurse, libyaml's composer without a check."""
    if max((match.end() - match.start() for match in _INDENTS.finditer(text)), default=0) > 2 * _DEEPEST:
        return True
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1 if depth else 0
        if depth > _DEEPEST:
            return True
    return False


def values(objects: Iterable[Mapping[str, Any]], names: Names) -> Values:
    """The canonical values of API objects, one document each, in canonical order."""
    found = list(objects)
    for item in found:
        _learn(item, names)
    documents = [
        Document(json.dumps(_walk(item, "", names), sort_keys=True, ensure_ascii=False), "", item) for item in found
    ]
    return Values("json", tuple(sorted(documents, key=lambda document: erase(document.value))))


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def _json_documents(text: str) -> list[tuple[str, Any]]:
    decoder, position, found = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite), 0, []
    text = text.strip()
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        found.append(("", value))
        while position < len(text) and text[position].isspace():
            position += 1
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _yaml_documents(text: str) -> list[tuple[str, Any]]:
    found = []
    for chunk in re.split(r"(?m)^---[ \t]*$", text):
        if not chunk.strip():
            continue
        source = re.search(r"(?m)^# Source: (.+)$", chunk)
        loader = _Loader(chunk)
        try:
            node = loader.get_single_node()
            value = _value(node, loader, [_MOST_VALUES], 0) if node is not None else None
        finally:
            loader.dispose()
        if value is None and not source:
            continue
        found.append((source[1] if source else "", value))
    return found


def _value(node: yaml.Node, loader: _Loader, budget: list[int], depth: int) -> Any:
    """The value of a node as JSON knows it: keys are text, nothing but scalars, lists and maps.

    Budget and depth stop a document whose aliases multiply or hold themselves (output is hostile input).
    """
    budget[0] -= 1
    if budget[0] < 0 or depth > _DEEPEST:
        raise ValueError("too many values")
    if node.tag == _TEXT_TAG and isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.MappingNode):
        if any(key.tag == _MERGE_TAG for key, _ in node.value):
            loader.flatten_mapping(node)
        pairs = [(_value(key, loader, budget, depth + 1), item) for key, item in node.value]
        return {str(key): _value(item, loader, budget, depth + 1) for key, item in pairs}
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, loader, budget, depth + 1) for item in node.value]
    value = loader.construct_object(node)
    if isinstance(value, bool | int) or value is None:
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)
