"""From bytes to what may be seen: cleaned up, without the machine's names, without secrets."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from kubetalk.model import FileStep, Session
from kubetalk.running.places import Places
from kubetalk.running.redaction import encodings_of, random_words, redact
from kubetalk.running.terminal import clean
from kubetalk.running.workspace import Workspace

_LITERAL: Final = re.compile(r"--from-literal[= ]+[\"']?[\w.-]+=([^\s\"']+)")
_MOST_READ: Final = 1024 * 1024


class Eyes:
    """What one session shows."""

    def __init__(self, session: Session, environment: Mapping[str, str], place: Workspace) -> None:
        self._written = [
            *(step.command.source for step in session.commands),
            *(step.content for step in session.steps if isinstance(step, FileStep)),
        ]
        self._session = session
        self._places = Places(place.root, place.work, environment, self._written)
        literals = {value for text in self._written for value in _LITERAL.findall(text)}
        # What the author published is no secret as it stands, but its base64 is how Secrets show it.
        encoded = {form for value in literals if len(value) >= 6 for form in encodings_of(value) - {value}}
        self._public = frozenset(word for text in self._written for word in random_words(text))
        self._known = frozenset({*encoded, *_kubeconfig_secrets(environment.get("KUBECONFIG", ""))})
        self._texts: list[str] = []
        self.learnt: frozenset[str] = frozenset()
        """The values of the cluster's Secrets that are hidden from now on."""

    def mention(self, what: re.Pattern[str]) -> bool:
        """Whether anything that the author wrote or put into the document's folder says that."""
        return any(what.search(text) for text in self._all_texts())

    def learn(self, values: Collection[str]) -> None:
        """Hide these from now on, except what the author has published."""
        new = {value for value in values if value not in self.learnt and not self._is_published(value)}
        if new:
            self.learnt |= new
            self._known |= new

    def text(self, output: bytes, command: str) -> str:
        """What may be seen of a command's output."""
        return redact(self._places.hide(clean(output)), command=command, known=self._known, public=self._public)

    def again(self, text: str) -> str:
        """A text from before something was learnt, without that."""
        return redact(text, known=self._known, public=self._public) if self.learnt else text

    def cleared(self, value: Any) -> Any:
        """A Kubernetes object whose texts hold no secrets and no names of this machine."""
        if isinstance(value, str):
            return redact(self._places.hide(value), known=self._known, public=self._public)
        if isinstance(value, Mapping):
            secret = value.get("kind") == "Secret"
            return {
                key: self.cleared(item) for key, item in value.items() if not (secret and key in {"data", "stringData"})
            }
        if isinstance(value, list | tuple):
            return [self.cleared(item) for item in value]
        return value

    def _is_published(self, value: str) -> bool:
        forms = encodings_of(value)
        return any(form in text for text in self._all_texts() for form in forms)

    def _all_texts(self) -> Iterable[str]:
        if not self._texts:
            self._texts = [*self._written, *_contents(self._session)]
        return self._texts


def _contents(session: Session) -> Iterable[str]:
    """The document's files, as far as they are texts."""
    for file in session.files:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if file.source_path.stat().st_size <= _MOST_READ:
                yield file.source_path.read_text(encoding="utf-8")


def _kubeconfig_secrets(paths: str) -> set[str]:
    """The keys and tokens in the sandbox's own kubeconfig, secret wherever they turn up."""
    found: set[str] = set()
    for path in filter(None, paths.split(":")):
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
            users = [entry["user"] for entry in data["users"]]
        except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
            continue
        for user in users:
            if isinstance(user, Mapping):
                found |= {str(user[key]) for key in ("client-key-data", "token", "password") if user.get(key)}
    return {value for value in found if len(value) >= 6}
