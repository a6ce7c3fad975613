"""Which documents there are: those in the three folders, and MkDocs' own pages that hold live blocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kubetalk import reading
from kubetalk.errors import ConfigError, KubetalkError, ManyErrors
from kubetalk.model import Document, Kind, Project, Settings

DOCUMENT_FOLDERS = ("talks", "posts", "pages")


def read_documents(settings: Settings) -> tuple[Project, tuple[Document, ...]]:
    """The project, and the ordinary Markdown pages that have blocks of ours.

    Raises ManyErrors with the problems of all of them.
    """
    errors: list[KubetalkError] = []
    project = Project((), {})
    try:
        project = reading.read_project(settings)
    except KubetalkError as error:
        errors.append(error)
    hosts: list[Document] = []
    for path in reading.host_page_paths(settings):
        document = reading.read_host_file(path, settings, errors)
        hosts += [document] if document else []
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)
    return project, tuple(hosts)


def has_host_pages(settings: Settings) -> bool:
    """Whether MkDocs itself has a page to render: Markdown outside of the documents' folders."""
    return bool(reading.host_page_paths(settings))


def live_documents(
    settings: Settings, paths: Sequence[Path], changed: Sequence[Path] | None = None
) -> tuple[Document, ...]:
    """The documents with a session at or below ``paths`` (all of them if none is given).

    With ``changed`` only those that one of these files belongs to.
    Raises ConfigError for a path that holds no such document.
    """
    project, hosts = read_documents(settings)
    documents = [document for document in (*project.documents, *hosts) if document.is_live]
    if changed is not None:
        files = [path.resolve() for path in changed]
        documents = [document for document in documents if any(_has(document, file) for file in files)]
    if not paths:
        return tuple(documents)
    chosen: list[Document] = []
    for path in paths:
        found = [document for document in documents if _is_at(document, path.resolve())]
        if not found and changed is None:
            example = next((document.place for document in documents), f"{settings.docs_dir.name}/talks/<id>")
            raise ConfigError(f"{path} holds no document with live blocks", remedy=f"Name a folder such as {example}")
        chosen += [document for document in found if document not in chosen]
    return tuple(chosen)


def _is_at(document: Document, path: Path) -> bool:
    """Whether a path names the document: a folder above it, its folder, its recording or one of its texts."""
    folder = document.directory.resolve()
    if path == document.recording_path.resolve() or path in folder.parents:
        return True
    if document.kind is Kind.HOST_PAGE:  # its folder may hold other pages
        return any(path == folder / Path(text.path).name for text in document.texts.values())
    return folder in {path, path.parent}


def _has(document: Document, file: Path) -> bool:
    """Whether a file is one of the document's, also when it is gone."""
    if document.kind is Kind.HOST_PAGE:
        return _is_at(document, file)
    return document.directory.resolve() in file.parents
