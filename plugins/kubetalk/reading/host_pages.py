"""An ordinary Markdown page of the MkDocs site that has live blocks or diagrams: a document in one language."""

from __future__ import annotations

from pathlib import Path

import yaml

from kubetalk.errors import KubetalkError, ManyErrors
from kubetalk.model import Document, Facts, Kind, Location, SandboxRequest, Settings
from kubetalk.reading.facts import SANDBOX
from kubetalk.reading.pairs import pair_texts
from kubetalk.reading.project import place_of
from kubetalk.reading.slides import heading
from kubetalk.reading.texts import collect_text, front_matter_end, normalise
from kubetalk.reading.yaml_fields import Key, Reader, Table, compose

_KUBETALK: Table[SandboxRequest] = Table(
    {"sandbox": Key(SANDBOX, "the cluster the page's commands talk to")},
    lambda values: values.get("sandbox", SANDBOX) or SandboxRequest(),
)


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
