"""What changes from run to run although nothing changed: times, ids, addresses, tokens. A mask keeps the value's class.

A placeholder is ``‹class›``. Masks are applied to one cell, value or line at a time, so none can reach across a border;
all patterns are linear in the length of the text (a look-behind keeps each from starting twice in one word).
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

AGE = "‹age›"
TIME = "‹time›"
IP4 = "‹ip4›"
IP6 = "‹ip6›"
PORT = "‹port›"
UUID = "‹uuid›"
NODE = "‹node›"
NUMBER = "‹n›"
TOKEN = "‹token›"  # noqa: S105 - the placeholder, not a token
DURATION = "‹duration›"
CIDR = "‹cidr›"
OPAQUE = "‹opaque›"

NODE_PORTS = range(30000, 32768)
"""The apiserver's default ``--service-node-port-range`` (kubernetes/pkg/kubeapiserver/options/options.go)."""

# k8s.io/apimachinery/pkg/util/duration/duration.go, HumanDuration and ShortHumanDuration. ``<invalid>`` is a time
# more than a second in the future, that is a clock skew; ``<unknown>`` (no timestamp at all) is a class of its own.
_DURATION = r"(?:\d+s|\d+m(?:\d+s)?|\d+h(?:\d+m)?|\d+d(?:\d+h)?|\d+y(?:\d+d)?|<invalid>|‹age›)"
_AGE_CELL = re.compile(rf"{_DURATION}(?: \(x\d+ over {_DURATION}\))?")
_RESTARTS = re.compile(rf"(\d+|‹n›)(?: \({_DURATION} ago\))?")

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)"

_TIME = "|".join(
    (
        rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?: ?{_ZONE})?(?: [A-Z]{{3,4}}\b)?(?: m=[+-][\d.]+)?",  # RFC 3339, Go
        rf"{_DAY} {_MONTH} [ \d]?\d {_CLOCK} (?:[A-Z]{{3,4}} )?\d{{4}}",  # time.ANSIC (helm), date(1)
        rf"{_DAY}, \d\d? {_MONTH} \d{{4}} {_CLOCK} (?:[A-Z]{{3}}|[+-]\d{{4}})",  # RFC 1123 (describe, HTTP headers)
        rf"\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}}",  # common log format
    )
)

_IPV6 = (
    r"(?:[0-9a-fA-F]{1,4}:){2,7}[0-9a-fA-F]{0,4}|(?:[0-9a-fA-F]{1,4}:){0,6}:(?:[0-9a-fA-F]{1,4}:){0,6}[0-9a-fA-F]{1,4}"
)

_TEXT = re.compile(
    "|".join(
        (
            rf"(?P<time>(?<![\w›:.-])(?:{_TIME})(?![\w‹]))",
            # A provisioned volume is named after its claim's UID (pv_controller.go, GetProvisionedVolumeNameForClaim).
            r"(?P<uuid>(?:(?<=\bpvc-)|(?<![0-9a-fA-F›-]))[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![\w‹-]))",
            # A container's id is random; an image's digest is content and stays.
            r"(?P<container>(?<![\w›])(?:containerd|docker|cri-o|kwok)://[0-9a-f]{64}(?![\w‹]))",
            r"(?P<jwt>(?<![\w›-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)",
            # The certificate of the sandbox's user is made per run (apiserver/pkg/authentication/request/x509).
            r"(?P<credential>X509SHA256=[0-9a-f]{64}(?![\w‹]))",
            # mktemp(1), Go's os.MkdirTemp as used by kubectl diff (kubectl/pkg/cmd/diff/diff.go: LIVE-, MERGED-).
            r"(?P<tmp>/tmp/(?:tmp\.\w+|(?:LIVE|MERGED)-\d+|[A-Za-z][\w.]*-?\d{6,}|tmp\w{8})(?![\w‹]))",
            # The ServiceAccount admission plugin's projected volume (plugin/pkg/admission/serviceaccount/admission.go).
            r"(?P<volume>kube-api-access-(?:[bcdfghjklmnpqrstvwxz2456789]{5}(?![\w‹-])|‹n\d+›))",
            # tools/record and tools/events: object name, dot, hexadecimal nanoseconds.
            r"(?P<event>(?<=\w)\.1[0-9a-f]{15}(?![\w‹-]))",
            # The identity lease of an apiserver: base32 of a hash of its host name (apiserver/pkg/server/config.go).
            r"(?P<lease>(?<![\w›-])apiserver-[a-z2-7]{26}(?![\w‹-]))",
            r"(?P<loopback>(?<![\w.›])(?:127\.0\.0\.1|localhost|\[::1\]):(?P<loopback_port>[1-6]\d{4})(?![\w‹]))",
            r"(?P<ip4>(?<![\w›.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*[\w‹]))",
            rf"(?P<ip6>(?<![\w›:.])(?:{_IPV6})(?![\w:.‹]))",
        )
    )
)

