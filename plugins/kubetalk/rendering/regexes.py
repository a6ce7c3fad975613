"""A regular expression of Python, as ``until=`` has it, in the words of grep."""

from __future__ import annotations

CLASSES = {"d": "0-9", "s": "[:space:]", "w": "[:alnum:]_"}
"""What a class stands for inside brackets."""


def grep_options(pattern: str) -> tuple[str, str]:
    """``-E`` and the expression as POSIX writes it, so that any grep reads it; ``-P`` where POSIX has no words for it.

    For the question whether a line matches, a lazy repetition is an ordinary one and a group need not be remembered.
    """
    extended = _extended(pattern)
    return ("-P", pattern) if extended is None else ("-E", extended)


def _extended(pattern: str) -> str | None:
    result: list[str] = []
    rest = pattern
    in_brackets = False
    while rest:
        char, rest = rest[0], rest[1:]
        if char == "\\":
            char, rest = rest[:1], rest[1:]
            escaped = _escape(char, in_brackets=in_brackets)
            if escaped is None:
                return None
            result.append(escaped)
        elif in_brackets:
            result.append(char)
            in_brackets = char != "]"
        elif char == "[":
            in_brackets = True
            head = "[^" if rest.startswith("^") else "["
            rest = rest[len(head) - 1 :]
            if rest.startswith("]"):  # the bracket itself
                head, rest = head + "]", rest[1:]
            result.append(head)
        elif char == "(" and rest.startswith("?"):
            if not rest.startswith("?:"):
                return None
            result.append("(")
            rest = rest[2:]
        elif char in "*+?}" and rest[:1] in {"?", "+"}:
            if rest[0] == "+":
                return None
            result.append(char)
            rest = rest[1:]
        else:
            result.append(char)
    return "".join(result)


def _escape(char: str, *, in_brackets: bool) -> str | None:
    """What follows a backslash; None if POSIX has no words for it."""
    if char.lower() in CLASSES:
        inside = CLASSES[char.lower()]
        if not in_brackets:
            return f"[^{inside}]" if char.isupper() else f"[{inside}]"
        return None if char.isupper() else inside
    if char.isalnum() or not char:
        return None
    if in_brackets:  # where a backslash is nothing special, and these three can only be given by their place
        return None if char in "]^-" else char
    return f"\\{char}" if char in r"\.[]{}()*+?^$|" else char
