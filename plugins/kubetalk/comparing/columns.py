"""The columns of kubectl, Helm and istioctl tables: which exist per kind, and what a cell of each may vary in.

Columns per kind: kubernetes/pkg/printers/internalversion/printers.go, AddHandlers (v1.36.4); those after ``|`` are
printed with ``-o wide`` only. All others: see the functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from kubetalk.comparing import masks
from kubetalk.comparing.cells import addresses, message
from kubetalk.comparing.names import Names
from kubetalk.comparing.structured import mask_scalar

_COLUMNS = {
    "pod": "NAME,READY,STATUS,RESTARTS,AGE|IP,NODE,NOMINATED NODE,READINESS GATES",
    "deployment": "NAME,READY,UP-TO-DATE,AVAILABLE,AGE|CONTAINERS,IMAGES,SELECTOR",
    "replicaset": "NAME,DESIRED,CURRENT,READY,AGE|CONTAINERS,IMAGES,SELECTOR",
    "replicationcontroller": "NAME,DESIRED,CURRENT,READY,AGE|CONTAINERS,IMAGES,SELECTOR",
    "daemonset": "NAME,DESIRED,CURRENT,READY,UP-TO-DATE,AVAILABLE,NODE SELECTOR,AGE|CONTAINERS,IMAGES,SELECTOR",
    "statefulset": "NAME,READY,AGE|CONTAINERS,IMAGES",
    "job": "NAME,STATUS,COMPLETIONS,DURATION,AGE|CONTAINERS,IMAGES,SELECTOR",
    "cronjob": "NAME,SCHEDULE,TIMEZONE,SUSPEND,ACTIVE,LAST SCHEDULE,AGE|CONTAINERS,IMAGES,SELECTOR",
    "service": "NAME,TYPE,CLUSTER-IP,EXTERNAL-IP,PORT(S),AGE|SELECTOR",
    "endpoints": "NAME,ENDPOINTS,AGE",
    "endpointslice": "NAME,ADDRESSTYPE,PORTS,ENDPOINTS,AGE",
    "ingress": "NAME,CLASS,HOSTS,ADDRESS,PORTS,AGE",
    "ingressclass": "NAME,CONTROLLER,PARAMETERS,AGE",
    "node": "NAME,STATUS,ROLES,AGE,VERSION|INTERNAL-IP,EXTERNAL-IP,OS-IMAGE,KERNEL-VERSION,CONTAINER-RUNTIME",
    "event": "LAST SEEN,TYPE,REASON,OBJECT,MESSAGE",
    "namespace": "NAME,STATUS,AGE",
    "secret": "NAME,TYPE,DATA,AGE",
    "configmap": "NAME,DATA,AGE",
    "serviceaccount": "NAME,AGE",
    "persistentvolume": "NAME,CAPACITY,ACCESS MODES,RECLAIM POLICY,STATUS,CLAIM,STORAGECLASS,VOLUMEATTRIBUTESCLASS,"
    "REASON,AGE|VOLUMEMODE",
    "persistentvolumeclaim": "NAME,STATUS,VOLUME,CAPACITY,ACCESS MODES,STORAGECLASS,VOLUMEATTRIBUTESCLASS,"
    "AGE|VOLUMEMODE",
    "storageclass": "NAME,PROVISIONER,RECLAIMPOLICY,VOLUMEBINDINGMODE,ALLOWVOLUMEEXPANSION,AGE",
    "horizontalpodautoscaler": "NAME,REFERENCE,TARGETS,MINPODS,MAXPODS,REPLICAS,AGE",
    "networkpolicy": "NAME,POD-SELECTOR,AGE",
    "poddisruptionbudget": "NAME,MIN AVAILABLE,MAX UNAVAILABLE,ALLOWED DISRUPTIONS,AGE",
    "role": "NAME,CREATED AT",
    "clusterrole": "NAME,CREATED AT",
    "rolebinding": "NAME,ROLE,AGE|USERS,GROUPS,SERVICEACCOUNTS",
    "clusterrolebinding": "NAME,ROLE,AGE|USERS,GROUPS,SERVICEACCOUNTS",
    "lease": "NAME,HOLDER,AGE",
    "controllerrevision": "NAME,CONTROLLER,REVISION,AGE",
    "resourcequota": "NAME,REQUEST,LIMIT,AGE",
    "priorityclass": "NAME,VALUE,GLOBAL-DEFAULT,AGE,PREEMPTIONPOLICY",
    "certificatesigningrequest": "NAME,AGE,SIGNERNAME,REQUESTOR,REQUESTEDDURATION,CONDITION",
    "customresourcedefinition": "NAME,CREATED AT",
    "apiservice": "NAME,SERVICE,AVAILABLE,AGE",
    "runtimeclass": "NAME,HANDLER,AGE",
    "componentstatus": "NAME,STATUS,MESSAGE,ERROR",
    "volumeattachment": "NAME,ATTACHER,PV,NODE,ATTACHED,AGE",
}

NARROW: Mapping[str, tuple[str, ...]] = {
    kind: tuple(columns.partition("|")[0].split(",")) for kind, columns in _COLUMNS.items()
}
WIDE: Mapping[str, tuple[str, ...]] = {
    kind: tuple(filter(None, re.split("[,|]", columns))) for kind, columns in _COLUMNS.items()
}

# Columns that tell the kind when nothing else does.
_TELLING = {
    frozenset({"READY", "STATUS", "RESTARTS"}): "pod",
    frozenset({"CLUSTER-IP", "PORT(S)"}): "service",
    frozenset({"ADDRESSTYPE", "ENDPOINTS"}): "endpointslice",
    frozenset({"DESIRED", "CURRENT", "UP-TO-DATE"}): "daemonset",
    frozenset({"DESIRED", "CURRENT", "READY"}): "replicaset",
    frozenset({"READY", "UP-TO-DATE", "AVAILABLE"}): "deployment",
    frozenset({"COMPLETIONS", "DURATION"}): "job",
    frozenset({"SCHEDULE", "SUSPEND"}): "cronjob",
    frozenset({"LAST SEEN", "REASON"}): "event",
    frozenset({"CONTROLLER", "REVISION"}): "controllerrevision",
    frozenset({"SIGNERNAME", "REQUESTOR"}): "certificatesigningrequest",
    frozenset({"STATUS", "ROLES", "VERSION"}): "node",
}

_AGES = frozenset({
    "AGE", "LAST SEEN", "FIRST SEEN", "DURATION", "LAST SCHEDULE", "TIMEADDED", "LAST UPDATE", "LAST UPDATED",
    "LAST SYNC", "LAST TRANSITION",
})  # fmt: skip
_OF_KIND = {"DURATION": "job", "TARGETS": "horizontalpodautoscaler"}
"""Headers that only in the tables of one kind say what these rules take them for."""
_ADDRESSES = frozenset(
    ["IP", "IPS", "CLUSTER-IP", "EXTERNAL-IP", "INTERNAL-IP", "ADDRESS", "POD-IP", "POD IP", "HOST IP", "NODE IP"]
)
_LABELS = frozenset(["LABELS", "SELECTOR", "NODE SELECTOR", "POD-SELECTOR", "POD LABELS"])
_PRIVATE_LABELS = frozenset({"controller-uid", "batch.kubernetes.io/controller-uid"})
_USAGE = re.compile(r"(CPU|MEMORY|SWAP)(\((cores|bytes|%)\)|%)", re.IGNORECASE)
_QUANTITY = re.compile(r"\d+(?:\.\d+)?(?:m|n|u|[KMGTPE]i?|%)?|‹n›(?:[a-zA-Z%]*)")
_GAP = re.compile(r"\s{2,}")
_MORE = re.compile(r"(?P<list>.*?) \+ (?P<more>\d+) more\.\.\.", re.DOTALL)

# What an environment is made of: a newer one is a newer version, whatever the text.
ENVIRONMENT = frozenset(["OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"])

Cell = Callable[[str], str]


def kind_by_columns(columns: tuple[str, ...]) -> str:
    """The kind a header belongs to, or empty."""
    have = frozenset(columns)
    return next((kind for telling, kind in _TELLING.items() if telling <= have), "")


def ports(cell: str) -> str:
    """``80:31380/TCP`` -> ``80:‹port›/TCP``: only node ports are chance (printers.go, makePortString)."""
    if ":" not in cell:
        return cell
    return re.sub(
        r"(?<=:)(\d{5})(?=/[A-Z]+(?:,|$))",
        lambda match: masks.PORT if int(match[1]) in masks.NODE_PORTS else match[1],
        cell,
    )


def endpoints(cell: str) -> str:
    """A set of addresses; which three are printed before ``+ N more...`` is chance (printers.go, formatEndpoints)."""
    if not cell or cell[0] == "<":
        return cell
    more = _MORE.fullmatch(cell)
    listed = sorted(addresses(" ".join(piece.split())) for piece in (more["list"] if more else cell).split(","))
    return ",".join(listed) + (f" + {more['more']} more..." if more else "")


def labels(cell: str) -> str:
    """``k=v`` pairs as a map: sorted, the random controller-uid masked (labels.FormatLabels, printers.go)."""
    if "=" not in cell:
        return cell
    pairs = []
    for pair in cell.split(","):
        key, equals, value = pair.partition("=")
        if not equals or " " in key:
            return cell  # a set-based selector: `app in (a,b)`
        pairs.append(f"{key}={masks.UUID if key in _PRIVATE_LABELS else value}")
    return ",".join(sorted(pairs))


def usage(cell: str) -> str:
    """A measured quantity: the unit stays, the number is chance (kubectl top, metrics_printer.go)."""
    if not _QUANTITY.fullmatch(cell):
        return cell
    return masks.NUMBER + re.sub(r"^[\d.]+|^‹n›", "", cell)


def targets(cell: str) -> str:
    """``cpu: 3%/80%`` -> ``cpu: ‹n›/80%``: the current value is measured; ``<unknown>`` stays (formatHPAMetrics)."""
    return re.sub(r"(?<![\w.])\d+(?:\.\d+)?[a-zA-Z%]*(?=/)", masks.NUMBER, cell)


def holder(cell: str) -> str:
    """The holder of a Lease: host name and UUID (client-go leaderelection: hostname + "_" + uuid)."""
    return re.sub(r"[\w.-]+_(?:[0-9a-f]{8}-[0-9a-f-]{27}|‹uuid›)$", "‹host›_‹uuid›", cell)


class _Memo(dict[str, str]):
    """The canonical cells of one column by what was printed: cells repeat far more often than they differ."""

    def __init__(self, function: Cell, names: Names) -> None:
        super().__init__()
        self._function = function
        self._names = names

    def __missing__(self, cell: str) -> str:
        found = self._function(self._names.symbolise(cell))
        if "  " in found:  # printed again, it would be the border of two cells
            found = _GAP.sub("‹gap›", found)
        self[cell] = found
        return found


class Cells:
    """Masks the cells of one table, column by column."""

    def __init__(
        self, kind: str, columns: tuple[str, ...], names: Names, paths: Mapping[str, str] | None = None
    ) -> None:
        self._names = names
        self.kind = kind
        self._paths = paths or {}
        self._functions = [self._choose(column) for column in columns]

    def rows(self, raw: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        """The canonical cells of all rows, in their order."""
        if not raw:
            return iter(())
        columns = zip(self._functions, zip(*raw, strict=True), strict=True)
        return zip(
            *[list(map(_Memo(function, self._names).__getitem__, cells)) for function, cells in columns], strict=True
        )

    def _text(self, cell: str) -> str:
        masked = masks.text(self._names.symbolise(cell), self._names.literals, self._names.addresses)
        return self._names.mask(masked)

    def _name(self, cell: str) -> str:
        prefix, slash, name = cell.rpartition("/")
        kind = prefix.partition(".")[0].lower() if slash else self.kind
        if not slash and self.kind in {"proxy", "endpointslice", "pod"} and "." in name:
            head, dot, rest = name.partition(".")
            return self._names.know(head, "pod") + dot + rest
        known = self._names.know(name, kind)
        return prefix + slash + (known if known != name else self._text(name))

    def _choose(self, column: str) -> Cell:
        header = column.upper()
        if column in self._paths:
            return self._by_path(self._paths[column])
        if told := self._names.manifests.column_type(self.kind, header):
            return masks.age if told == "date" else self._name if header == "NAME" else self._text
        if self.kind and self.kind != _OF_KIND.get(header, self.kind):
            return self._text
        if header in _AGES:
            return masks.age
        if header in _LABELS:
            return lambda cell: self._names.mask(labels(cell))
        if header in _ADDRESSES:
            return lambda cell: self._literal(cell, addresses)
        if _USAGE.fullmatch(column):
            return usage
        return self._by_header(header)

    def _by_header(self, header: str) -> Cell:
        rules: dict[str, Cell] = {
            "RESTARTS": masks.restarts,
            "PORT(S)": lambda cell: self._literal(cell, ports),
            "ENDPOINTS": endpoints,
            "ENDPOINT": endpoints,
            "TARGETS": targets,
            "HOLDER": lambda cell: self._text(holder(cell)),
            "SERIAL NUMBER": lambda cell: "‹serial›" if re.fullmatch(r"[0-9a-f]{8,}", cell) else cell,
            "MESSAGE": self._message,
            "OBJECT": self._name,
            "POD": lambda cell: self._names.know(cell, "pod"),
            "CONTROLLED BY": self._name,
        }
        if self.kind == "event":
            rules["COUNT"] = lambda cell: masks.NUMBER if cell.isdecimal() else cell
        else:
            rules["NAME"] = self._name
        if self.kind in {"pod", ""}:
            rules.update(dict.fromkeys(("NODE", "NODENAME", "NOMINATED NODE"), self._names.node))
        return rules.get(header, self._text)

    def _literal(self, cell: str, function: Cell) -> str:
        """What the author wrote in a command or file is no chance: it stays."""
        literals = self._names.literals
        if cell in literals:
            return cell
        masked = function(cell)
        if masked != cell and any(piece in literals for piece in re.split(r"[,:/]", cell)):
            parts = [piece if set(re.split(r"[:/]", piece)) & literals and _fixed(piece, literals) else function(piece)
                     for piece in cell.split(",")]  # fmt: skip
            return ",".join(parts)
        return masked

    def _message(self, cell: str) -> str:
        return self._text(message(cell, self._names))

    def _by_path(self, path: str) -> Cell:
        """A custom column is typed by the last key of its JSONPath."""
        key = re.sub(r"\[[^\]]*\]", "", path).rpartition(".")[2]
        parts = re.sub(r"\[[^\]]*\]", "", path).strip(".").split(".")

        def mask(cell: str) -> str:
            if key == "name" and parts[-2:-1] == ["metadata"]:
                return self._name(cell)
            return ",".join(str(mask_scalar(key, piece, self._names)) for piece in cell.split(","))

        return mask


def _fixed(piece: str, literals: set[str]) -> bool:
    """Whether the part of a cell that would be masked is one the author wrote."""
    port = re.search(r":(\d{5})/", piece)
    return (port[1] in literals) if port else piece.partition(":")[0] in literals
