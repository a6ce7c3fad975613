"""What a command does, as far as the engine must know before it runs: only look, follow changes, or want a person.

The shell's grammar is not parsed in full: what is not understood counts as changing something.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kubetalk.model import only_fetches

_HEREDOC: Final = re.compile(r"<<-?[ \t]*(?P<quote>['\"\\]?)(?P<tag>\w+)(?P=quote)")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_RESERVED: Final = frozenset(
    {"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "{", "}", "!", "time"}
)
_SEPARATORS: Final = frozenset({";", "&", "&&", "|", "||", "|&", "(", ")", ";;", "\n"})

# Flags of kubectl, helm and istioctl that take the next word and may stand before the verb.
_VALUE_FLAGS: Final = frozenset({
    "-n", "--namespace", "--context", "--kubeconfig", "--kube-context", "-s", "--server", "--cluster", "--user",
    "--token", "--as", "--as-group", "-v", "--v", "--request-timeout", "-i", "--istioNamespace", "--cache-dir",
})  # fmt: skip

_OBSERVING_PROGRAMS: Final = frozenset({
    "awk", "base64", "basename", "cat", "cd", "column", "cut", "date", "diff", "dirname", "echo", "egrep",
    "env", "expr", "false", "fgrep", "file", "find", "grep", "head", "id", "jq", "ls", "nl", "printenv", "printf",
    "pwd", "sed", "seq", "sha256sum", "sort", "stat", "tail", "test", "[", "[[", "tr", "tree", "true", "type",
    "uname", "uniq", "wc", "which", "whoami", "yq", ":",
})  # fmt: skip
_WRITING_FLAGS: Final = {
    "sed": re.compile(r"-[a-zA-Z]*i.*|--in-place.*"),
    "yq": re.compile(r"-i|--inplace"),
    "find": re.compile(r"-delete|-exec.*|-ok.*|-fprint.*"),
    "sort": re.compile(r"-o.*|--output.*"),
    "awk": re.compile(r".*(?:system\s*\(|>|\|).*"),
}
_OBSERVING_VERBS: Final[dict[str, dict[str, frozenset[str]]]] = {
    # Verb to the subcommands that only look; empty when all of them do.
    "kubectl": {
        **dict.fromkeys(
            ("get", "describe", "logs", "top", "events", "explain", "api-resources", "api-versions", "version",
             "cluster-info", "wait", "diff", "options", "completion"),
            frozenset[str](),
        ),
        "auth": frozenset({"can-i", "whoami"}),
        "rollout": frozenset({"status", "history"}),
        "config": frozenset({"view", "get-contexts", "current-context", "get-clusters", "get-users"}),
        "plugin": frozenset({"list"}),
    },
    "helm": {
        **dict.fromkeys(
            ("list", "ls", "status", "history", "hist", "get", "show", "inspect", "search", "template", "version",
             "lint", "env", "verify"),
            frozenset[str](),
        ),
        "repo": frozenset({"list", "ls"}),
        "dependency": frozenset({"list", "ls"}),
        "plugin": frozenset({"list", "ls"}),
    },
    "istioctl": {
        **dict.fromkeys(
            ("version", "analyze", "proxy-status", "ps", "proxy-config", "pc", "validate", "x", "experimental",
             "ztunnel-config", "bug-report"),
            frozenset[str](),
        ),
        "tag": frozenset({"list"}),
        "manifest": frozenset({"generate", "diff"}),
    },
}  # fmt: skip
_NEEDS_PERSON: Final = frozenset({
    "emacs", "htop", "k9s", "mc", "nano", "nvim", "passwd", "pico", "screen", "ssh", "su", "telnet", "tmux", "top",
    "vi", "view", "vim",
})  # fmt: skip
_ASKS_FIRST: Final = frozenset({"install", "uninstall", "upgrade"})
_ANSWERED: Final = re.compile(r"-y|--(?:skip-confirmation|dry-run)(?:=true)?|-h|--help")
_TERMINAL_FLAGS: Final = re.compile(r"-(?:it|ti|t)|--tty(?:=true)?")
_WATCH_FLAGS: Final = re.compile(r"-w|--watch(?:-only)?(?:=true)?")
_FOLLOW_FLAGS: Final = re.compile(r"-f|--follow(?:=true)?")


@dataclass(frozen=True, slots=True)
class _Simple:
    """A simple command: its words, and what follows it."""

    words: tuple[str, ...]
    background: bool = False
    writes: bool = False
    fed: bool = False
    """Its input comes from a pipe or a file."""

    @property
    def program(self) -> str:
        return self.words[0].rsplit("/", 1)[-1]

    @property
    def verbs(self) -> tuple[str, ...]:
        """The words after the program that are no flags, as far as a tool's global flags are known."""
        found: list[str] = []
        skip = False
        for word in self.words[1:]:
            if skip:
                skip = False
            elif word == "--":
                break
            elif word.startswith("-"):
                skip = word in _VALUE_FLAGS and not (found and word == "-i")
            else:
                found.append(word)
        return tuple(found)

    def has(self, flag: re.Pattern[str]) -> bool:
        words = self.words[1 : self.words.index("--")] if "--" in self.words else self.words[1:]
        return any(flag.fullmatch(word) for word in words)


