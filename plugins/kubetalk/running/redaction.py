"""Secrets leave the text before anything else sees it: recording, cache, log, report, page.

Two kinds of rules: things that are secret wherever they stand (`EVIDENT`, and everything in a Kubernetes Secret or
kubeconfig), and things that are secret by the name beside them (`NAMED`). Ordinary cluster output (pod hashes,
digests, UIDs, resource versions, CA bundles) must stay: a reader sees every false hit.
"""

from __future__ import annotations

import base64
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Final

from kubetalk.running.secret_objects import secret_object_spans
from kubetalk.running.secret_patterns import (
    BARE_WORD,
    DIGEST,
    ENCODED_PEM,
    EVIDENT,
    KUBERNETES_NAME,
    NAME_NEEDLES,
    NAMED,
    NOT_A_PASSWORD,
    PASSWORD_WORDS,
    PLACED,
    PUBLIC_LEADS,
    PUBLIC_PEM,
    TOKEN_VALUE,
    UID,
)
from kubetalk.running.terminal import SGR

REDACTED: Final = "<redacted>"
"""What stands in place of a secret; spelled like kubectl's own ``<none>``, valid in YAML and in a JSON string."""

Span = tuple[int, int]

# A command that takes single values out of a Secret prints them bare: nothing in the output says what they are.
_READS_SECRETS: Final = re.compile(r"(?<![\w-])secrets?(?:[/ \t\n.]|$)")
_TAKES_DATA: Final = re.compile(
    r"\.data\b|\bstringData\b|\['?data|\bdata\[|\bdata\s*\||base64\s+(?:-d|-D|--decode)|@base64d"
)
_CREATES_TOKEN: Final = re.compile(r"\bkubectl\b[^|;&]*\bcreate\s+token\b|\bkubeadm\s+token\s+create\b")


def redact(text: str, *, command: str = "", known: Collection[str] = (), public: Collection[str] = ()) -> str:
    """The text with every secret replaced by ``<redacted>``.

    ``command`` is what printed it (reading Secret data prints bare values), ``known`` are values that are secret here
    whatever they look like, such as the sandbox's own keys; their base64 goes too. ``public`` are words that look
    random and are none, because the author wrote them. Colours inside a secret do not hide it. Redacting twice changes
    nothing.
    """
    if not text:
        return text
    if command and _prints_bare_secrets(command):
        return "\n".join(REDACTED if _is_bare_value(row) else row for row in text.split("\n"))
    plain, positions = _without_styles(text)
    spans = _merged(itertools.chain(_all_spans(plain, known), _bare(plain, public)))
    parts: list[str] = []
    done = 0
    for start, end in spans:
        begin = positions[start] if positions else start
        finish = positions[end - 1] + 1 if positions else end
        parts += [text[done:begin], REDACTED]
        done = finish
    return "".join([*parts, text[done:]])


def find_secrets(source: str) -> tuple[str, ...]:
    """The kinds of secret that stand literally in a text an author wrote, such as ``GitHub token``; often none.

    Only what is evident counts: ``--from-literal=password=example`` is how tutorials are written, and issuers put
    EXAMPLE into the keys of their own documentation.
    """
    kinds = [
        pattern.kind
        for pattern in EVIDENT
        if any("EXAMPLE" not in match[0] for match in pattern.expression.finditer(source))
    ]
    return (*kinds, *(("PEM private key in base64",) if any(_encoded_keys(source)) else ()))


def encodings_of(value: str) -> frozenset[str]:
    """The value and what `base64` makes of it, with and without a final newline."""
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {base64.b64encode(data).decode() for data in (raw, raw + b"\n")}
    return frozenset({value, *encoded})


def _all_spans(plain: str, known: Collection[str]) -> Iterator[Span]:
    lowered = plain.lower()
    yield from secret_object_spans(plain)
    yield from _encoded_keys(plain)
    for pattern in (*EVIDENT, *PLACED):
        yield from pattern.spans(plain, lowered)
    if any(needle in lowered for needle in NAME_NEEDLES):
        yield from _named(plain)
    for value in known:
        if len(value) >= 6:
            for form in encodings_of(value):
                yield from _places_of(form, plain)


def _places_of(form: str, plain: str) -> Iterator[Span]:
    start = plain.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = plain.find(form, start + len(form))


