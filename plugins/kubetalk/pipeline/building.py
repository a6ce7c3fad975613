"""A whole site in memory: everything that can fail happens here, before a single file is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubetalk import drawing, indexing, reading, rendering
from kubetalk.errors import ContentError, DiagramError, KubetalkError, ManyErrors
from kubetalk.model import (
    Alternate,
    Diagram,
    DiagramBlock,
    Document,
    Entry,
    Kind,
    Location,
    Output,
    Progress,
    Project,
    Rendition,
    Settings,
    Text,
)
from kubetalk.pipeline.addresses import address_problems, unique
from kubetalk.pipeline.documents import DOCUMENT_FOLDERS, read_documents
from kubetalk.pipeline.modes import Performed, perform_all

if TYPE_CHECKING:
    from kubetalk.pipeline.warm import WarmSandboxes


@dataclass(frozen=True, slots=True)
class HostPage:
    """An ordinary MkDocs page with live blocks: MkDocs renders it, the blocks' HTML is ours."""

    rendition: Rendition
    renderer: rendering.Renderer
    language: str

    def markdown(self, given: str) -> str:
        """The page's Markdown as MkDocs gives it, with every special fence replaced by a placeholder.

        ``given`` has no front matter any more, and other plugins may have changed it, only not the blocks: what was
        run is what stands in the file. Raises ContentError if they did, ManyErrors if they broke several.
        """
        text = self.rendition.document.texts[self.language]
        found = reading.read_text(given, text.path, self.language, kind=Kind.HOST_PAGE)
        if _written(found) != _written(text):
            raise ContentError(
                "another plugin has changed the blocks of this page before kubetalk saw it",
                where=Location(text.path),
                remedy="Commands are run as they stand in the file; let that plugin leave fenced blocks alone",
            )
        return rendering.markdown_with_placeholders(found)

    def block_html(self, number: int) -> str:
        """The HTML of the block that placeholder stands for."""
        return self.renderer.block_html(self.rendition, self.language, number)

    def assets_html(self, url: str) -> str:
        """The links to our style sheet and script, relative to the page's address."""
        return self.renderer.host_assets_html(url, self.language)

    def provenance_html(self) -> str:
        """The panel about the page's outputs, for below its text; empty if nothing on it ran."""
        return self.renderer.host_provenance_html(self.rendition, self.language)


@dataclass(frozen=True, slots=True)
class BuiltSite:
    """Every file of the site that is ours, and the ordinary pages that hold blocks of ours."""

    settings: Settings
    outputs: tuple[Output, ...]
    host_pages: Mapping[str, HostPage]
    """Source uri to page."""
    page_versions: tuple[tuple[Alternate, ...], ...]
    performed: Mapping[str, Performed]
    sources: Mapping[str, str]
    """Uri of an output to that of the text it shows, below docs_dir: where a link to the text has to lead."""

    def owns_source(self, src_uri: str) -> bool:
        """Whether a file below docs_dir belongs to a document, so that MkDocs must not publish it as it is."""
        folder = src_uri.partition("/")[0]
        return folder in DOCUMENT_FOLDERS or src_uri == "tags.yml" or src_uri.endswith(".recording.yml")

    def outputs_with(self, host_urls: Iterable[str]) -> tuple[Output, ...]:
        """All outputs, the sitemap naming MkDocs' own pages too."""
        hosts = [(Alternate(language=reading.language_of(url, self.settings), path=url),) for url in sorted(host_urls)]
        sitemap = indexing.sitemap_output([*self.page_versions, *hosts], self.settings)
        return (*self.outputs, *([sitemap] if sitemap else []))


def build_site(settings: Settings, *, progress: Progress, warm: WarmSandboxes | None = None) -> BuiltSite:
    """Read -> run or replay -> draw -> render -> index; ``warm`` as in `perform_all`.

    Raises a KubetalkError (often ManyErrors) and leaves every file as it was.
    """
    project, hosts = read_documents(settings)
    documents = (*project.documents, *hosts)
    renderer = rendering.Renderer(settings, tags=project.tags, documents=documents, drafts=project.drafts)
    entries = indexing.list_entries(
        project.documents, settings, document_path=rendering.document_path, deck_path=rendering.deck_path
    )
    _check(project, hosts, entries, settings, renderer)
    performed = perform_all(documents, settings, progress=progress, warm=warm)
    renditions = [_rendition(document, performed.get(document.id), renderer) for document in project.documents]
    outputs: list[Output] = [*renderer.assets(), renderer.chooser()]
    for rendition in renditions:
        outputs += renderer.pages(rendition, entries)
    for language in settings.languages:
        listed = entries[language]
        outputs += renderer.lists(language, listed, indexing.tag_entries(listed))
        outputs += indexing.feed_outputs(listed, settings, language)
        records = [record for rendition in renditions for record in renderer.search_records(rendition, language)]
        outputs.append(indexing.search_output(records, language))
        outputs.append(renderer.not_found(language))
    outputs.append(renderer.not_found(""))
    targets = indexing.redirect_targets(project.documents, settings, document_path=rendering.document_path)
    outputs += [renderer.redirect(uri, target) for uri, target in targets.items()]
    return BuiltSite(
        settings=settings,
        outputs=unique(outputs),
        host_pages=_host_pages(hosts, performed, renderer),
        page_versions=_page_versions(renditions, settings, renderer.list_paths(entries)),
        performed=performed,
        sources=_sources(renditions, settings),
    )


