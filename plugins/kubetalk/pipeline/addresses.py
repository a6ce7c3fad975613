"""No two pages at one address: MkDocs writes whatever comes last, so the site would silently lose the other one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubetalk import indexing, rendering
from kubetalk.errors import ContentError
from kubetalk.model import Document, Kind, Location, Output, Settings

_OURS = "a page that kubetalk makes itself"


def address_problems(documents: Sequence[Document], settings: Settings, ours: Iterable[str]) -> Iterator[ContentError]:
    """Documents and old paths whose address is taken; a document's path comes before an old one.

    ``ours`` are the files that every site has, beside those that are made here: chooser, 404 pages, feeds, search.
    """
    owners = dict.fromkeys([*ours, *_fixed(settings)], _OURS)
    for document in documents:
        taken = {}
        for path in _paths(document):
            taken[rendering.uri_of(path)] = document.place
            if owner := owners.get(rendering.uri_of(path)) or _host_file(rendering.uri_of(path), settings):
                message = f"its address /{path} is that of {owner}"
                yield ContentError(message, where=Location(document.place), remedy="Rename the folder")
                break
        else:
            owners |= taken
    folders = {folder for uri in owners for folder in _folders(uri)}
    for document in documents:
        for number, old in enumerate(document.facts.redirect_from):
            uri = indexing.redirect_uri(old)
            owner = owners.get(uri) or next((owners[f] for f in _folders(uri) if f in owners), "")
            owner = owner or (_OURS if uri in folders else _host_file(uri, settings))
            if owner:
                lines = document.facts.redirect_lines
                where = Location(document.facts.location.path, lines[number] if lines else 0)
                message = f"the old path `{old}` is no old one: it is the address of {owner}"
                yield ContentError(message, where=where, remedy="Take it out of `redirect_from`")


def unique(outputs: Iterable[Output]) -> tuple[Output, ...]:
    """The outputs, an image that several documents show once.

    Raises ContentError for two different files at one address.
    """
    found: dict[str, Output] = {}
    for output in outputs:
        known = found.setdefault(output.uri, output)
        if known.content != output.content:
            remedy = "Rename the document or the file that one of them is made of"
            raise ContentError(f"two different files would be written to {output.uri}", remedy=remedy)
    return tuple(found.values())


def _fixed(settings: Settings) -> Iterator[str]:
    yield from ("index.html", "404.html", "sitemap.xml")
    for language in settings.languages:
        yield from (f"{language}/{name}" for name in ("404.html", "search.js", "feed.xml", "feed.json"))


def _paths(document: Document) -> Iterator[str]:
    for language in document.texts:
        yield rendering.document_path(document, language)
        if document.kind is Kind.TALK:
            yield rendering.deck_path(document, language)


def _folders(uri: str) -> Iterator[str]:
    """What has to be a folder for a file to be there."""
    parts = uri.split("/")[:-1]
    return ("/".join(parts[: count + 1]) for count in range(len(parts)))


def _host_file(uri: str, settings: Settings) -> str:
    """The author's own file that MkDocs puts at an address; empty if there is none."""
    folder = uri.removesuffix("index.html").rstrip("/")
    names = [uri, f"{folder}.md", f"{folder}/index.md".lstrip("/"), f"{folder}/README.md".lstrip("/")]
    found = next((name for name in names if name.strip("./") and (settings.docs_dir / name).is_file()), "")
    return f"{settings.docs_dir.name}/{found}" if found else ""
