"""What a command line says about the output to come: tool, verb, resource kinds, output format, sorting.

Only hints: nothing here has to understand every shell construct, a wrong hint may cost precision but never correctness,
because a shape is used only when the text really has it.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

TOOLS = frozenset({"kubectl", "helm", "istioctl"})

# Resource names as kubectl accepts them (`kubectl api-resources`, v1.36): plural, singular, short names.
_ALIASES = {
    "po": "pod", "pods": "pod", "deploy": "deployment", "deployments": "deployment", "rs": "replicaset",
    "replicasets": "replicaset", "rc": "replicationcontroller", "replicationcontrollers": "replicationcontroller",
    "ds": "daemonset", "daemonsets": "daemonset", "sts": "statefulset", "statefulsets": "statefulset",
    "svc": "service", "services": "service", "ep": "endpoints", "endpoint": "endpoints",
    "endpointslices": "endpointslice", "no": "node", "nodes": "node", "ns": "namespace", "namespaces": "namespace",
    "cm": "configmap", "configmaps": "configmap", "secrets": "secret", "sa": "serviceaccount",
    "serviceaccounts": "serviceaccount", "ev": "event", "events": "event", "jobs": "job", "cj": "cronjob",
    "cronjobs": "cronjob", "ing": "ingress", "ingresses": "ingress", "ingressclasses": "ingressclass",
    "netpol": "networkpolicy", "networkpolicies": "networkpolicy", "pv": "persistentvolume",
    "persistentvolumes": "persistentvolume", "pvc": "persistentvolumeclaim",
    "persistentvolumeclaims": "persistentvolumeclaim", "sc": "storageclass", "storageclasses": "storageclass",
    "pdb": "poddisruptionbudget", "poddisruptionbudgets": "poddisruptionbudget", "hpa": "horizontalpodautoscaler",
    "horizontalpodautoscalers": "horizontalpodautoscaler", "quota": "resourcequota",
    "resourcequotas": "resourcequota", "limits": "limitrange", "limitranges": "limitrange", "pc": "priorityclass",
    "priorityclasses": "priorityclass", "csr": "certificatesigningrequest",
    "certificatesigningrequests": "certificatesigningrequest", "crd": "customresourcedefinition",
    "crds": "customresourcedefinition", "customresourcedefinitions": "customresourcedefinition",
    "cs": "componentstatus", "componentstatuses": "componentstatus", "roles": "role", "rolebindings": "rolebinding",
    "clusterroles": "clusterrole", "clusterrolebindings": "clusterrolebinding", "leases": "lease",
    "apiservices": "apiservice", "controllerrevisions": "controllerrevision", "runtimeclasses": "runtimeclass",
    "volumeattachments": "volumeattachment",
}  # fmt: skip

# Flags of kubectl, helm and istioctl that take no value; any other flag without `=` takes the next word.
_SWITCHES = frozenset({
    "-A", "--all-namespaces", "--no-headers", "--show-labels", "-w", "--watch", "--watch-only", "--all", "--force",
    "--recursive", "-R", "--ignore-not-found", "--show-kind", "--show-managed-fields", "--server-print",
    "--ignore-daemonsets", "--delete-emptydir-data", "--disable-eviction", "--overwrite", "--list", "--namespaced",
    "--local", "--prune", "--server-side", "--force-conflicts", "-i", "-t", "-it", "-ti", "-s", "-S", "--stdin",
    "--tty", "--rm", "--quiet", "-q", "--wait", "--atomic", "--create-namespace", "--install", "--reuse-values",
    "--reset-values", "--short", "--client", "-a", "--devel", "--debug", "-y", "--skip-confirmation", "--prefix",
    "--timestamps", "--previous", "--follow", "--all-containers", "--containers", "--cached", "-k", "-v",
    "--verbose", "-I", "--include", "--purge", "--help", "-h", "--keep-history", "--include-crds",
})  # fmt: skip
# Programs that print lines they were given, or nothing.
_LISTING_TOOLS = TOOLS | {
    "grep", "egrep", "awk", "cut", "head", "tail", "sort", "uniq", "tr", "sed", "jq", "column", "cat", "xargs", "tee",
    "cd", "export", "set", "sleep", "true", "test", "wc",
}  # fmt: skip
_ITEMS = re.compile(r"\.items\b|\brange\b")
_SEPARATORS = frozenset({";", "|", "&", "&&", "||", "|&", "(", ")", ";;", "{", "}", "\n", "!"})
_PREFIXES = frozenset({"sudo", "time", "command", "exec", "env", "watch", "then", "do", "else", "if", "while", "until"})
_HEREDOC = re.compile(r"<<-?\s*(?:'(\w+)'|\"(\w+)\"|\\?(\w+))")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One program call inside a command line."""

    tool: str
    words: tuple[str, ...]
    """Positional words after the tool, the verb first."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Long names without dashes (``output``, ``namespace``), a switch has the value ``true``."""
    nested: bool = False
    """Inside ``$(…)``: what it prints is not the command's output."""
    piped: bool = False
    """Its output goes into another program."""

    @property
    def verb(self) -> str:
        """``get``, ``rollout``, ``list``; empty without one."""
        return self.words[0] if self.words else ""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of an output before reading it."""

    command: str
    invocations: tuple[Invocation, ...] = ()
    kinds: tuple[str, ...] = ()
    """Singular lower-case kinds of all resources named, in order."""
    owners: tuple[tuple[str, str], ...] = ()
    """(kind, name) of resources named."""
    format: str = ""
    """``json``, ``yaml``, ``name``, ``wide``, ``jsonpath``, ``custom-columns``, ``go-template`` or empty."""
    template: str = ""
    """The JSONPath, Go template or column list."""
    sort_by: str = ""
    no_headers: bool = False
    watch: bool = False
    all_namespaces: bool = False
    has_variable: bool = False
    """It uses what an earlier command stored: ``kubectl logs $POD``."""

    def runs(self, tool: str, *verbs: str) -> bool:
        """Whether the tool is called with one of the verbs (any verb when none is given)."""
        return any(
            call.tool == tool and (not verbs or call.verb in verbs) for call in self.invocations if not call.nested
        )

    @property
    def tools(self) -> frozenset[str]:
        """Programs whose output is seen."""
        return frozenset(call.tool for call in self.invocations if not call.nested)

    @property
    def sorts_by_chance(self) -> bool:
        """Whether ``--sort-by`` sorts by what is measured (kubectl/pkg/cmd/top: ``cpu`` or ``memory``)."""
        return self.runs("kubectl", "top")

    @property
    def is_listing(self) -> bool:
        """Whether the lines are one per object, in an order that says nothing."""
        if (self.sort_by and not self.sorts_by_chance) or not self.tools <= _LISTING_TOOLS:
            return False
        if self.format in {"jsonpath", "go-template", "json", "yaml"} and not _ITEMS.search(self.command):
            return False  # values of one object: their order is content
        return self.runs("kubectl", "get", "events", "top", "api-resources", "api-versions", "wait", "delete", "drain")


def kind_of(resource: str) -> str:
    """The singular lower-case kind of a resource word: ``po``, ``pods``, ``deployments.apps`` -> ``deployment``."""
    name = resource.lower().split(".", 1)[0]
    return _ALIASES.get(name, name)


def without_heredocs(command: str) -> str:
    """The command line without the bodies of its heredocs."""
    kept: list[str] = []
    ends: list[str] = []
    for line in command.split("\n"):
        if ends:
            if line.strip() == ends[0]:
                ends.pop(0)
            continue
        kept.append(line)
        ends.extend(next(filter(None, match.groups())) for match in _HEREDOC.finditer(line))
    return "\n".join(kept)


def heredocs(command: str) -> list[str]:
    """The bodies of a command line's heredocs, in order."""
    bodies: list[str] = []
    ends: list[str] = []
    body: list[str] = []
    for line in command.split("\n"):
        if ends and line.strip() == ends[0]:
            ends.pop(0)
            bodies.append("\n".join(body) + "\n")
            body = []
        elif ends:
            body.append(line)
        else:
            ends.extend(next(filter(None, match.groups())) for match in _HEREDOC.finditer(line))
    return bodies


