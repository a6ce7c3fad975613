"""Plain lines: what kubectl says it did, warnings and errors, progress, logs, diffs, HTTP headers, and all the rest."""

from __future__ import annotations

import re

from kubetalk.comparing import masks, structured, templates
from kubetalk.comparing.commands import Hints
from kubetalk.comparing.forms import Line, LineKind, Lines
from kubetalk.comparing.names import CLOSE, OPEN, Names

# cli-runtime/pkg/printers/name.go: kind[.group]/name operation; kubectl/pkg/cmd/delete/delete.go: kind "name" deleted.
_VERB = re.compile(
    r"(?P<object>[a-z][\w-]*(?:\.[\w.-]+)?/\S+) (?P<verb>[a-z][a-z ()-]*(?:; .*)?)$"
    r"|(?P<deleted>[a-z][\w-]*(?:\.[\w.-]+)? \"[^\"]+\") "
    r"(?P<gone>(?:force )?deleted(?: \((?:server )?dry run\))?(?: from \S+ namespace)?)$"
)
_OPERATIONS = frozenset({
    "created", "configured", "unchanged", "deleted", "patched", "edited", "exposed", "labeled", "unlabeled",
    "annotated", "scaled", "autoscaled", "restarted", "replaced", "pruned", "cordoned", "uncordoned", "drained",
    "evicted", "tainted", "untainted", "paused", "resumed", "rolled", "updated", "serverside-applied", "approved",
    "denied", "reconciled", "already", "not", "condition", "image", "env", "no", "force",
})  # fmt: skip
# What goes to standard error: where it stands between the lines of standard output is chance.
_MESSAGE = re.compile(
    r"Warning: |Error from server|[Ee]rror: |No resources found|Flag --\S+ has been deprecated|level=[A-Z]+ "
    r"|Unable to connect to the server|The connection to the server |[IWEF]\d{4} \d\d:\d\d:|[IWEF]‹klog› |warning: |W!"
    r"|Unable to use a TTY|The [A-Z]\w+ \"[^\"]*\" is invalid"
)
ERROR = re.compile(
    r"Error from server|[Ee]rror(?::|\b)|level=ERROR|Unable to connect|The connection to the server|[EF]‹klog›"
    r"|is invalid|[Ff]ailed|forbidden|denied|not found|panic:|fatal"
)
# Progress: how many lines are printed depends on how often the tool looked. Sources: kubectl rollout_status.go,
# kubectl/pkg/drain/drain.go, istioctl's progress log (operator/pkg/util/progress/progress.go), Helm's --wait.
_PROGRESS = re.compile(
    r"Waiting for (?:deployment|daemon set|statefulset|partitioned roll out|\d+ pods)\b.*"
    r"|error when evicting pods/.*\(will retry after .*"
    r"|evicting pod \S+"
    r"|[-|/\\] (?:Processing resources for|Pruning removed resources).*"
    r"|(?:wait|beginning wait) for \d+ resources.*"
)
# `kubectl wait --for=delete` tells of the objects that were still there when it began (kubectl/pkg/cmd/wait/delete.go).
_OF_PODS = ("get", "delete", "wait", "top")
"""Verbs of listings whose words are names of pods when only pods are asked for: -o name, jsonpath, go-template."""
_GONE_ALREADY = re.compile(r"\S+/\S+ condition met")
# Which pods a drained node held was the scheduler's choice; only a DaemonSet's is always there (kubectl/pkg/drain).
_EVICTED = re.compile(r"pod/\S+ (?:evicted|deleted)|(?:Warning: )?deleting Pods .*")
_DAEMONS = re.compile(r"ignoring DaemonSet-managed Pods: ([^;]*)")
_DRAIN_CLAUSE = re.compile(r"(?<=^Warning: )deleting Pods [^;]*; |; deleting Pods [^;]*")
_FOUND = re.compile(r"^(Found \d+ pods, using pod/)(\S+)$")
# HTTP headers whose value is a time, a duration or an id (RFC 9110; Envoy's response headers).
_HTTP = re.compile(
    r"(?i)^([<>]? ?(?:(?P<plain>date|age|expires|last-modified)|x-envoy-upstream-service-time|x-request-id|x-b3-\w+|"
    r"traceparent|audit-id|x-kubernetes-pf-\w+-uid|etag|set-cookie): ).+$"
)
_SPEAKS_HTTP = re.compile(r"(?<![\w.-])(?:curl|wget|https?|httpie|xh|hey|fortio)(?![\w.-]|://)")
# How long it took until curl gave up (curl's lib/connect.c and lib/multi.c).
_CURL_SPEAKS = re.compile(r"curl: \(\d+\) |(?P<verbose>\* )")
_CURL_TOOK = re.compile(r"(?<= after )\d+(?= (?:ms|milliseconds)\b)")
_LOG_STAMP = re.compile(r"^(\[pod/\S+\] )?(?:\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?)(?=\s)")
_AGO = re.compile(r"(?<![\w.›])(\d+[smhdy](?:\d+[smhd])?)(?= ago\b)|(?<=over )(\d+[smhdy](?:\d+[smhd])?)(?=\))")
_BUDGET = re.compile(r"(?:, )?65536\.65536\.65536 \(\d+ proxies\)")


