r"""The words behind a fence: which form of block it is, and its options, strictly checked.

Grammar: ``language word key=value key="va lue"``, also written ``{.language word key=value #id}``. In double quotes
``\"`` and ``\\`` stand for the second character and every other backslash stands for itself, so that regular
expressions need no doubling.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from kubetalk.model import BlockOptions, Match, OutputMode
from kubetalk.reading.spelling import did_you_mean
from kubetalk.reading.yaml_fields import SLUG, parse_date

CONSOLES = ("console", "shell-session")
"""Languages of a fence that can be live; both are names of one lexer."""
_SHELLS = frozenset({"bash", "sh", "shell", "zsh", "fish", "live", "", "terminal", "sh-session", "powershell"})
VIEWS = ("all", "traffic", "config")
_KEYS = frozenset({"ref", "file", "recorded"})
_QUOTED = r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'"
_TOKEN = re.compile(rf"\s*(?:(?P<key>[A-Za-z_][\w-]*)=(?P<value>{_QUOTED}|[^\s\"'{{}}]*)|(?P<word>[^\s\"'=]+))(?=\s|$)")
_LOOK = re.compile(rf"{_QUOTED}|[^\s\"']+")
_LONGEST = 2000
_DURATION = re.compile(r"(?=.)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,6})?)s)?")


class Form(StrEnum):
    """What a special fence is."""

    LIVE = "live block"
    REFERENCE = "reference"
    FILE = "file block"
    DIAGRAM = "diagram"
    HISTORIC = "historic block"


@dataclass(frozen=True, slots=True)
class Info:
    """A checked info string."""

    form: Form
    language: str
    options: BlockOptions
    values: Mapping[str, Any]
    """The options that are no `BlockOptions`: ``id``, ``ref``, ``file``, ``recorded``, ``reason``, ``prompt``, …."""
    given: frozenset[str]
    """Names of all options that were written."""


class OptionError(ValueError):
    """An info string is wrong; ``remedy`` says what to write."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def form_of(info: str, *, host: bool = False) -> Form | None:
    """Which form of block an info string asks for, None for an ordinary fence.

    Other tools' fences stay theirs: ``exec=`` belongs to markdown-exec; on an ordinary page of the site (``host``) a
    word such as ``live`` in a language that is no shell is somebody else's too.
    """
    tokens = _LOOK.findall(_unbrace(info[:_LONGEST]))
    if not tokens:
        return None
    language = tokens[0].lower()
    keys = {token.partition("=")[0] for token in tokens if "=" in token}
    if "exec" in keys:
        return None
    if language == "diagram":
        return Form.DIAGRAM
    ours = language in CONSOLES or language in _SHELLS or "=" in tokens[0] or not host
    if "recorded" in keys and ours:
        return Form.HISTORIC
    if "ref" in keys and ours:
        return Form.REFERENCE
    if "live" in tokens and ours:
        return Form.LIVE
    return Form.FILE if "file" in keys else None


def read_info(info: str, form: Form) -> Info:
    """The language and options of a special fence. Raises OptionError."""
    if len(info) > _LONGEST:
        raise OptionError(f"the line of the fence is longer than {_LONGEST} characters")
    language, words, values = _tokens(info)
    known = _OPTIONS[form]
    if form is not Form.FILE and form is not Form.DIAGRAM and language not in CONSOLES:
        asked = "a live block" if form is Form.LIVE else f"a {form.value}"
        shown = f"`{language}`" if language and language != "live" else "missing"
        raise OptionError(f"the language of {asked} is {shown}", f"Write ```` ```{_opening(form)} ````.")
    found: dict[str, Any] = {}
    for word in words:
        if word == "live" and form is Form.LIVE:
            continue
        if word == "live":
            raise OptionError(f"a {form.value} is not run, `live` has no place in it", "Delete `live`.")
        if word not in known:
            raise OptionError(f"unknown option `{word}` of a {form.value}", did_you_mean(word, known))
        if known[word] is not _flag:
            raise OptionError(f"option `{word}` needs a value", f'Write `{word}="…"`.')
        found[word] = True
    for key, text in values.items():
        if key not in known:
            raise OptionError(f"unknown option `{key}` of a {form.value}", did_you_mean(key, known))
        try:
            found[key] = known[key](text)
        except ValueError as error:
            raise OptionError(f"option `{key}` is `{text}`, it has to be {error}") from None
    _together(found, form)
    names = {item.name for item in fields(BlockOptions)}
    options = BlockOptions(**{key: value for key, value in found.items() if key in names})
    rest = {key: value for key, value in found.items() if key not in names}
    return Info(form, language, options, rest, frozenset(found))


def _opening(form: Form) -> str:
    return {
        Form.LIVE: "console live",
        Form.REFERENCE: 'console ref="…"',
        Form.HISTORIC: 'console recorded="2018-11-17" reason="…"',
    }[form]


def _together(found: Mapping[str, Any], form: Form) -> None:
    if "stable" in found and "until" not in found:
        raise OptionError("option `stable` says how long `until` polls, but there is no `until`", 'Add `until="…"`.')
    if form is Form.HISTORIC and not found.get("reason"):
        raise OptionError("a historic block has no reason", 'Add `reason="…"`: why it cannot be run today.')


