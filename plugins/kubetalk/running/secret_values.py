"""What the cluster's Secrets hold that must not be shown once a session has read them, and the charts beside it.

A chart's random password looks like any other word once it has left its Secret. So the values themselves are learnt.
Not all of them: a Secret also holds user names, hosts and ports, and to hide ``postgres`` everywhere would hide half
of the page.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

LEAST: Final = 6
"""Characters; shorter values are in too many other words."""

_RELEASE: Final = "helm.sh/release.v1"
_INSTALLED: Final = frozenset({"deployed", "superseded"})
_MOST_SCANNED: Final = 64 * 1024
_MOST_UNPACKED: Final = 32 * 1024 * 1024
_TELLING_KEY: Final = re.compile(r"(?i)pass|pwd|token|secret|key|credential|auth|salt|seed|cookie|private")
_WORDS_OF_EVERY_PAGE: Final = frozenset({"default", "kubernetes", "localhost", "password", "secret", "service"})
_PUBLIC_BLOCK: Final = re.compile(r"(?:-----BEGIN (?:CERTIFICATE|PUBLIC KEY)-----[^-]*-----END [A-Z ]+-----\s*)+")
# Words, hosts, URLs, images, small numbers and versions; what is hexadecimal and has digits is none of them.
_PART: Final = r"(?!(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{6,}(?![0-9A-Za-z]))(?:[A-Z]?[a-z]+\d{0,2}|[A-Z]+|\d{1,5})"
_NAME: Final = re.compile(rf"{_PART}(?:[-._/:@ ,+]{{1,3}}{_PART})*[-._/:@ ,+]{{0,3}}")
_WORD: Final = re.compile(r"[^\s\"'`,;:=@/(){}\[\]<>&|]{8,}")
_SEVERAL: Final = re.compile(r"[\s\"'`,;:=@/(){}\[\]<>&|]")


def secret_values(secrets: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The values to hide: decoded as far as they are text, and as they stand in the Secret.

    Left out are values of fewer than `LEAST` characters, certificates, Helm's own release records, and what reads as a
    name unless its key says password, token or the like; there it may stay only if the Secret itself is called so.
    """
    found: set[str] = set()
    for secret in secrets:
        if secret.get("type") == _RELEASE:
            continue
        metadata = secret.get("metadata") or {}
        called = json.dumps([metadata.get("name"), metadata.get("namespace"), metadata.get("labels")])
        for key, encoded in (secret.get("data") or {}).items():
            found.update(_values(str(key), str(encoded), called))
    return frozenset(found)


def _values(key: str, encoded: str, called: str) -> Iterator[str]:
    try:
        value = base64.b64decode(encoded).decode("utf-8").strip()
    except (binascii.Error, UnicodeDecodeError):
        if len(encoded) >= LEAST:
            yield encoded
        return
    if len(value) < LEAST or _PUBLIC_BLOCK.fullmatch(value) or value.lower() in _WORDS_OF_EVERY_PAGE:
        return
    if not _is_name(value) or (_TELLING_KEY.search(key) and value not in called):
        yield value
        yield encoded
    if len(value) <= _MOST_SCANNED and "-----BEGIN" not in value and _SEVERAL.search(value):
        # A password in a URL, a configuration file, a registry's login.
        yield from (word for word in _WORD.findall(value) if _is_random(word))


def _is_name(value: str) -> bool:
    return len(value) <= 1024 and bool(_NAME.fullmatch(value))


def _is_random(word: str) -> bool:
    """Whether a word among others looks made by a generator: letters and digits, and no name, host or version."""
    return any(c.isdigit() for c in word) and any(c.isalpha() for c in word) and not _is_name(word)


def installed_charts(secrets: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """Name and version of the charts of all releases that Helm has deployed, earlier revisions included.

    Helm 3 and 4 keep a release in a Secret: base64 of gzip of JSON (pkg/storage/driver/util.go).
    """
    found: set[tuple[str, str]] = set()
    for secret in secrets:
        labels = (secret.get("metadata") or {}).get("labels") or {}
        if secret.get("type") != _RELEASE or labels.get("status") not in _INSTALLED:
            continue
        try:
            release = base64.b64decode(base64.b64decode(secret["data"]["release"]))
            # An API server takes objects of a megabyte or so, and that can be gigabytes once it is unpacked.
            with gzip.GzipFile(fileobj=io.BytesIO(release)) as unpacked:
                chart = json.loads(unpacked.read(_MOST_UNPACKED))["chart"]["metadata"]
            found.add((str(chart["name"]), str(chart["version"])))
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            continue
    return frozenset(found)


def chart_versions(charts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Chart to version, several of the same chart from the lowest to the highest, whatever their order was."""
    versions: dict[str, list[str]] = {}
    for name, version in sorted(charts, key=lambda chart: (chart[0], _numbers(chart[1]))):
        versions.setdefault(name, []).append(version)
    return {name: ", ".join(told) for name, told in versions.items()}


def _numbers(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|[^\d.]+", version)]
