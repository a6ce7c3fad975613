"""What the author's manifests say about outputs to come: where pods have to run, which columns of a kind are times.

A pod that a manifest puts on a node (``nodeName``, a ``nodeSelector`` or a required ``nodeAffinity`` on labels that the
author gave to nodes) is there by intent; on which of several equal nodes any other pod lands is the scheduler's choice
(core/v1/types.go, PodSpec and NodeAffinity; pkg/scheduler/schedule_one.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from kubetalk.comparing.commands import Hints, Invocation, heredocs

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACES = re.compile(r"nodeName|nodeSelector|nodeAffinity")
_COLUMNS = re.compile(
    r"(?m)^(?P<indent> *)(?:- )?additionalPrinterColumns:[ \t]*"
    r"(?:(?P<flow>\[.*\])\s*$|\n(?P<block>(?:(?P=indent)[ -].*\n?)+))"
    r"|additionalPrinterColumns: (?P<inline>\[[^\]]*\])"
)
_CALLED = re.compile(r"(?:plural|singular|kind)[\"']?[ \t]*:[ \t]*[\"']?([A-Za-z][\w-]*)")
_DOCUMENTS = re.compile(r"(?m)^---.*$")
_KIND = re.compile(r"(?m)^[ \t{\"']*kind[\"']?[ \t]*:[ \t]*[\"']?(\w+)")
_NAME = re.compile(r"(?<![\w.-])name[\"']?\s*:\s*[\"']?([a-z0-9][a-z0-9.-]*)")
_WORKLOADS = frozenset(
    {"pod", "deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "replicationcontroller"}
)
_HOST_NAME = "kubernetes.io/hostname"

# What a pod's name begins with is its owner's: Deployment, CronJob, then one suffix or ordinal (see `names`).
_RANDOM = r"(?:[bcdfghjklmnpqrstvwxz2456789]{5}|‹#\d+›)"
_OWNERS = (
    re.compile(rf"(.+)-(?:[456789bcdf]{{1,10}}|‹hash›)-{_RANDOM}"),
    re.compile(rf"(.+)-[23]\d{{7}}-{_RANDOM}"),
    re.compile(rf"(.+)-(?:{_RANDOM}|\d+)"),
)

_Term = tuple[str, frozenset[str] | None]
"""Label key and the values it may have (any when None); the key `_HOST_NAME` names nodes themselves."""
_Pin = tuple[_Term, ...]


class Manifests:
    """Placements and printer columns, as far as the author wrote them; feed files first, then commands in order."""

    def __init__(self) -> None:
        self._filed: dict[str, set[_Pin]] = {}
        self._pins: dict[str, _Pin] = {}
        self._labels: dict[str, dict[str, str]] = {}  # key -> node -> value
        self._vague: set[str] = set()  # keys given to nodes that no text names
        self._columns: dict[str, dict[str, str]] = {}  # kind -> header -> type

    def read_files(self, texts: Iterable[str]) -> None:
        """Take in manifests. One that pins a workload counts only if no other of the same name says otherwise."""
        known = list(texts)
        for text in known:
            self._read_columns(text)
        if not any(map(_PLACES.search, known)):
            return
        for text in known:
            for name, pin in _workloads(text):
                self._filed.setdefault(name, set()).add(pin)

    def read_command(self, hints: Hints) -> None:
        """Take in what a command says: labels of nodes, manifests in heredocs, patches and overrides."""
        for call in hints.invocations:
            if call.tool == "kubectl" and call.verb == "label" and call.words[1:2] in {("node",), ("nodes",), ("no",)}:
                self._label(call)
        if "additionalPrinterColumns" not in hints.command and not _PLACES.search(hints.command):
            return
        for text in heredocs(hints.command):
            self._read_columns(text)
            self._pins.update(pair for pair in _workloads(text))
        for call in hints.invocations:
            for flag in ("p", "patch", "overrides"):
                pin = _pin(_parse(call.flags.get(flag, "")))
                if pin:
                    self._pins.update((name, pin) for kind, name in hints.owners if kind in _WORKLOADS)

    def nodes_of(self, pod: str) -> frozenset[str] | None:
        """The nodes that the author lets this pod run on; None when that is the scheduler's choice."""
        if not self._filed and not self._pins:
            return None
        names = [pod, *(match[1] for pattern in _OWNERS if (match := pattern.fullmatch(pod)))]
        for name in names:
            filed = self._filed.get(name, set())
            pin = self._pins.get(name, next(iter(filed)) if len(filed) == 1 else ())
            sets = [nodes for term in pin if (nodes := self._nodes(term)) is not None]
            if sets:
                return frozenset.intersection(*sets)
        return None

    def column_type(self, kind: str, header: str) -> str:
        """``date``, ``string``, … of a custom resource's column; empty when no manifest of the author's says."""
        return self._columns.get(kind, {}).get(header, "")

    def _nodes(self, term: _Term) -> frozenset[str] | None:
        key, values = term
        labelled = self._labels.get(key, {})
        if key == _HOST_NAME:
            return values
        if key in self._vague or not labelled:
            return None
        return frozenset(node for node, value in labelled.items() if values is None or value in values) or None

    def _label(self, call: Invocation) -> None:
        words = call.words[2:]
        nodes = [word for word in words if "=" not in word and not word.endswith("-")]
        vague = not nodes or any("$" in node for node in nodes)
        for word in words:
            key, equals, value = word.partition("=")
            if equals and vague:
                self._vague.add(key)
            elif equals:
                self._labels.setdefault(key, {}).update(dict.fromkeys(nodes, value))
            elif word.endswith("-"):
                for node in nodes:
                    self._labels.get(word[:-1], {}).pop(node, None)

    def _read_columns(self, text: str) -> None:
        if "additionalPrinterColumns" not in text:
            return
        for chunk in _DOCUMENTS.split(text):
            found: dict[str, str] = {}
            for match in _COLUMNS.finditer(chunk):
                columns = _parse(match["flow"] or match["inline"] or match["block"])
                for column in columns if isinstance(columns, list) else ():
                    if isinstance(column, dict) and isinstance(column.get("name"), str):
                        found[column["name"].upper()] = str(column.get("type", ""))
            for kind in set(map(str.lower, _CALLED.findall(chunk))) if found else ():
                self._columns.setdefault(kind, {}).update(found)