def _check(
    project: Project,
    hosts: Sequence[Document],
    entries: Mapping[str, Sequence[Entry]],
    settings: Settings,
    renderer: rendering.Renderer,
) -> None:
    """Everything that can be wrong before a command has run, told before one does.

    Raises a KubetalkError, ManyErrors for several.
    """
    ours = [output.uri for output in renderer.assets()]
    ours += [rendering.uri_of(f"{x}/{path}") for x in settings.languages for path in renderer.list_paths(entries)]
    errors: list[KubetalkError] = [*address_problems(project.documents, settings, ours)]
    for document in project.documents:
        errors += renderer.problems(document)
    for document in (*project.documents, *hosts):
        errors += _diagram_problems(document, renderer)
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)


def _diagram_problems(document: Document, renderer: rendering.Renderer) -> Iterator[KubetalkError]:
    for language, text in document.texts.items():
        for block in text.blocks:
            if isinstance(block, DiagramBlock):
                try:
                    drawing.check(block, language=language, strings=renderer.strings(language))
                except DiagramError as error:
                    yield error


def _sources(renditions: Sequence[Rendition], settings: Settings) -> Mapping[str, str]:
    folder = reading.place_of(settings.docs_dir, settings.project_dir)
    return {
        f"{rendering.document_path(rendition.document, language)}index.html": text.path.removeprefix(f"{folder}/")
        for rendition in renditions
        for language, text in rendition.document.texts.items()
    }


def _written(text: Text) -> list[str]:
    """The blocks of a text as they are written, wherever they stand."""
    lines = text.source.split("\n")
    return ["\n".join(lines[block.fence.location.line - 1 : block.fence.end_line]) for block in text.blocks]


def _host_pages(
    hosts: Sequence[Document], performed: Mapping[str, Performed], renderer: rendering.Renderer
) -> Mapping[str, HostPage]:
    pages: dict[str, HostPage] = {}
    for document in hosts:
        rendition = _rendition(document, performed.get(document.id), renderer)
        pages[document.id] = HostPage(rendition, renderer, next(iter(document.texts)))
    return pages


def _rendition(document: Document, performed: Performed | None, renderer: rendering.Renderer) -> Rendition:
    if performed is None:
        return Rendition(document)
    return Rendition(
        document=document,
        recording=performed.recording,
        origin=performed.origin,
        comparisons=performed.comparisons,
        diagrams=_diagrams(document, performed, renderer),
        files=performed.session.files,
    )


def _diagrams(
    document: Document, performed: Performed, renderer: rendering.Renderer
) -> Mapping[tuple[str, str], Diagram]:
    pictures: dict[tuple[str, str], Diagram] = {}
    for language, text in document.texts.items():
        for block in text.blocks:
            if not isinstance(block, DiagramBlock):
                continue
            snapshot = performed.recording.snapshot(block.id)
            if snapshot is None:
                raise DiagramError(
                    f"the recording has no snapshot for the diagram {block.id}",
                    where=block.fence.location,
                    remedy=f"Run `kubetalk record {document.place}`",
                )
            before = performed.recording.snapshot(block.before) if block.before else None
            if block.before and before is None:
                raise DiagramError(f"there is no diagram {block.before} to compare with", where=block.fence.location)
            pictures[block.id, language] = drawing.draw(
                block, snapshot, before=before, language=language, strings=renderer.strings(language)
            )
    return pictures


def _page_versions(
    renditions: Sequence[Rendition], settings: Settings, list_paths: Sequence[str]
) -> tuple[tuple[Alternate, ...], ...]:
    """Every page once, as its language versions; decks are pages of their own."""
    versions = [
        tuple(
            Alternate(language=language, path=rendering.document_path(rendition.document, language))
            for language in rendition.document.texts
        )
        for rendition in renditions
    ]
    versions += [
        tuple(
            Alternate(language=language, path=rendering.deck_path(rendition.document, language))
            for language in rendition.document.texts
        )
        for rendition in renditions
        if rendition.document.kind is Kind.TALK
    ]
    versions += [
        tuple(Alternate(language=language, path=f"{language}/{path}") for language in settings.languages)
        for path in list_paths
    ]
    return tuple(versions)
