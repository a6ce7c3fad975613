"""Links and images of a text: written for the source tree, so that they work on a code forge, turned into site paths.

All internal links carry a marker instead of a root, so that one conversion serves pages at different depths.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from kubetalk.errors import ContentError, KubetalkError, ManyErrors
from kubetalk.model import Document, Kind, Location, Output, Settings, Text
from kubetalk.rendering.paths import document_path

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = "@@kubetalk-root@@/"
"""Stands for the way to the site's root until the page is known."""

TAG = re.compile(r"<[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
ATTRIBUTE = re.compile(
    r"(?P<before>\s(?:src|href|poster|data-src|data-background-image|data-background-video)=)"
    r"(?P<quote>[\"'])(?P<value>.*?)(?P=quote)"
)
FOLDERS = frozenset(f"{kind.value}s" for kind in (Kind.TALK, Kind.POST, Kind.PAGE))
"""Below docs_dir, where the texts are that MkDocs does not render."""
EXTERNAL = re.compile(r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//|#|\?|$)")


@dataclass
class LinkMap:
    """Where the files of the source tree end up on the site."""

    settings: Settings
    documents: Iterable[Document] = ()
    drafts: Iterable[Document] = ()
    _texts: dict[str, tuple[Document, str]] = field(init=False)
    _folders: dict[str, Document] = field(init=False)
    _drafts: dict[str, Document] = field(init=False)

    def __post_init__(self) -> None:
        self._texts = {
            text.path: (document, language) for document in self.documents for language, text in document.texts.items()
        }
        self._folders = {
            posixpath.dirname(text.path): document
            for document in self.documents
            if document.kind is not Kind.HOST_PAGE
            for text in document.texts.values()
        }
        self._drafts = {document.place: document for document in self.drafts}

    def rewrite(self, html: str, text: Text) -> tuple[str, dict[str, Path]]:
        """The HTML with internal links made of `ROOT` and a site path, and the files it needs: site path to file.

        Raises ContentError or ManyErrors for links that lead nowhere, with the line they stand in.
        """
        assets: dict[str, Path] = {}
        errors: list[KubetalkError] = []

        def attribute(match: re.Match[str]) -> str:
            try:
                value = self._target(unescape(match["value"]), text, assets)
            except KubetalkError as error:
                errors.append(error)
                return match[0]
            return f"{match['before']}{match['quote']}{escape(value)}{match['quote']}"

        result = TAG.sub(lambda tag: ATTRIBUTE.sub(attribute, tag[0]), html)
        if errors:
            raise errors[0] if len(errors) == 1 else ManyErrors(errors)
        return result, assets

    def _target(self, value: str, text: Text, assets: dict[str, Path]) -> str:
        if EXTERNAL.match(value) or value.startswith(ROOT):
            return value
        path, rest = re.fullmatch(r"([^?#]*)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]  # always matches
        path = unquote(path)
        if path.startswith("/"):
            return ROOT + quote(path.lstrip("/")) + rest
        source = posixpath.normpath(posixpath.join(posixpath.dirname(text.path), path))
        if source in self._texts:
            document, language = self._texts[source]
            return ROOT + self._page(document, language) + rest
        if source in self._folders:
            document = self._folders[source]
            language = text.language if text.language in document.texts else next(iter(document.texts))
            return ROOT + document_path(document, language) + rest
        draft = self._drafts.get(source) or (
            self._drafts.get(posixpath.dirname(source)) if path.endswith(".md") else None
        )
        if draft:
            raise ContentError(
                f"the link `{value}` leads to a draft, which is not there when the site is built",
                where=Location(text.path, line_of(text.source, value)),
                remedy=f"Take the link out, or `draft: true` out of {draft.facts.location.path}",
            )
        file = self.settings.project_dir / source
        inside = self._below_docs(file)
        if inside is not None and file.is_file():
            if inside.endswith(".md") and inside.partition("/")[0] not in FOLDERS:
                return ROOT + host_path(inside) + rest
            if not inside.endswith(".md"):  # one that is no text of a document is not published
                assets[f"assets/{inside}"] = file
                return ROOT + quote(f"assets/{inside}") + rest
        raise ContentError(
            f"the link `{value}` leads nowhere",
            where=Location(text.path, line_of(text.source, value)),
            remedy="Write the path of a file in the docs folder, relative to this text; `/` begins a place on the site",
        )

    def _page(self, document: Document, language: str) -> str:
        if document.kind is not Kind.HOST_PAGE:
            return document_path(document, language)
        path = self._below_docs(self.settings.project_dir / document.texts[language].path)
        return host_path(path or document.texts[language].path)

    def _below_docs(self, file: Path) -> str | None:
        # Not resolve(): a linked folder inside docs/ is the author's own business.
        inside = os.path.relpath(file, self.settings.docs_dir).replace(os.sep, "/")
        return None if inside.startswith("..") else inside


def host_path(inside: str) -> str:
    """Where MkDocs puts a page (``use_directory_urls``, its default)."""
    stem = inside.removesuffix(".md")
    folder, name = posixpath.split(stem)
    if name in {"index", "README"}:
        return folder + "/" if folder else ""
    return stem + "/"


def line_of(source: str, value: str) -> int:
    """The line a link is written in, 0 if it cannot be told."""
    return next((number for number, line in enumerate(source.split("\n"), 1) if value in line), 0)


def asset_outputs(assets: dict[str, Path]) -> tuple[Output, ...]:
    """The files of a document that its pages show, each once for all languages."""
    return tuple(Output(uri, file.read_bytes()) for uri, file in sorted(assets.items()))