def _tokens(command: str) -> list[str]:
    lexer = shlex.shlex(without_heredocs(command).replace("\\\n", " "), posix=True, punctuation_chars=";|&()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # an unbalanced quote: bash will have said so in the output
        return command.split()


def _calls(tokens: list[str]) -> list[tuple[list[str], bool, bool]]:
    """(words, nested, piped) of every simple command."""
    calls: list[tuple[list[str], bool, bool]] = []
    words: list[str] = []
    depth, substitution = 0, [False]
    for token in tokens:
        if token and not token.strip(";|&()\n"):
            before = words
            if words and words[-1].endswith("$") and "(" in token:
                words = words[:-1]
            if words:
                calls.append((words, any(substitution), token.startswith("|") and not token.startswith("||")))
            words = []
            for character in token:
                if character == "(":
                    depth += 1
                    substitution.append(bool(before) and before[-1].endswith("$"))
                elif character == ")" and depth:
                    depth -= 1
                    substitution.pop()
        else:
            words.append(token)
    if words:
        calls.append((words, any(substitution), False))
    return calls


def _invocation(words: list[str], *, nested: bool, piped: bool) -> Invocation | None:
    while words and (words[0] in _PREFIXES or re.match(r"\w+=", words[0]) or words[0] in _SEPARATORS):
        words = words[1:]
    if not words:
        return None
    tool, rest = words[0].rsplit("/", 1)[-1], words[1:]
    positional: list[str] = []
    flags: dict[str, str] = {}
    position = 0
    while position < len(rest):
        word = rest[position]
        position += 1
        if word in {"<", ">", ">>", "2>", "<<<", "<<", "&>", ">&"}:
            position += 1
        elif word == "--":
            break
        elif not word.startswith("-") or word == "-":
            positional.append(word)
        else:
            name, equals, value = word.partition("=")
            if re.fullmatch(r"-[nolLf][^-=].*", word):  # -ojson, -nstaging
                name, value = word[:2], word[2:]
            elif not equals:
                if word in _SWITCHES or position >= len(rest) or rest[position].startswith("-"):
                    value = "true"
                else:
                    value = rest[position]
                    position += 1
            long = {
                "n": "namespace",
                "o": "output",
                "A": "all-namespaces",
                "w": "watch",
                "l": "selector",
                "L": "label-columns",
            }
            name = name.lstrip("-")
            flags[long.get(name, name)] = value
    return Invocation(tool, tuple(positional), flags, nested=nested, piped=piped)


def _resources(call: Invocation) -> list[tuple[str, str]]:
    """(kind, name) pairs; name is empty when only the kind is said."""
    words = list(call.words[1:])
    if call.verb in {"rollout", "create", "set", "top", "config", "auth", "certificate"} and words:
        words = words[1:] if call.verb in {"rollout", "set", "auth"} else words
    if call.verb in {"logs", "exec"}:
        words = [word if "/" in word else f"pod/{word}" for word in words[:1]]
    if call.verb == "run":
        return [("pod", word) for word in words[:1]]
    if call.verb in {"expose", "autoscale"}:
        words = words[:2]
    if not words:
        return []
    if "/" in words[0]:
        return [(kind_of(kind), name) for kind, _, name in (word.partition("/") for word in words) if name]
    kinds = [kind_of(word) for word in words[0].split(",") if word]
    if len(words) == 1 or len(kinds) > 1:
        return [(kind, "") for kind in kinds]
    names = words[2:] if call.verb == "create" and kinds == ["secret"] else words[1:]
    return [(kinds[0], name) for name in names if "=" not in name] if kinds else []


_RESOURCE_VERBS = frozenset({
    "get", "describe", "delete", "create", "rollout", "scale", "expose", "set", "label", "annotate", "logs", "exec",
    "run", "wait", "autoscale", "patch", "edit", "events", "top",
})  # fmt: skip


@functools.lru_cache(maxsize=4096)
def read(command: str) -> Hints:
    """The hints of a command line."""
    calls = [
        invocation
        for words, nested, piped in _calls(_tokens(command))
        if (invocation := _invocation(words, nested=nested, piped=piped)) is not None
    ]
    resources = [
        pair for call in calls if call.tool == "kubectl" and call.verb in _RESOURCE_VERBS for pair in _resources(call)
    ]
    visible = [call for call in calls if call.tool in TOOLS and not call.nested]
    output = next((call.flags["output"] for call in visible if "output" in call.flags), "")
    style, _, template = output.partition("=")
    if "template" in (flags := {key: value for call in visible for key, value in call.flags.items()}):
        template = flags["template"]
    return Hints(
        command=command,
        invocations=tuple(calls),
        kinds=tuple(dict.fromkeys(kind for kind, _ in resources)),
        owners=tuple(dict.fromkeys(pair for pair in resources if pair[1])),
        format=style.removesuffix("-file").removesuffix("-as-json"),
        template=template,
        sort_by=flags.get("sort-by", "").strip("{}'\""),
        no_headers=flags.get("no-headers", "false") != "false",
        watch="watch" in flags or "watch-only" in flags,
        all_namespaces="all-namespaces" in flags,
        has_variable=bool(re.search(r"\$[A-Za-z_{(]", command)),
    )
