"""A session and a sandbox make a recording: the shell, timeouts, polling, clean-up, redaction."""

from kubetalk.running.redaction import find_secrets, redact
from kubetalk.running.session import IsStable, Prune, check_session, equal_outputs, rewind, run_session
from kubetalk.running.shell import interrupt_all
from kubetalk.running.terminal import clean

__all__ = [
    "IsStable",
    "Prune",
    "check_session",
    "clean",
    "equal_outputs",
    "find_secrets",
    "interrupt_all",
    "redact",
    "rewind",
    "run_session",
]