def _unbrace(info: str) -> str:
    text = info.strip()
    if text.startswith("{") and text.endswith("}"):
        inner = text[1:-1].strip().lstrip(":").strip()
        return re.sub(r"(?<!\S)#([\w-]+)", r'id="\1"', inner.removeprefix("."))
    return text


def _tokens(info: str) -> tuple[str, list[str], dict[str, str]]:
    text = _unbrace(info)
    language, words, values = "", [], {}
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if not token:
            rest = text[position:].strip()
            if not rest:
                break
            raise OptionError(f"the options cannot be read from `{_short(rest)}` on", 'Write `key="value"` or a word.')
        if token["word"] is not None:
            if position == 0:
                language = token["word"].lower()
            elif token["word"] in words:
                raise OptionError(f"option `{token['word']}` is given twice")
            else:
                words.append(token["word"])
        elif token["key"] in values or token["key"] in words:
            raise OptionError(f"option `{token['key']}` is given twice")
        else:
            values[token["key"]] = _unquote(token["value"])
        position = token.end()
    return language, words, values


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _unquote(value: str) -> str:
    if value[:1] == '"':
        return re.sub(r'\\(["\\])', r"\1", value[1:-1])
    return value[1:-1] if value[:1] == "'" else value


def quote(value: str) -> str:
    """The value as `read_info` reads it back, in double quotes."""
    escaped = re.sub(r'\\(?=["\\]|$)', r"\\\\", value).replace('"', '\\"')
    # A backslash before a quote was doubled above, the quote itself is escaped here; both are read back.
    return f'"{escaped}"'


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("`true` or `false`, or the bare word")
    return text == "true"


def _slug(text: str) -> str:
    if not re.fullmatch(SLUG, text):
        raise ValueError("lower-case letters, digits and single hyphens")
    return text


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise ValueError("words separated by commas")
    return words


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("text")
    return text


def duration(text: str) -> float:
    """Seconds of ``30s``, ``1m30s``, ``0.5s``, ``2h``; a bare number counts as seconds. Raises ValueError."""
    if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII):
        seconds = float(text)
    elif match := re.fullmatch(_DURATION, text):
        hours, minutes, rest = match.groups()
        seconds = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0)
    else:
        seconds = 0.0
    if not seconds:
        raise ValueError("a time such as `30s` or `2m`")
    return seconds


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"a regular expression ({error})") from None
    if not text:
        raise ValueError("a regular expression")
    return text


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _one_of(kind: type[StrEnum] | Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        words = [str(item) for item in kind]
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}. {did_you_mean(text, words)}")
        return kind(text) if isinstance(kind, type) else text

    return read


def _day(text: str) -> dt.date:
    day = parse_date(text)
    if day is None:
        raise ValueError("a day such as `2018-11-17`")
    return day


def _prompt(text: str) -> str:
    if not text.strip() or text != text.strip() or text == ">":
        raise ValueError("a prompt without the blank behind it, such as `#` or `[me@host ~]$`, and not `>`")
    return text


def _path(text: str) -> str:
    parts = text.split("/")
    if not text or "\\" in text or any(part in {"", ".", ".."} for part in parts) or re.search(r"[\x00-\x1f]", text):
        raise ValueError("a path inside the working directory such as `manifests/web.yaml`")
    return text


_SHOWN: Mapping[str, Callable[[str], Any]] = {
    "output": _one_of(OutputMode),
    "columns": _words,
    "head": _number(1, 100_000),
    "tail": _number(1, 100_000),
}
_OPTIONS: Mapping[Form, Mapping[str, Callable[[str], Any]]] = {
    Form.LIVE: {
        "id": _slug,
        "hide": _flag,
        **_SHOWN,
        "exit": _number(0, 255),
        "timeout": duration,
        "until": _regex,
        "within": duration,
        "stable": _number(1, 100),
        "match": _one_of(Match),
        "ignore": _words,
        "tty": _flag,
        "symbol": _slug,
        "prompt": _prompt,
    },
    Form.REFERENCE: {"ref": _slug, **_SHOWN},
    Form.FILE: {"file": _path, "hide": _flag},
    Form.DIAGRAM: {
        "id": _slug,
        "hide": _flag,
        "view": _one_of(VIEWS),
        "namespaces": _words,
        "before": _slug,
        "title": _text,
    },
    Form.HISTORIC: {"recorded": _day, "reason": _text, "prompt": _prompt, **_SHOWN},
}

SHOWN = tuple(_SHOWN)
"""The options about how a block is shown, which a reference may have of its own."""


def shown_as(options: BlockOptions, own: BlockOptions) -> BlockOptions:
    """The options of a reference: those of the block it shows, with the reference's own about showing on top."""
    default = BlockOptions()
    changed = {name: getattr(own, name) for name in SHOWN if getattr(own, name) != getattr(default, name)}
    return replace(options, **changed) if changed else options
