"""How a change is told and how grave it is: one cell, value or line against another.

Grades: a row added, a version, a new column or a content hash alone is minor; an exit code, the class of a cell, a
status, a row or column gone, an error text, the order under ``--sort-by`` and all the rest is major.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from kubetalk.comparing.columns import ENVIRONMENT
from kubetalk.comparing.names import erase
from kubetalk.model import Difference, Verdict

MAJOR, MINOR = Verdict.DRIFT_MAJOR, Verdict.DRIFT_MINOR
_LONGEST = 120
_MOST = 40

# SafeEncodeString's hashes, kustomize's name hashes (kustomize/api/hasher: ten characters), digests and git commits.
_HASH = re.compile(
    r"(?<=[-=])(?:[456789bcdf]{6,10}|[2456789bcdfghkmt]{10}|‹hash›)(?!\w)"
    r"|(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])"
)
# Three numbers, an image's tag of two, or any in a column or key that holds versions; not an address, not a quantity.
_VERSION = re.compile(
    r"(?<![\w.])v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*[0-9A-Za-z])?(?!\.?\d|[\w-])|(?<=[-:])v?\d+\.\d+\.\d+(?!\.?\d)"
    r"|(?<=[a-z]:)v?\d+\.\d+(?![\w.])"
)
_LOOSE_VERSION = re.compile(r"(?<![\w.])v?\d+(?:\.\d+)+(?:[-+][0-9A-Za-z.+-]+)?(?![\w.])|(?<=[-:])v?\d[\w.+-]*|^v?\d+$")
_VERSION_PLACE = re.compile(
    r"(?i)(?:^|[ ._-])(?:version|chart|image|images|app version|tag|image id|kubelet|appversion)(?:\(s\))?$"
)

# States a healthy object does not stay in, and reasons of events that tell of trouble: printers.go, printPod; core/v1
# phases and waiting reasons (pkg/kubelet/images/types.go, pkg/kubelet/events/event.go); helm/v4 release status.
TROUBLE = re.compile(
    r"Error|Back-?[oO]ff|Crash|OOMKill|[Ff]ail(?:ed|ure|ing)|Invalid|Evicted|Unknown|NotReady|Not ready|ErrImage"
    r"|Pending|pending|\bLost\b|Unschedulable|Unhealthy|DeadlineExceeded|NeverPull|ContainerCannotRun"
)


def without_hashes(text: str) -> str:
    """The text with content hashes and digests made equal."""
    return _HASH.sub("‹hash›", text)


def gist(text: str) -> str:
    """The text without what would be a minor change in it: names, hashes and versions made equal."""
    return _VERSION.sub("‹version›", without_hashes(erase(text)))


def grade(old: str, new: str, place: str = "") -> tuple[Verdict, str]:
    """How grave a change from one canonical text to another is, and the word that says why it is only minor.

    ``place`` is the column header or key: VERSION, CHART and IMAGE hold versions of any form.
    """
    old, new = erase(old), erase(new)
    if place.upper() in ENVIRONMENT:
        return MINOR, "version"
    if without_hashes(old) == without_hashes(new):
        return MINOR, "content hash"
    version = _LOOSE_VERSION if _VERSION_PLACE.search(place) else _VERSION
    plain_old, plain_new = (version.sub("‹version›", without_hashes(text)) for text in (old, new))
    if plain_old == plain_new or (version is _LOOSE_VERSION and _untagged(plain_old) == _untagged(plain_new)):
        return MINOR, "version"
    return MAJOR, ""


def _untagged(images: str) -> str:
    """Images without tag and digest: a tag is a version, whatever its form."""
    return ",".join(re.sub(r"(?::[\w.‹›-]+)?(?:@sha256:\S+)?$", "", image) for image in images.split(","))


def change(place: str, old_raw: str, new_raw: str, old: str, new: str, column: str = "") -> Difference:
    """``STATUS of web: Running -> CrashLoopBackOff``: the words readers saw, the grade of the canonical texts."""
    verdict, why = grade(old, new, column or place)
    if why == "content hash":
        hashes = [tuple(_HASH.findall(erase(text))) for text in (old, new)]
        changed = [(a, b) for a, b in zip(*hashes, strict=False) if a != b]
        if changed and len(changed[0][0]) <= 10:
            subject = place.partition(" of ")[2] or place
            return Difference(verdict, f"content hash of {subject}: {changed[0][0]} -> {changed[0][1]}")
    return Difference(verdict, f"{place}: {shown(old_raw)} -> {shown(new_raw)}" + (f" ({why})" if why else ""))


def shown(text: str) -> str:
    """A value in a sentence: blanks are made visible, long texts are cut in the middle."""
    text = " ".join(text.split())
    if not text:
        return '""'
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 40]} … {text[-36:]}"


def short_name(text: str) -> str:
    """A canonical name as people call it: ``web-795767664d-‹#1›`` -> ``web``."""
    name = re.sub(r"-?(?:‹#\d+›|‹…›)(?=$|[./])", "", text)
    if name != text or re.search(r"-(?:[456789bcdf]{8,10}|‹hash›)$", name):
        name = re.sub(r"-(?:[456789bcdf]{6,10}|‹hash›)(?=$|[./])", "", name)
    return name or text


def counted(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Equal differences told once with their number, the grave ones first, at most 40."""
    counts = Counter(differences)
    told = [
        Difference(difference.verdict, difference.message + (f" ({number} times)" if number > 1 else ""))
        for difference, number in counts.items()
    ]
    told.sort(key=lambda difference: difference.verdict is not MAJOR)
    if len(told) > _MOST:
        rest = len(told) - _MOST
        told = [*told[:_MOST], Difference(told[_MOST].verdict, f"and {rest} more")]
    return tuple(told)


def worst(differences: Iterable[Difference]) -> Verdict:
    """The verdict of a command with these differences."""
    verdicts = {difference.verdict for difference in differences}
    return MAJOR if MAJOR in verdicts else MINOR if verdicts else Verdict.FRESH