def is_message(line: str) -> bool:
    """Whether the line is one that tools print on standard error."""
    return _MESSAGE.match(line.lstrip()) is not None


def is_progress(line: str) -> bool:
    """Whether the line only tells that something is still going on."""
    return _PROGRESS.fullmatch(line) is not None


def without_chance(lines: list[str], hints: Hints) -> list[str]:
    """The lines without those that a fresh run may leave out though nothing is different."""
    if hints.runs("kubectl", "drain"):
        return [line for line in lines if _EVICTED.fullmatch(line) is None]
    if hints.runs("kubectl", "wait") and any(call.flags.get("for") == "delete" for call in hints.invocations):
        return [line for line in lines if _GONE_ALREADY.fullmatch(line) is None]
    return lines


def is_verb(line: str) -> bool:
    """Whether the line says what was done to one object."""
    match = _VERB.match(line)
    if match is None:
        return False
    return match["gone"] is not None or match["verb"].split()[0].rstrip(";") in _OPERATIONS


def subject(line: str) -> tuple[str, str]:
    """(object, what was done) of a verb line, both canonical; the whole line when it is none."""
    match = _VERB.match(line)
    if match is None:
        return line, ""
    if match["gone"] is not None:
        return match["deleted"].replace(' "', "/").rstrip('"'), match["gone"]
    return match["object"], match["verb"]


def mask_line(raw: str, hints: Hints, names: Names) -> str:
    """One line with everything volatile masked."""
    text = names.symbolise(raw.rstrip())
    if text[:1] in "IWEF":
        text = masks.klog(text) or text
    if text[:1].isdigit() or text[:1] == "[":
        text = _LOG_STAMP.sub(lambda match: (match[1] or "") + masks.TIME, text)
    match = _HTTP.match(text) if ": " in text else None
    if match is not None and not hints.runs("kubectl", "get", "describe") and _is_header(match, hints):
        return f"{match[1]}‹value›"
    if " after " in text:
        text = _without_curls_time(text, hints)
    found = _FOUND.match(text) if text.startswith("Found ") else None
    if found is not None:  # which one it takes is chance (polymorphichelpers, GetFirstPod)
        names.know(found[2], "pod")
        masked = names.mask(found[2], "pod")
        return found[1] + re.sub(f"{OPEN}[^{CLOSE}]*{CLOSE}", "‹any›", masked)
    if hints.format in {"jsonpath", "go-template"}:
        kind = hints.kinds[0] if len(hints.kinds) == 1 else ""
        owner = hints.owners[0][1] if len(hints.owners) == 1 else ""
        templated = templates.mask(text, hints.template, kind, names, owner)
        if templated is not None:
            return templated
    keyed = structured.line(text, names)
    if keyed is not None:
        return keyed
    if hints.runs("kubectl", "drain"):
        text = _DRAIN_CLAUSE.sub("", text)
        daemons = _DAEMONS.search(text)
        for name in daemons[1].split(", ") if daemons else ():
            names.know(name.rpartition("/")[2], "pod")
    if "65536." in text:
        text = _BUDGET.sub("", text)  # istioctl's own debug connection, counted as a proxy
    if " ago" in text or "over " in text:
        text = _AGO.sub(masks.AGE, text)
    text = masks.text(text, names.literals, names.addresses)
    return names.mask(text, "pod" if hints.kinds == ("pod",) and hints.runs("kubectl", *_OF_PODS) else "")


def _without_curls_time(text: str, hints: Hints) -> str:
    """An asterisk begins many a line, so it takes a curl."""
    speaks = _CURL_SPEAKS.match(text)
    if speaks is None or (speaks["verbose"] and not _SPEAKS_HTTP.search(hints.command)):
        return text
    return _CURL_TOOK.sub(masks.NUMBER, text)


def _is_header(match: re.Match[str], hints: Hints) -> bool:
    """Whether a line is one of HTTP: `age: 3` stands in many a file too, so it takes a tool that speaks it."""
    return match["plain"] is None or match[1][0] in "<>" or _SPEAKS_HTTP.search(hints.command) is not None


def lines(raw: list[str], hints: Hints, names: Names, kind: LineKind | None = None, title: str = "") -> Lines:
    """A run of lines. Blank ends are dropped, repeated blank lines and repeated messages are one."""
    for line in raw:
        if is_verb(line):
            _learn(line, names)
    masked = [Line(mask_line(line, hints, names), line) for line in raw]
    if kind is None:
        kind = LineKind.VERBS if all(is_verb(line.text) or not line.text for line in masked) else LineKind.TEXT
    if kind is LineKind.MESSAGES:
        masked = list({line.text: line for line in masked if line.text}.values())
    elif kind is LineKind.VERBS or hints.is_listing:
        masked = [line for line in masked if line.text]
    else:
        masked = [line for i, line in enumerate(masked) if line.text or (i and masked[i - 1].text)]
        while masked and not masked[-1].text:
            masked.pop()
        while masked and not masked[0].text:
            masked.pop(0)
    ordered = kind is LineKind.TEXT and not hints.is_listing
    return Lines(kind, tuple(masked), ordered, title)


def _learn(line: str, names: Names) -> None:
    done, _ = subject(line)
    prefix, _, name = done.partition("/")
    kind = prefix.partition(".")[0]
    names.own(kind, name)
    names.know(name, kind)