def _encoded_keys(plain: str) -> Iterator[Span]:
    """PEM private keys in base64, as Secrets, kubeconfigs and Helm values carry them; certificates are public."""
    if "LS0tLS1CRUdJTi" not in plain:
        return
    for match in ENCODED_PEM.finditer(plain):
        if b"PRIVATE KEY" in base64.b64decode(match[0][:64]):
            yield match.span()


def _named(plain: str) -> Iterator[Span]:
    """Values after ``password:``, ``TOKEN=`` and the like."""
    for match in NAMED.finditer(plain):
        word = match["word"].lower()
        value = match["value"]
        alone = match["sign"] == "=" or bool(match["quote"]) or not match["rest"].strip(" \t,;})]\"'")
        judge: Callable[[str], bool] = _is_password if word in PASSWORD_WORDS else _is_random
        if word in PASSWORD_WORDS and not alone:
            continue
        if word == "key" and len(value) < 20:
            continue
        if judge(value):
            yield match.span("value")


def random_words(text: str) -> frozenset[str]:
    """The words of a text that would be taken for secrets though nothing says so."""
    return frozenset(match[0] for match in BARE_WORD.finditer(text) if _is_mixed(match[0]))


def _bare(plain: str, public: Collection[str]) -> Iterator[Span]:
    """Words that only a generator makes: a token printed by itself, a generated password.

    In hexadecimal or lower case alone nothing tells them from a UID, a digest, a commit or a generated name.
    """
    if '"kty"' in plain:  # a JSON Web Key Set is made to be published (RFC 7517)
        return
    plain = PUBLIC_PEM.sub(lambda match: " " * len(match[0]), plain)
    for match in BARE_WORD.finditer(plain):
        start, end = match.span()
        if match[0] in public or not _is_mixed(match[0]):
            continue
        before = plain[max(start - 12, 0) : start]
        if not before.endswith(PUBLIC_LEADS) and not match[0].startswith(PUBLIC_LEADS):
            yield start, end


def _is_mixed(word: str) -> bool:
    """Whether capitals, small letters and digits change as often as chance makes them: in no name of a type or file."""
    kinds = ["A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else "-" for c in word.rstrip("=")]
    if kinds.count("0") < 2 or not {"A", "a"} <= set(kinds):
        return False
    changes = sum(one != other for one, other in itertools.pairwise(kinds))
    least = 0.6 if re.search("[a-z]{6}", word) else 0.4  # a name made of words has words in it
    return changes >= least * (len(kinds) - 1) and _entropy(word) >= 3.5


def _is_password(value: str) -> bool:
    return len(value) >= 3 and not NOT_A_PASSWORD.fullmatch(value)


def _is_random(value: str) -> bool:
    """Whether a value beside a telling name looks made by a generator and is not a name, UID or digest."""
    if not TOKEN_VALUE.fullmatch(value) or UID.fullmatch(value) or DIGEST.match(value):
        return False
    if KUBERNETES_NAME.fullmatch(value):
        # Kubernetes names are lower case with dashes; a run of twenty letters and digits is no word of one.
        longest = max(re.split(r"[-./:]", value), key=len)
        return len(longest) >= 20 and any(c.isdigit() for c in longest) and any(c.isalpha() for c in longest)
    kinds = sum((any(c.islower() for c in value), any(c.isupper() for c in value), any(c.isdigit() for c in value)))
    if value.startswith(("/", "./")) or ("/" in value and kinds < 3):
        return False
    return kinds >= 2 and any(c.isdigit() or c in "+/=" for c in value) and _entropy(value) >= 3.2


def _entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def _prints_bare_secrets(command: str) -> bool:
    if _CREATES_TOKEN.search(command):
        return True
    return bool(_READS_SECRETS.search(command) and _TAKES_DATA.search(command))


def _is_bare_value(row: str) -> bool:
    """Errors, warnings and kubectl's own messages stay readable; everything else may be a value."""
    return bool(row.strip()) and not re.match(r"(?:Error|error|Warning|No resources found|bash: )", row)


def _without_styles(text: str) -> tuple[str, list[int]]:
    """The text without colours, and each remaining character's position in the original (empty: the same)."""
    if "\x1b" not in text:
        return text, []
    positions: list[int] = []
    done = 0
    for match in SGR.finditer(text):
        positions.extend(range(done, match.start()))
        done = match.end()
    positions.extend(range(done, len(text)))
    return "".join(text[position] for position in positions), positions


def _merged(spans: Iterator[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
