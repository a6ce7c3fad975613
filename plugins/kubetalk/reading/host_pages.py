"""An ordinary Markdown page of the MkDocs site that has live blocks or diagrams: a document in one language."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from pathspec import GitIgnoreSpec

from kubetalk.errors import KubetalkError, ManyErrors
from kubetalk.model import Document, Facts, Kind, Location, SandboxRequest, Settings
from kubetalk.reading.facts import SANDBOX
from kubetalk.reading.pairs import pair_texts
from kubetalk.reading.project import FOLDERS, place_of, read_source
from kubetalk.reading.slides import heading
from kubetalk.reading.texts import collect_text, front_matter_end, normalise
from kubetalk.reading.yaml_fields import Key, Reader, Table, compose

_KUBETALK: Table[SandboxRequest] = Table(
    {"sandbox": Key(SANDBOX, "the cluster the page's commands talk to")},
    lambda values: values.get("sandbox", SANDBOX) or SandboxRequest(),
)


_MARKDOWN = (".markdown", ".mdown", ".mkdn", ".mkd", ".md")
"""What MkDocs takes for a page (mkdocs.utils.markdown_extensions)."""
_NEVER_PUBLISHED = (".*", "/templates/")
"""What MkDocs leaves out unless `exclude_docs` takes it back (mkdocs.structure.files, set_exclusions)."""


def host_page_paths(settings: Settings) -> tuple[Path, ...]:
    """The Markdown files that MkDocs itself renders, sorted: those it publishes, without the documents' folders.

    By the rules of MkDocs 1.6, so that the command line, which does not ask MkDocs, sees the same pages. Those under
    `draft_docs` are among them: `mkdocs serve` shows them.
    """
    excluded = GitIgnoreSpec.from_lines([*_NEVER_PUBLISHED, *settings.exclude_docs])
    found: list[Path] = []
    for folder, _, names in os.walk(settings.docs_dir, followlinks=True):
        pages: dict[str, Path] = {}
        # As MkDocs sorts them: of two sources of one page the later one stays, so index.md wins over README.md.
        for name in sorted(names, key=lambda name: (Path(name).stem not in {"index", "README"}, name)):
            path = Path(folder) / name
            inside = path.relative_to(settings.docs_dir)
            if not name.endswith(_MARKDOWN) or inside.parts[0] in FOLDERS.values():
                continue
            if not excluded.match_file(inside.as_posix()):
                pages["index" if path.stem == "README" else path.stem] = path
        found += pages.values()
    return tuple(sorted(found))


def read_host_file(path: Path, settings: Settings, errors: list[KubetalkError]) -> Document | None:
    """As `read_host_page`, for a file; its problems, also that it cannot be read, are appended to ``errors``."""
    source = read_source(path, place_of(path, settings.project_dir), errors)
    if source is None:
        return None
    try:
        return read_host_page(path, source, settings)
    except KubetalkError as error:
        errors.append(error)
        return None


def read_host_page(path: Path, source: str, settings: Settings) -> Document | None:
    """The document that a page of the host site is; None if it has no block of ours.

    ``path`` is the Markdown file, absolute or relative to docs_dir; ``source`` its whole text, front matter included
    (else the line numbers would be wrong). The id is the path relative to docs_dir, the recording stands beside the
    page (``setup.md`` -> ``setup.recording.yml``), the language is that of a first folder with a language's name, else
    the site's first. Its front matter may hold ``kubetalk: {sandbox: …}``. Raises ContentError or ManyErrors.
    """
    absolute = settings.docs_dir / path
    place = place_of(absolute, settings.project_dir)
    id_ = place_of(absolute, settings.docs_dir)
    language = language_of(id_, settings)
    errors: list[KubetalkError] = []
    text = collect_text(source, place, language, kind=Kind.HOST_PAGE, errors=errors)
    if not text.blocks and not errors:
        return None
    facts = _facts(normalise(source), place, language, settings, errors)
    texts = {language: text}
    if not errors:
        texts = pair_texts(texts, errors)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ManyErrors(errors)
    return Document(
        id=id_,
        kind=Kind.HOST_PAGE,
        directory=absolute.parent,
        facts=facts,
        texts=texts,
        recording_path=absolute.with_suffix(".recording.yml"),
    )


def language_of(uri: str, settings: Settings) -> str:
    """The language of an ordinary page, by its path below docs_dir or its address on the site."""
    folder = uri.partition("/")[0]
    return folder if folder in settings.languages else settings.languages[0]


def _facts(source: str, place: str, language: str, settings: Settings, errors: list[KubetalkError]) -> Facts:
    lines = source.split("\n")
    end = front_matter_end(lines)
    title, request = "", SandboxRequest()
    if end:
        # An empty first line keeps the line numbers of the file.
        reader = Reader(place, settings.languages, errors, settings.layers)
        node = compose("\n".join(["", *lines[1 : end - 1]]), reader)
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.value == "title" and isinstance(value, yaml.ScalarNode):
                title = str(value.value).strip()
            elif key.value == "kubetalk":
                request = _KUBETALK.read(value, reader, "kubetalk") or request
    if not title:
        first = next((line for line in lines[end:] if line.startswith("# ")), "")
        title = heading(first.removeprefix("# "))[0] or Path(place).stem
    return Facts(title={language: title}, location=Location(place, 1 if end else 0), sandbox=request)