def _parse(text: str) -> Any:
    """The value in a text; None if it is no YAML (a template, a shell variable in a wrong place)."""
    try:
        return yaml.load(text, Loader=_LOADER) if text else None  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _workloads(text: str) -> Iterator[tuple[str, _Pin]]:
    """Every workload of a text with its pin, which is empty for one that may run anywhere."""
    for chunk in _DOCUMENTS.split(text):
        kind, name = _KIND.search(chunk), _NAME.search(chunk)
        if kind is None or name is None or kind[1].lower() not in _WORKLOADS:
            continue
        document = _parse(chunk) if _PLACES.search(chunk) else None
        metadata = document.get("metadata") if isinstance(document, dict) else None
        if isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
            yield metadata["name"], _pin(document)
        else:
            yield name[1], ()


def _pin(value: Any) -> _Pin:
    """The terms of the first pod spec in a manifest or patch."""
    if isinstance(value, list):
        return next((pin for item in value if (pin := _pin(item))), ())
    if not isinstance(value, Mapping):
        return ()
    terms: list[_Term] = []
    node, selector = value.get("nodeName"), value.get("nodeSelector")
    if isinstance(node, str) and "$" not in node:
        terms.append((_HOST_NAME, frozenset({node})))
    if isinstance(selector, Mapping):
        terms += [(str(key), frozenset({str(wanted)})) for key, wanted in selector.items() if "$" not in str(wanted)]
    affinity = value.get("affinity")
    if isinstance(affinity, Mapping):
        terms += _required(affinity.get("nodeAffinity"))
    return tuple(terms) or next((pin for item in value.values() if (pin := _pin(item))), ())


def _required(affinity: Any) -> list[_Term]:
    """The terms of a required node affinity; none when there are alternatives or other operators than these two."""
    selector = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") if isinstance(affinity, Mapping) else None
    alternatives = selector.get("nodeSelectorTerms") if isinstance(selector, Mapping) else None
    if not isinstance(alternatives, list) or len(alternatives) != 1 or not isinstance(alternatives[0], Mapping):
        return []
    terms: list[_Term] = []
    for expression in alternatives[0].get("matchExpressions") or ():
        if isinstance(expression, Mapping) and expression.get("operator") in {"In", "Exists"}:
            values = expression.get("values") if expression["operator"] == "In" else None
            terms.append((str(expression.get("key")), frozenset(map(str, values)) if values else None))
    return terms
