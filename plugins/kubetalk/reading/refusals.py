"""Judges commands before they run: which can never end without a person, and which only observe the cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubetalk.model import only_fetches
from kubetalk.reading.shell import simple_commands
from kubetalk.reading.shell_frames import SimpleCommand

_WRAPPERS = frozenset({"sudo", "env", "command", "nohup", "nice", "stdbuf", "xargs", "builtin", "exec", "time"})
_EDITORS = frozenset({"vi", "vim", "nvim", "view", "nano", "emacs", "ed", "joe", "micro", "pico"})
_PAGERS = frozenset({"less", "more", "most", "man"})
_SCREENS = frozenset({"top", "htop", "k9s", "tmux", "screen", "dialog", "whiptail", "fzf", "ssh", "telnet", "ftp"})
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "fish", "ash", "python", "python3", "node", "irb", "psql"})
_CONTAINERS = frozenset({"docker", "podman", "nerdctl", "crictl"})
# Global flags that take a value in the next word (kubectl options, helm --help, istioctl --help).
_VALUED = frozenset(
    {
        "-n", "--namespace", "--context", "--kube-context", "--kubeconfig", "-s", "--server", "--user", "--cluster",
        "--token", "--as", "--as-group", "--as-uid", "-v", "--v", "--request-timeout", "--cache-dir",
        "--tls-server-name", "--certificate-authority", "--client-certificate", "--client-key", "--profile",
        "--profile-output", "--vmodule",
        "-i", "--istioNamespace", "-c", "--kube-apiserver", "--registry-config", "--repository-config",
        "--repository-cache", "--kube-as-user", "--kube-token", "--kube-ca-file", "--burst-limit", "--qps",
    }
)  # fmt: skip
_KUBECTL_OBSERVES = frozenset(
    {
        "get", "describe", "logs", "log", "explain", "api-resources", "api-versions", "version", "cluster-info", "top",
        "diff", "events", "wait", "options", "help", "kustomize", "completion",
        "auth can-i", "auth whoami", "rollout status", "rollout history", "config view", "config get-contexts",
        "config current-context", "config get-clusters", "config get-users",
    }
)  # fmt: skip
_HELM_OBSERVES = frozenset(
    {
        "list", "ls", "status", "history", "hist", "get", "show", "inspect", "search", "template", "version", "env",
        "lint", "verify", "help", "repo list", "repo ls", "plugin list", "plugin ls", "dependency list", "dep list",
    }
)  # fmt: skip
_ISTIOCTL_CHANGES = frozenset(
    {
        "install", "uninstall", "upgrade", "operator", "dashboard", "dash", "d", "tag set", "tag remove",
        "tag generate", "waypoint apply", "waypoint delete", "create-remote-secret", "revision", "rollback",
    }
)  # fmt: skip
_OBSERVERS = frozenset(
    {
        "grep", "egrep", "fgrep", "head", "tail", "wc", "sort", "uniq", "cut", "awk", "tr", "jq", "yq", "cat", "column",
        "test", "[", "[[", "echo", "printf", "true", "false", ":", "ls", "date", "base64", "rev", "paste", "nl", "fold",
        "openssl", "dig", "nslookup", "ping", "host", "sha256sum", "md5sum", "diff", "cmp", "basename", "dirname",
        "seq", "sleep", "read", "xargs", "pwd", "uname", "which", "type", "stat", "comm", "join", "expr", "tac",
    }
)  # fmt: skip


def refuse(command: str, *, tty: bool = False, bounded: bool = False) -> str:
    """Why a command must not be run in a page, in one sentence with a remedy; empty if nothing speaks against it.

    ``command`` is what the shell gets (`Command.source`). ``tty`` says that the block asks for a pseudo-terminal,
    ``bounded`` that it limits the time of a watch with ``within``.
    """
    for simple in simple_commands(command):
        if reason := _refuse(simple, tty=tty, bounded=bounded):
            return reason
    return ""


def changes(command: str) -> str:
    """The first part of a command that is not known to only observe, empty if all of it does.

    Polling (``until=``) repeats a command, so anything that might change the cluster or a file is kept out.
    """
    simple = simple_commands(command)
    for part in simple:
        words = _unwrap(part.words)
        if words and not _observes(words):
            return " ".join(words)
        if part.background:
            return " ".join((*words, "&"))
    return ""


def _refuse(simple: SimpleCommand, *, tty: bool, bounded: bool) -> str:
    words = _unwrap(simple.words)
    if not words or words[0] == "timeout":
        return ""
    name, arguments = words[0].rpartition("/")[2], words[1:]
    if name == "kubectl":
        return _refuse_kubectl(simple, arguments, tty=tty, bounded=bounded)
    if name in _EDITORS:
        return f"`{name}` waits for somebody to type. Write the file with a heredoc or a `file=` block."
    if name in _PAGERS:
        return f"`{name}` waits for a key. Leave it out; `head=` and `tail=` shorten what is shown."
    if name == "watch":
        return '`watch` never ends. Run the command itself with `until="…"`.'
    if name in _SCREENS:
        return f"`{name}` needs a person at a terminal."
    if name == "tail" and not simple.background and _has(arguments, "f", "--follow"):
        return "`tail -f` never ends. Leave `-f` out, or end the line with `&`."
    if name == "istioctl" and _verb(arguments)[:1] in (["dashboard"], ["dash"], ["d"]) and not simple.background:
        return "`istioctl dashboard` opens a browser and never ends."
    if name == "istioctl" and _asks_first(arguments) and not simple.piped:
        return f"`istioctl {_verb(arguments)[0]}` asks before it goes on. Add `-y`."
    if name in _CONTAINERS and arguments[:1] in (("run",), ("exec",)) and _interactive(arguments) and not tty:
        return f"`{name} {arguments[0]} -it` needs a terminal. Leave `-it` out."
    if name in _SHELLS and not simple.piped and (not arguments or _has(arguments, "i")):
        return f"`{' '.join(words)}` starts an interactive shell and waits for somebody to type. Give it a command."
    return ""


def _refuse_kubectl(simple: SimpleCommand, arguments: Sequence[str], *, tty: bool, bounded: bool) -> str:
    verb = _verb(arguments)[:1]
    if not verb:
        return ""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    inner = arguments[arguments.index("--") + 1 :] if "--" in arguments else ()
    name = verb[0]
    if name == "edit" and not any(item.startswith(("EDITOR=", "KUBE_EDITOR=")) for item in simple.assignments):
        return "`kubectl edit` opens an editor. Use `kubectl patch`, `kubectl set` or a `file=` block with `apply`."
    if name in {"exec", "run", "debug"} and _interactive(own):
        if not tty:
            return f"`kubectl {name} -it` needs a terminal. Leave `-it` out, or add the option `tty`."
        if len(inner) == 1 and inner[0].rpartition("/")[2] in _SHELLS:
            return f"`kubectl {name} -it … -- {inner[0]}` waits for somebody to type. Give the shell a command (`-c`)."
    if simple.background:
        return ""
    if name == "attach":
        return "`kubectl attach` never ends. Use `kubectl logs`."
    if name in {"port-forward", "proxy"}:
        return f"`kubectl {name}` never ends. End the line with `&`; it is stopped with the session."
    watches = (name in {"get", "events"} and _has(own, "w", "--watch", "--watch-only")) or (
        name in {"logs", "log"} and _has(own, "f", "--follow")
    )
    if watches and not bounded:
        flag = "-f" if name in {"logs", "log"} else "-w"
        return f'`kubectl {name} {flag}` never ends. Add the option `within="10s"`, or poll with `until="…"`.'
    return ""


def _asks_first(arguments: Sequence[str]) -> bool:
    """Whether istioctl will ask "Proceed? (y/N)"; where nobody answers it prints "Cancelled" and changes nothing."""
    if _verb(arguments)[:1] not in (["install"], ["uninstall"], ["upgrade"]):
        return False
    return not (_has(arguments, "y", "--skip-confirmation", "--dry-run") or _has(arguments, "h", "--help"))


def _unwrap(words: Sequence[str]) -> tuple[str, ...]:
    """The command behind ``sudo``, ``env A=b`` and the like."""
    rest = list(words)
    while rest and rest[0].rpartition("/")[2] in _WRAPPERS and len(rest) > 1:
        rest.pop(0)
        while rest and (rest[0].startswith("-") or re.match(r"[A-Za-z_]\w*=", rest[0])):
            rest.pop(0)
    return tuple(rest)


def _verb(arguments: Sequence[str]) -> list[str]:
    """The words of a command line without its flags, as far as the flags are known to take a value."""
    words: list[str] = []
    skip = False
    for item in arguments:
        if skip:
            skip = False
        elif item == "--":
            break
        elif item.startswith("-") and len(item) > 1:
            skip = item in _VALUED and not (item in {"-i", "-c"} and words)
        else:
            words.append(item)
    return words


def _has(arguments: Sequence[str], short: str, *long: str) -> bool:
    """Whether a boolean flag is set: ``-w``, ``-Aw``, ``--watch``, ``--watch=true``; ``=false`` takes it back."""
    for item in arguments:
        name, _, value = item.partition("=")
        if name in long and value != "false":
            return True
        if re.fullmatch(r"-[A-Za-z]{1,4}", name) and short in name and value != "false":
            # `-ojson` and `-nfoo` are a flag with its value, not a bundle.
            return name[1] not in "onlfc" or name[1] == short
    return False


def _interactive(arguments: Sequence[str]) -> bool:
    return _has(arguments, "t", "--tty") or (_has(arguments, "i", "--stdin") and _has(arguments, "t", "--tty"))


def _observes(words: Sequence[str]) -> bool:
    name, arguments = words[0].rpartition("/")[2], words[1:]
    verbs = _verb(arguments)
    known = {*(verbs[:1]), " ".join(verbs[:2])}
    if name == "timeout":
        return len(words) > 2 and _observes(_unwrap(words[2:]))
    if name == "kubectl":
        dry = any(re.fullmatch(r"--dry-run(=(client|server))?", item) for item in arguments)
        return dry or not verbs or bool(known & _KUBECTL_OBSERVES)
    if name == "helm":
        return not verbs or bool(known & _HELM_OBSERVES) or "--dry-run" in arguments
    if name == "istioctl":
        inner = verbs[1:] if verbs[:1] in (["experimental"], ["x"], ["exp"]) else verbs
        return not {*(inner[:1]), " ".join(inner[:2])} & _ISTIOCTL_CHANGES
    if name == "curl":
        return only_fetches(arguments)
    if name == "sed":
        return not _has(arguments, "i", "--in-place")
    return name in _OBSERVERS
