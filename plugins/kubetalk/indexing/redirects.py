"""Old addresses (``redirect_from``) and where they lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubetalk.indexing.entries import PathOf
from kubetalk.model import Document, Settings


def redirect_targets(documents: Iterable[Document], settings: Settings, *, document_path: PathOf) -> Mapping[str, str]:
    """Output uri of the old page (``posts/2018/11/17/x/index.html``) to the path it leads to.

    Old addresses carried no language, so they lead to the text in the site's default language if there is one.
    """
    targets: dict[str, str] = {}
    for document in documents:
        language = next(
            (language for language in settings.languages if language in document.texts), settings.languages[0]
        )
        for old in document.facts.redirect_from:
            targets[redirect_uri(old)] = document_path(document, language)
    return targets


def redirect_uri(old: str) -> str:
    """The file behind an old path: ``/old/`` is ``old/index.html``, and so is ``/old``."""
    path = old.strip("/")
    return path if path.endswith(".html") else f"{path}/index.html".lstrip("/")