# One of these is in every text that _TEXT can match: most lines of most outputs skip the big pattern.
_WORTH = re.compile(
    r"\d:\d\d|://|-[0-9a-fA-F]{4}-|eyJ|/tmp/|kube-api-access|\.1[0-9a-f]|apiserver-|\d\.\d|[0-9a-fA-F:]::|:[0-9a-f]{1,4}:|SHA256=|localhost:"
)

_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ([\w./-]+):\d+\] ")
_KLOG_MASKED = re.compile(r"[IWEF]‹klog› [\w./-]+\] ")

_PRIVATE = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918: pods, services, nodes
        "100.64.0.0/10",  # RFC 6598, used for pods by some clouds
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  # RFC 5737: the sandbox's load balancers
        "fc00::/7", "fe80::/10", "2001:db8::/32",
    )
)  # fmt: skip


@functools.lru_cache(maxsize=65536)
def ip_class(text: str) -> str:
    """``‹ip4›`` or ``‹ip6›`` if the whole text is an address, else empty; ``0.0.0.0`` and loopback are no chance."""
    if text in {IP4, IP6}:
        return text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if address.is_unspecified or address.is_loopback:
        return ""
    return IP4 if address.version == 4 else IP6


@functools.lru_cache(maxsize=65536)
def _is_volatile_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in block for block in _PRIVATE if block.version == address.version)


def age(cell: str) -> str:
    """The class of an AGE-like cell: ``‹age›``, or the cell itself when it is no duration."""
    return AGE if _AGE_CELL.fullmatch(cell) else cell


def restarts(cell: str) -> str:
    """``0`` or ``‹n›``: how often a container came back is chance, that it did is not (printers.go, restartsStr)."""
    match = _RESTARTS.fullmatch(cell)
    if match is None:
        return cell
    return "0" if match[1] == "0" else NUMBER


def klog(line: str) -> str | None:
    """A klog line as severity, file and text, or None for any other line (klog/v2: date, time, thread, line)."""
    match = _KLOG.match(line)
    if match is not None:
        return f"{match[1]}‹klog› {match[2]}] {line[match.end() :]}"
    return line if _KLOG_MASKED.match(line) else None


def seconds(cell: str) -> float | None:
    """The length of a duration cell in seconds; None when it is none."""
    if not _AGE_CELL.fullmatch(cell) or "<" in cell or "‹" in cell:
        return None
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 31536000}
    return float(
        sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhdy])", cell.partition(" ")[0]))
    )


def text(value: str, literals: Collection[str] = (), known: Mapping[str, str] | None = None) -> str:
    """A cell, value or line with its volatile parts masked.

    ``literals`` are addresses and ports the author wrote: they stay. ``known`` gives addresses a name
    (the ClusterIP of a Service seen earlier), so that a different one is a different text.
    """
    if _WORTH.search(value) is None:
        return value

    def replace(match: re.Match[str]) -> str:
        kind = match.lastgroup
        found = match[0]
        match kind:
            case "time":
                return TIME
            case "uuid":
                return UUID
            case "container":
                return found.partition("://")[0] + "://‹container›"
            case "jwt":
                return TOKEN
            case "credential":
                return "X509SHA256=‹digest›"
            case "tmp":
                return "/tmp/‹dir›"  # noqa: S108 - a mask, no file
            case "volume":
                return "kube-api-access-‹volume›"
            case "event":
                return ".‹event›"
            case "lease":
                return "apiserver-‹identity›"
            case "ip4" | "ip6":
                return _address(match, literals, known or {})
            case _:
                port = match["loopback_port"]
                return found if port in literals or found in literals else found[: -len(port)] + PORT

    return _TEXT.sub(replace, value)


def _address(match: re.Match[str], literals: Collection[str], known: Mapping[str, str]) -> str:
    found = match[0]
    if found in literals or match.string[match.end() : match.end() + 1] == "/":
        return found  # what the author wrote; a CIDR block
    if found in known:
        return known[found]
    return ip_class(found) if _is_volatile_address(found) else found


# Names an author can put into `ignore=` beside column headers: they widen what is masked in text.
EXTRA: Mapping[str, re.Pattern[str]] = {
    "ip": re.compile(
        rf"(?<![\w.›])(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![\w.‹])|(?<![\w:.›])(?:{_IPV6})(?![\w:.‹])|‹ip[46][^›]*›"
    ),
    "number": re.compile(r"(?<![\w.›‹])\d+(?:\.\d+)?(?![\w.‹])"),
    "duration": re.compile(r"(?<![\w.›])(?:\d+(?:\.\d+)?(?:ns|µs|us|ms|s|m|h|d))+(?![\w‹])"),
    "date": re.compile(r"(?<![\w›-])\d{4}-\d\d-\d\d(?![\w‹-])"),
    "version": re.compile(r"(?<![\w.›])v?\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]+)?(?![\w.‹])"),
    "hash": re.compile(
        r"(?<=[-=])(?:[456789bcdf]{6,10}|[2456789bcdfghkmt]{10})(?![\w‹])|(?<![0-9a-f])[0-9a-f]{40,64}(?![0-9a-f])"
    ),
}
