"""Generated names: which part of a name is chance, and which names of one recording mean the same object.

Sources: `SimpleNameGenerator` and `rand.String` (five characters of ``bcdfghjklmnpqrstvwxz2456789``; apiserver
pkg/storage/names/generate.go, apimachinery pkg/util/rand/rand.go); `ComputeHash` through `SafeEncodeString`, so a pod
template hash has only ``456789bcdf`` (kubernetes/pkg/controller/controller_utils.go); CronJob: scheduled minute since
1970 (pkg/controller/cronjob/utils.go, getTimeHashInMinutes). Hashes are content: they stay and are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kubetalk.comparing import commands
from kubetalk.comparing.manifests import Manifests

_RANDOM = frozenset("bcdfghjklmnpqrstvwxz2456789")
_HASH = frozenset("456789bcdf")
_MASKED = re.compile(r"‹#\d+›")
_NAME = re.compile(r"[\w.:/‹›#…-]+")
_POD = re.compile(r"(.+)-([456789bcdf]{1,10})-[bcdfghjklmnpqrstvwxz2456789]{5}")

OPEN, CLOSE = "⁅", "⁆"
"""Around the whole name in place of its random part, until the ordinals are given: see `forms.number`."""
MARKED = re.compile("⁅([^⁆]*)⁆")
ERASED = "‹…›"

# Kinds whose objects get a lone random suffix from a controller or from generateName: pods (DaemonSet, Job,
# ReplicationController), EndpointSlices (endpointslice/reconciler.go), CSRs, and what cert or admission tools make.
_SUFFIXED_KINDS = frozenset({"pod", "endpointslice", "certificatesigningrequest", "podcertificaterequest"})
_GENERATE_NAME = re.compile(r"generateName[\"']?\s*:\s*[\"']?([a-z0-9][a-z0-9.-]*-)")
_WORD = re.compile(r"(?<![\w.-])[a-z0-9][\w.:/=-]*")
# A name in running text: it has a dash, and starts where no other word goes on.
_DASHED = re.compile(r"(?<![\w.‹›-])[a-z0-9]+(?:[.-]+[a-z0-9]+|-‹#\d+›)*(?:-[a-z0-9]+|-‹#\d+›)(?![\w›])")
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:.])"
)
_OWNERS = frozenset({"daemonset", "job", "replicationcontroller", "cronjob", "service"})
_HASH_LABEL = re.compile(
    r"(?<=pod-template-hash[=:])[456789bcdf]{1,10}(?!\w)|(?<=pod-template-hash: )[456789bcdf]{1,10}(?!\w)"
)
# A part of a node's name with a number in it; the letters before a number at its end say what the node is.
_NUMBERED = re.compile(r"(?<![^.-])(?:([a-z]+)(?:\d+|‹n›)|[a-z]*\d[a-z0-9]*|‹n›)(?![^.-])")
_DRAIN = frozenset({"drain", "uncordon", "taint", "delete"})


def _is_random(part: str) -> bool:
    return len(part) == 5 and _RANDOM.issuperset(part)


def _is_hash(part: str, least: int = 1) -> bool:
    return least <= len(part) <= 10 and _HASH.issuperset(part)


def _is_minute(part: str) -> bool:
    """A minute between 2008 and 2046; a hash has neither 2 nor 3."""
    return len(part) == 8 and part.isascii() and part.isdigit() and part[0] in "23"


class Names:
    """Page-wide state of one recording: what is generated, what the author wrote, which address belongs to what.

    Feed commands, files and outputs in the order of the session (`read_command`, `read_text`, `learn`); masking
    (`mask`) then finds generated names wherever they appear. ``symbols`` are value-to-symbol pairs that a session
    registers for values only it knows, longest first when applied.
    """

    def __init__(self, symbols: Mapping[str, str] | None = None) -> None:
        self.literals: set[str] = set()
        self.addresses: dict[str, str] = {}
        self.manifests = Manifests()
        self._prefixes: set[str] = set()
        self._owners: set[str] = set()
        self._cronjobs: set[str] = set()
        self._generated: dict[str, str] = {}
        self._plain: set[tuple[str, str]] = set()  # looked at, not generated as far as is known until now
        self._cleared: set[str] = set()
        self._restarted: set[str] = set()
        self._hashes: dict[tuple[str, str], bool] = {}
        self._chance_hashes: set[str] = set()
        self._symbols: dict[str, str] = {}
        self._symbol_pattern: re.Pattern[str] | None = None
        for value, symbol in (symbols or {}).items():
            self.register(value, symbol)

    def register(self, value: str, symbol: str) -> None:
        """From now on print ``symbol`` for ``value`` (a path, a host name, a namespace made for this run)."""
        if value:
            self._symbols[value] = symbol
            longest = sorted(self._symbols, key=len, reverse=True)
            self._symbol_pattern = re.compile("|".join(map(re.escape, longest)))

    def symbolise(self, text: str) -> str:
        """The text with all registered values replaced."""
        if self._symbol_pattern is None:
            return text
        return self._symbol_pattern.sub(lambda match: self._symbols[match[0]], text)

    def read_command(self, command: str) -> None:
        """Take in what the author wrote: literal names stay, ``generateName`` prefixes and owners are noted.

        A node that was drained or tainted NoExecute is told apart from the others from then on; after `rollout restart`
        the hashes of new ReplicaSets are chance (kubectl/pkg/polymorphichelpers/objectrestarter.go writes the time
        into the pod template).
        """
        self._plain.clear()
        hints = commands.read(command)
        self.read_text(command)
        self.manifests.read_command(hints)
        for kind, name in hints.owners:
            self.own(kind, name)
        for call in hints.invocations:
            if call.tool == "kubectl" and call.words[:2] == ("rollout", "restart"):
                self._restarted.update(name for _, name in hints.owners)
                self._restarted.update({"*"} if "selector" in call.flags or not hints.owners else ())
            if call.tool != "kubectl" or call.verb not in _DRAIN:
                continue
            if call.verb == "drain":
                self._cleared.update(call.words[1:])
            elif call.verb == "taint" and len(call.words) > 3 and call.words[1] in {"node", "nodes", "no"}:
                if any(word.endswith(":NoExecute") for word in call.words[3:]):
                    self._cleared.add(call.words[2])
                else:
                    self._cleared.discard(call.words[2])
            elif call.verb == "uncordon":
                self._cleared.difference_update(call.words[1:])

    def read_text(self, text: str) -> None:
        """Take in what the author wrote, a command or a file: its names and addresses are no chance."""
        self._plain.clear()
        self._prefixes.update(_GENERATE_NAME.findall(text))
        for word in _WORD.findall(text):
            for part in re.split(r"[/=:]", word.rstrip(".:")):
                self.literals.add(part)
        self.literals.update(_ADDRESS.findall(text))

    def own(self, kind: str, name: str) -> None:
        """Note an object that gives its pods a lone random suffix."""
        if not name or "$" in name:
            return
        if kind in _OWNERS and (name not in self._owners or (kind == "cronjob" and name not in self._cronjobs)):
            self._plain.clear()
            self._owners.add(name)
            self._cronjobs.update({name} if kind == "cronjob" else ())

    def know(self, name: str, kind: str = "") -> str:
        """The masked form of an object's name, remembered for all later text; unchanged if it is not generated."""
        found = self._generated.get(name)
        if found is not None:
            return found
        if (name, kind) in self._plain:
            return name
        masked = self._split(name, kind)
        if masked != name:
            self._generated[name] = masked
        else:
            self._plain.add((name, kind))
        return masked

    def know_generated(self, name: str, prefix: str) -> str:
        """The same for an object that carries its own ``generateName``."""
        if name.startswith(prefix) and len(name) > len(prefix) and name not in self._generated:
            base = prefix.removesuffix("-")
            head, _, tail = base.rpartition("-")
            if _is_minute(tail):  # the Job of a CronJob
                base = head
            self._generated[name] = f"{base}-{OPEN}{name}{CLOSE}"
        return self._generated.get(name, name)

    def _hash(self, base: str, found: str) -> str:
        """A pod template's hash: content, unless the workload was restarted before it was first seen."""
        chance = self._hashes.setdefault((base, found), base in self._restarted or "*" in self._restarted)
        if chance:
            self._chance_hashes.add(found)
        return "‹hash›" if chance else found

    def _split(self, name: str, kind: str) -> str:
        """``base-hash-⁅name⁆`` or ``base-⁅name⁆``, or the name as it is."""
        if name in self.literals or "-" not in name or not _NAME.fullmatch(name):
            return name
        if kind == "pod" and name[-6:-5] == "-" and (pod := _POD.fullmatch(name)):
            return f"{pod[1]}-{self._hash(pod[1], pod[2])}-{OPEN}{name}{CLOSE}"
        base, _, last = name.rpartition("-")
        if _is_hash(last, 7) and (kind == "replicaset" or (not kind and self._restarted)):
            return f"{base}-{self._hash(base, last)}"
        return self._split_suffix(name, kind)

    def _split_suffix(self, name: str, kind: str) -> str:
        base, _, last = name.rpartition("-")
        mark = f"{OPEN}{name}{CLOSE}"
        if _MASKED.fullmatch(last) and _NAME.fullmatch(base):
            return f"{base}-{mark}"
        if _is_random(last):
            head, _, tail = base.rpartition("-")
            if head and _is_minute(tail) and (kind in {"pod", ""}):
                return f"{head}-{mark}"
            # Ten characters are usual, six or fewer one in thousands: those only where a pod is sure (see above).
            if head and _is_hash(tail, 7) and not kind:
                return f"{head}-{self._hash(head, tail)}-{mark}"
            if kind in _SUFFIXED_KINDS or f"{base}-" in self._prefixes or (not kind and base in self._owners):
                return f"{base}-{mark}"
        elif _is_minute(last) and (kind == "job" or base in self._cronjobs):
            return f"{base}-{mark}"
        return name

    def mask(self, text: str, kind: str = "") -> str:
        """A cell, value or line with the random part of every generated name marked."""
        if "-" not in text:
            return "‹hash›" if text in self._chance_hashes else text
        if self._chance_hashes:
            text = _HASH_LABEL.sub(lambda match: "‹hash›" if match[0] in self._chance_hashes else match[0], text)
        if text.islower() and text.isascii() and text.replace("-", "").isalnum() and text[0] != "-" != text[-1]:
            return self._mask_word(text, kind)  # what the pattern finds in a text that is one name
        return _DASHED.sub(lambda match: self._mask_word(match[0], kind), text)

    def _mask_word(self, word: str, kind: str) -> str:
        known = self._generated.get(word)
        if known is not None:
            return known
        masked = self.know(word, kind)
        if masked == word and "." in word:  # pod.namespace (istioctl proxy-status), a file name, a DNS name
            head, dot, rest = word.partition(".")
            return (self._generated.get(head) or self.know(head, kind)) + dot + rest
        return masked

    def node(self, name: str, pod: str = "") -> str:
        """The class of a node's name in a place the scheduler chose.

        Among equally good nodes the scheduler picks at random (pkg/scheduler/schedule_one.go), so nodes that differ
        only in their numbers are one class; a node that the page drained is told apart, and so is every node of a
        ``pod`` that the author's manifests put somewhere.
        """
        if name in self._cleared or not name or name[0] in "<‹":
            return name
        allowed = self.manifests.nodes_of(pod) if pod else None
        if allowed is not None:
            return f"‹one of {', '.join(sorted(allowed))}›" if name in allowed and len(allowed) > 1 else name
        # A pool's random word has digits too: gke-shop-pool-1a2b3c4d-x7k2, ip-10-0-1-23.ec2.internal.
        numbered = _NUMBERED.sub(lambda match: (match[1] or "") + "‹n›", name)
        host, dot, domain = numbered.partition(".")
        return host + ("" if "‹n›" in host else "‹n›") + dot + domain

    def learn(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take in (kind, name) of objects that an output shows."""
        for kind, name in pairs:
            if kind in _OWNERS:
                self.own(kind, name)
            self.know(name, kind)


def erase(text: str) -> str:
    """The text with every marked or numbered name made equal."""
    if "‹#" in text:
        text = _MASKED.sub(ERASED, text)
    return erase_marked(text) if OPEN in text else text


def erase_marked(text: str) -> str:
    """The text with every name that has no ordinal yet made equal."""
    return MARKED.sub(ERASED, text)