def is_observing(source: str) -> bool:
    """Whether a command only looks, so that it may be repeated: ``kubectl get``, ``helm status``, ``grep``."""
    simples = _simple_commands(source) or ()
    return bool(simples) and all(_only_looks(simple) for simple in simples)


def is_watching(source: str) -> bool:
    """Whether a command only looks and does not end by itself: ``kubectl get --watch``, ``kubectl logs -f``."""
    if not is_observing(source):
        return False
    for simple in _simple_commands(source) or ():
        verb = simple.verbs[0] if simple.verbs else ""
        if simple.program == "kubectl" and verb in {"get", "events"} and simple.has(_WATCH_FLAGS):
            return True
        if simple.program == "kubectl" and verb == "logs" and simple.has(_FOLLOW_FLAGS):
            return True
    return False


def is_installing(source: str) -> bool:
    """Whether Helm or istioctl may change the cluster: what they install brings Secrets with random values."""
    simples = _simple_commands(source)
    if simples is None:
        return bool(re.search(r"\b(?:helm|istioctl)\b", source))
    return any(simple.program in {"helm", "istioctl"} and not _only_looks(simple) for simple in simples)


def refusal(source: str, *, tty: bool = False) -> tuple[str, str] | None:
    """Why a command cannot run without a person at a keyboard, and what to write instead; None if it can."""
    for simple in _simple_commands(source) or ():
        if reason := _refusal(simple, tty=tty):
            return reason
    return None


def _refusal(simple: _Simple, *, tty: bool) -> tuple[str, str] | None:
    program, verb = simple.program, simple.verbs[0] if simple.verbs else ""
    reason: tuple[str, str] | None = None
    if program in _NEEDS_PERSON:
        reason = f"`{program}` needs a person at a terminal", "Show it in an ordinary fence, without `live`"
    elif program == "watch":
        reason = "`watch` never ends", 'Write the watched command alone, with until="…" on the fence'
    elif program == "tail" and simple.has(re.compile(r"-[0-9]*[fF]|--follow.*")):
        reason = "`tail -f` never ends", "Leave -f out"
    elif program == "istioctl" and verb in _ASKS_FIRST and not simple.fed and not simple.has(_ANSWERED):
        reason = f"`istioctl {verb}` asks before it goes on", "Add `-y`"
    elif program in {"kubectl", "istioctl"}:
        if verb in {"edit", "attach"}:
            reason = f"`{program} {verb}` needs a person at a terminal", "Use `kubectl patch`, `apply` or `logs`"
        elif verb in {"exec", "run", "debug"} and simple.has(_TERMINAL_FLAGS) and not tty:
            reason = f"`{program} {verb}` asks for a terminal", "Leave -t out, or write `tty` on the fence"
        elif verb in {"port-forward", "proxy", "dashboard"} and not simple.background:
            reason = f"`{program} {verb}` never ends", "Put `&` behind it; it ends with the session"
    return reason


