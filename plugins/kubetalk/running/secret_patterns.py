"""What secrets look like: by themselves, by their place in a line, by the name beside them.

Prefixes are those the issuers publish for secret scanning. Every expression is bounded or consumes what it scans, so
that hostile output costs linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one kind of secret looks like."""

    kind: str
    needles: tuple[str, ...]
    """Lower-case texts one of which is in every match: looking for them first makes ordinary output cheap."""
    expression: re.Pattern[str]
    """Its group 1 is the secret, or all of it if it has no group."""

    def spans(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        """Where such secrets stand."""
        if any(needle in lowered for needle in self.needles):
            for match in self.expression.finditer(text):
                yield match.span(self.expression.groups and 1)


def _pattern(kind: str, needles: str, *expression: str) -> Pattern:
    return Pattern(kind, tuple(needles.split()), re.compile("".join(expression)))


EVIDENT: Final = (
    _pattern("JSON web token", "eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"),
    _pattern(
        "PEM private key",
        "-----begin",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
        r"(?:[^-]|-(?!----END))*(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _pattern("AWS access key id", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    _pattern("Google API key", "aiza", r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _pattern("Google OAuth token", "ya29.", r"\bya29\.[A-Za-z0-9_-]{20,}"),
    _pattern("Google OAuth client secret", "gocspx-", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    _pattern(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b",
    ),
    _pattern(
        "GitLab token",
        "glpat- glptt- gldt- glrt- glcbt- glagent- glsoat- glft-",
        r"\bgl(?:pat|ptt|dt|rt|cbt|agent|soat|ft)-[A-Za-z0-9_.-]{20,}",
    ),
    _pattern("Slack token", "xox xapp-", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}"),
    _pattern(
        "Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,})"
    ),
    _pattern("Stripe key", "k_live_ k_test_", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _pattern("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _pattern("PyPI token", "pypi-age", r"\bpypi-AgE[A-Za-z0-9_-]{40,}"),
    _pattern("SendGrid key", "sg.", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _pattern("DigitalOcean token", "_v1_", r"\bdo[oprt]_v1_[a-f0-9]{40,}"),
    _pattern("Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{30,}\b"),
    _pattern("AI service key", "sk-", r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32,}"),
    _pattern("Vault token", "hvs. hvb. hvr.", r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _pattern("age secret key", "age-secret-key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    _pattern(
        "Azure storage key",
        "accountkey sharedaccesskey",
        r"(?i)\b(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{30,}={0,2})",
    ),
    _pattern(
        "signature of a signed URL",
        "signature= sig=",
        r"(?i)[?&](?:X-Amz-Signature|X-Goog-Signature|sig)=([A-Za-z0-9%+/_-]{20,})",
    ),
    _pattern("password hash", "$", r"\$(?:2[abxy]|5|6|y|argon2id?|apr1)\$[A-Za-z0-9./$,=+-]{20,}"),
    _pattern("Telegram bot token", ":aa", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
)
"""Secret wherever it stands."""

ENCODED_PEM: Final = re.compile(r"(?<![A-Za-z0-9+/])LS0tLS1CRUdJTi[A-Za-z0-9+/]{22,}={0,2}")
"""Base64 of ``-----BEGIN …``, which may be a key or a public certificate."""

PLACED: Final = (
    _pattern(
        "authorization header",
        "authorization",
        r"(?i)\b(?:proxy-)?authorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:bearer|basic|token|negotiate)\s{1,9}",
        r"([^\s\"',]{4,})",
    ),
    _pattern("bearer token", "bearer", r"(?i)\bbearer[ =:]{1,9}([A-Za-z0-9._~+/-]{16,}=*)"),
    _pattern(
        "password in a URL",
        "://",
        r"(?i)(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{1,200})@",
    ),
    _pattern("cookie", "cookie", r"(?im)^[<> \t]{0,9}(?:set-)?cookie:\s{0,9}[^\s=;]{1,100}=([^\s;]{8,})"),
    _pattern(
        "key in a header",
        "x-api-key x-auth-token x-vault-token x-amz-security-token",
        r"(?i)\bx-(?:api-key|auth-token|vault-token|amz-security-token):\s{0,9}(\S{8,})",
    ),
    # As `kubectl config view --raw` and `kind get kubeconfig` print it, in YAML or JSON.
    _pattern(
        "kubeconfig data",
        "-data",
        r"(?<![\w-])(?:certificate-authority-data|client-certificate-data|client-key-data)[\"']?\s{0,9}:\s{0,9}",
        r"[\"']?([A-Za-z0-9+/=]{4,})",
    ),
    # They may register nodes: kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens.
    _pattern("bootstrap token", "token", r"(?i)\btoken[\s=:\"']{1,9}([a-z0-9]{6}\.[a-z0-9]{16})\b"),
    _pattern(
        "secret flag",
        "--",
        r"(?i)--(?:certificate-key|docker-password|password|passwd|token|client-secret|secret-key|api-key|",
        r"access-token)[= ][\"']?([^\s\"'<$-][^\s\"']*)",
    ),
    _pattern("secret literal", "--from-literal", r"(?i)--from-literal[= ][\"']?[\w.-]{1,253}=([^\s\"']+)"),
    _pattern("curl -u", "-u", r"\s-u[ =]?[\"']?[\w.@-]{1,100}:([^\s\"'/][^\s\"']*)"),
    _pattern("registry login", '"auth"', r"\"auth\"\s{0,9}:\s{0,9}\"([A-Za-z0-9+/]{8,}={0,2})\""),
)
"""Secret by its place in a line."""

NAMED: Final = re.compile(
    r"(?i)(?P<word>password|passwd|passphrase|token|secret|credentials?|"
    r"(?:access|private)[_-]?key[_-]?id|auth|pwd|key)[\"']?[ \t]{0,40}(?P<sign>=>|[:=])[ \t]{0,40}(?P<quote>[\"']?)"
    r"(?P<value>[^\s\"',;}\])]+)(?=(?P<rest>[^\n]{0,40}))"
)
"""The end of a telling name and the value beside it, which still has to look like a secret."""

NAME_NEEDLES: Final = ("pass", "token", "secret", "credential", "key", "auth", "pwd")
PASSWORD_WORDS: Final = frozenset({"password", "passwd", "passphrase", "pwd"})
NOT_A_PASSWORD: Final = re.compile(
    r"(?i)<[^>]*>?|\*{2,}|\$.*|[{\[|>].*|true|false|null|nil|none|yes|no|string|str|object|optional|required|\d+|~|&\w*|"
    r"(?:set|unset|changed|updated|redacted|hidden|empty|ok)[.!]?"
)
"""Schema words, variables, sizes and states that stand after ``password:`` without being one."""

TOKEN_VALUE: Final = re.compile(r"[A-Za-z0-9+/=_.~%-]{16,}")
KUBERNETES_NAME: Final = re.compile(r"[a-z0-9]+(?:[-./:][a-z0-9]+)*")
# A base64 of more than 128 characters is a document (a CA bundle, a release), and its own rules know which are secret.
BARE_WORD: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+_-]{20,128}={0,2}(?![A-Za-z0-9+/_=-])")
"""What may be a secret without anything that says so; judged by how it mixes letters and digits."""
PUBLIC_PEM: Final = re.compile(r"-----BEGIN (?![A-Z0-9 ]*PRIVATE KEY)[A-Z0-9 ]{1,40}-----[^-]*")
PUBLIC_LEADS: Final = ("SHA256:", "ssh-rsa ", "ssh-ed25519 ", "sha256-", "sha384-", "sha512-", "LS0tLS1CRUdJTi")
"""Before or at the start of such a word: fingerprints, public keys, integrity hashes, certificates."""
UID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DIGEST: Final = re.compile(r"(?:sha\d+|md5)[:-].*")
