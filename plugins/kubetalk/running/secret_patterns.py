"""What secrets look like: by themselves, by their place in a line, by the name beside them.

Prefixes are those the issuers publish for secret scanning. Every expression is bounded or consumes what it scans, so
that hostile output costs linear time.
"""

from __future__ import annotations

import re
from typing import Final

EVIDENT: Final[tuple[tuple[str, re.Pattern[str], int], ...]] = tuple(
    (kind, re.compile(expression), group)
    for kind, expression, group in (
        ("JSON web token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*", 0),
        (
            "PEM private key",
            (
                r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
                r"(?:[^-]|-(?!----END))*(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?"
            ),
            0,
        ),
        ("AWS access key id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", 0),
        ("Google API key", r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", 0),
        ("Google OAuth token", r"\bya29\.[A-Za-z0-9_-]{20,}", 0),
        ("Google OAuth client secret", r"\bGOCSPX-[A-Za-z0-9_-]{20,}", 0),
        ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b", 0),
        ("GitLab token", r"\bgl(?:pat|ptt|dt|rt|cbt|agent|soat|ft)-[A-Za-z0-9_.-]{20,}", 0),
        ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}", 0),
        ("Slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,})", 1),
        ("Stripe key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}", 0),
        ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b", 0),
        ("PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{40,}", 0),
        ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", 0),
        ("DigitalOcean token", r"\bdo[oprt]_v1_[a-f0-9]{40,}", 0),
        ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}\b", 0),
        ("AI service key", r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32,}", 0),
        ("Vault token", r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}", 0),
        ("age secret key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}", 0),
        ("Azure storage key", r"(?i)\b(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{30,}={0,2})", 1),
        ("signature of a signed URL", r"(?i)[?&](?:X-Amz-Signature|X-Goog-Signature|sig)=([A-Za-z0-9%+/_-]{20,})", 1),
        ("password hash", r"\$(?:2[abxy]|5|6|y|argon2id?|apr1)\$[A-Za-z0-9./$,=+-]{20,}", 0),
        ("Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b", 0),
    )
)
"""(kind, expression, group that holds the secret): secret wherever it stands."""

ENCODED_PEM: Final = re.compile(r"(?<![A-Za-z0-9+/])LS0tLS1CRUdJTi[A-Za-z0-9+/]{22,}={0,2}")
"""Base64 of ``-----BEGIN …``, which may be a key or a public certificate."""

PLACED: Final = tuple(
    (re.compile(expression), group)
    for expression, group in (
        (
            (
                r"(?i)\b(?:proxy-)?authorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:bearer|basic|token|negotiate)\s{1,9}"
                r"([^\s\"',]{4,})"
            ),
            1,
        ),
        (r"(?i)\bbearer[ =:]{1,9}([A-Za-z0-9._~+/-]{16,}=*)", 1),
        (r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{1,200})@", 1),
        (r"(?im)^[<> \t]{0,9}(?:set-)?cookie:\s{0,9}[^\s=;]{1,100}=([^\s;]{8,})", 1),
        (r"(?i)\bx-(?:api-key|auth-token|vault-token|amz-security-token):\s{0,9}(\S{8,})", 1),
        # kubeconfig, as `kubectl config view --raw` and `kind get kubeconfig` print it, in YAML or JSON.
        (
            (
                r"(?<![\w-])(?:certificate-authority-data|client-certificate-data|client-key-data)[\"']?\s{0,9}:\s{0,9}"
                r"[\"']?([A-Za-z0-9+/=]{4,})"
            ),
            1,
        ),
        # Bootstrap tokens may register nodes: kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens.
        (r"(?i)\btoken[\s=:\"']{1,9}([a-z0-9]{6}\.[a-z0-9]{16})\b", 1),
        (
            (
                r"(?i)--(?:certificate-key|docker-password|password|passwd|token|client-secret|secret-key|api-key|"
                r"access-token)[= ][\"']?([^\s\"'<$-][^\s\"']*)"
            ),
            1,
        ),
        (r"(?i)--from-literal[= ][\"']?[\w.-]{1,253}=([^\s\"']+)", 1),
        (r"(?i)\s-u[ =]?[\"']?[\w.@-]{1,100}:([^\s\"'/][^\s\"']*)", 1),
        # ~/.docker/config.json
        (r"\"auth\"\s{0,9}:\s{0,9}\"([A-Za-z0-9+/]{8,}={0,2})\"", 1),
    )
)
"""(expression, group): secret by its place in a line."""

NAMED: Final = re.compile(
    r"(?i)(?<![\w.-])[\w.-]{0,80}?(?P<word>password|passwd|passphrase|token|secret|credentials?|api[_-]?key|"
    r"access[_-]?key(?:[_-]?id)?|private[_-]?key(?:[_-]?id)?|secret[_-]?key|account[_-]?key|encryption[_-]?key|"
    r"client[_-]?secret|auth|pwd|key)[\"']?[ \t]{0,40}(?P<sign>=>|[:=])[ \t]{0,40}(?P<quote>[\"']?)"
    r"(?P<value>[^\s\"',;}\])]+)(?=(?P<rest>[^\n]{0,40}))"
)
"""A telling name and the value beside it, which still has to look like a secret."""

PASSWORD_WORDS: Final = frozenset({"password", "passwd", "passphrase", "pwd"})
NOT_A_PASSWORD: Final = re.compile(
    r"(?i)<[^>]*>?|\*{2,}|\$.*|[{\[|>].*|true|false|null|nil|none|yes|no|string|str|object|optional|required|\d+|~|&\w*|"
    r"(?:set|unset|changed|updated|redacted|hidden|empty|ok)[.!]?"
)
"""Schema words, variables, sizes and states that stand after ``password:`` without being one."""

TOKEN_VALUE: Final = re.compile(r"[A-Za-z0-9+/=_.~%-]{16,}")
KUBERNETES_NAME: Final = re.compile(r"[a-z0-9]+(?:[-./:][a-z0-9]+)*")
UID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DIGEST: Final = re.compile(r"(?:sha\d+|md5)[:-].*")