def _only_looks(simple: _Simple) -> bool:
    program = simple.program
    if simple.writes or simple.background:
        return False
    if program in _WRITING_FLAGS and simple.has(_WRITING_FLAGS[program]):
        return False
    if program == "curl":
        return only_fetches(simple.words[1:])
    if program in _OBSERVING_PROGRAMS:
        return True
    verbs = simple.verbs
    if program not in _OBSERVING_VERBS or not verbs or verbs[0] not in _OBSERVING_VERBS[program]:
        return False
    subcommands = _OBSERVING_VERBS[program][verbs[0]]
    return not subcommands or (len(verbs) > 1 and verbs[1] in subcommands)


@lru_cache(maxsize=1024)
def _simple_commands(source: str) -> tuple[_Simple, ...] | None:
    """The simple commands of a source, those in ``$(…)`` and backticks too; None if the quoting is not understood."""
    text, inner = _without_substitutions(_without_heredocs(source).replace("\\\n", " "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return None
    simples = _split(tokens)
    for part in inner:
        nested = _simple_commands(part)
        if nested is None:
            return None
        simples += nested
    return tuple(simples)


def _split(tokens: list[str]) -> list[_Simple]:
    simples: list[_Simple] = []
    words: list[str] = []
    writes = fed = False
    redirection = ""
    for token in [*tokens, ";"]:
        mark = token.strip("\n") or "\n"
        if redirection:
            writes = writes or (">" in redirection and token not in {"/dev/null", "1", "2"})
            redirection = ""
        elif mark in _SEPARATORS or "\n" in token:
            kept = _without_prefixes(words)
            if kept and kept[0] not in {"for", "case", "select", "in", "function"}:
                simples.append(_Simple(tuple(kept), background=mark == "&", writes=writes, fed=fed))
            words, writes, fed = [], False, mark in {"|", "|&"}
        elif set(token) <= set("<>&|") and ("<" in token or ">" in token):
            redirection = token
            fed = fed or "<" in token
            if words and words[-1] in {"1", "2"}:
                words.pop()
        else:
            words.append(token)
    return simples


def _without_prefixes(words: list[str]) -> list[str]:
    """The command's own words: reserved words and assignments before it are left out."""
    for position, word in enumerate(words):
        if word not in _RESERVED and not _ASSIGNMENT.match(word):
            return words[position:]
    return []


def _without_heredocs(source: str) -> str:
    rows: list[str] = []
    waiting: list[str] = []
    for row in source.split("\n"):
        if waiting:
            if row.strip("\t ") == waiting[0]:
                waiting.pop(0)
            continue
        waiting = [match["tag"] for match in _HEREDOC.finditer(row)]
        rows.append(_HEREDOC.sub("<_", row))
    return "\n".join(rows)


_PART: Final = re.compile(
    r"(?P<escaped>\\.)|(?P<double>\")|(?P<single>'[^']*')|(?P<tick>`(?P<ticked>[^`]*)`)|(?P<open>\$\((?!\())"
    r"|(?P<comment>(?<![^\s;&|()])#[^\n]*)|.",
    re.DOTALL,
)


def _without_substitutions(text: str) -> tuple[str, list[str]]:
    """The text with comments left out and every ``$(…)`` and backtick replaced by a word; and what stood in them."""
    inner: list[str] = []
    out: list[str] = []
    position = 0
    quoted = False
    while match := _PART.match(text, position):
        position = match.end()
        if match["double"]:
            quoted = not quoted
        if match["open"]:
            end = _closing(text, position)
            inner.append(text[position:end])
            position = end + 1
            out.append("_")
        elif match["tick"]:
            inner.append(match["ticked"])
            out.append("_")
        elif match["single"] and quoted:
            # An apostrophe between double quotes quotes nothing.
            position = match.start() + 1
            out.append("'")
        elif match["comment"] and not quoted:
            continue
        elif match["comment"]:
            position = match.start() + 1
            out.append("#")
        else:
            out.append(match[0])
    return "".join(out), inner


def _closing(text: str, position: int) -> int:
    """Where the parenthesis that was opened before ``position`` closes."""
    depth = 1
    while position < len(text):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
        position += 1
    return position
