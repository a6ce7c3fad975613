"""Walks docs_dir and reads every document; all problems of all documents come out together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubetalk.errors import ContentError, KubetalkError, ManyErrors
from kubetalk.model import Document, Facts, Kind, LiveBlock, Location, Project, Settings, Slide, Text
from kubetalk.reading.facts import read_facts, read_tags
from kubetalk.reading.pairs import pair_texts
from kubetalk.reading.texts import collect_text
from kubetalk.reading.yaml_fields import LANGUAGE, SLUG

FOLDERS: Mapping[Kind, str] = {Kind.TALK: "talks", Kind.POST: "posts", Kind.PAGE: "pages"}
RECORDING = "recording.yml"


def facts_name(kind: Kind) -> str:
    """Name of the YAML file of a document of that kind."""
    return f"{kind.value}.yml"


def place_of(path: Path, project_dir: Path) -> str:
    """The path as errors name it: relative to the project folder with slashes, absolute if it is elsewhere."""
    try:
        return path.relative_to(project_dir).as_posix()
    except ValueError:
        return path.as_posix()


def read_source(path: Path, place: str, errors: list[KubetalkError]) -> str | None:
    """The text of a UTF-8 file; None after noting why it cannot be had."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        errors.append(ContentError(f"the file cannot be read: {reason}", where=Location(place)))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        errors.append(ContentError(message, where=Location(place, line), remedy="Save the file as UTF-8."))
        return None


def read_project(settings: Settings) -> Project:
    """All documents below docs_dir/{talks,posts,pages}, sorted by kind and id, and the tags.

    Raises ContentError, or ManyErrors with every problem of every document.
    """
    reader = _ProjectReader(settings)
    project = reader.project()
    if len(reader.errors) == 1:
        raise reader.errors[0]
    if reader.errors:
        raise ManyErrors(reader.errors)
    return project


@dataclass(slots=True)
class _ProjectReader:
    settings: Settings
    errors: list[KubetalkError] = field(default_factory=list)

    def project(self) -> Project:
        if not self.settings.docs_dir.is_dir():
            place = place_of(self.settings.docs_dir, self.settings.project_dir)
            message, remedy = "docs_dir is not a folder", "Create it, or set `docs_dir` in mkdocs.yml."
            self.errors.append(ContentError(message, where=Location(place), remedy=remedy))
            return Project((), {})
        tags = self._tags()
        documents = [
            document
            for kind, folder in FOLDERS.items()
            for directory in self._directories(self.settings.docs_dir / folder)
            if (document := self._document(directory, kind, tags)) is not None
        ]
        drafts = [document for document in documents if self._is_left_out(document.facts)]
        documents = [document for document in documents if not self._is_left_out(document.facts)]
        self._check_unique(documents)
        if tags is None:
            used = sorted({tag for document in documents for tag in document.facts.tags})
            tags = {tag: dict.fromkeys(self.settings.languages, tag) for tag in used}
        return Project(tuple(documents), tags, tuple(drafts))

    def _is_left_out(self, facts: Facts) -> bool:
        return facts.draft and not self.settings.drafts

    def _place(self, path: Path) -> str:
        return place_of(path, self.settings.project_dir)

    def _tags(self) -> Mapping[str, Mapping[str, str]] | None:
        path = self.settings.docs_dir / "tags.yml"
        if not path.exists():
            return None
        source = read_source(path, self._place(path), self.errors)
        return read_tags(source or "", self._place(path), self.settings.languages, self.errors)

    @staticmethod
    def _directories(folder: Path) -> list[Path]:
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))

    def _document(self, directory: Path, kind: Kind, tags: Mapping[str, Mapping[str, str]] | None) -> Document | None:
        if not re.fullmatch(SLUG, directory.name):
            message = f"`{directory.name}` is no {kind.value} id: it becomes part of the address"
            remedy = "Name the folder with lower-case letters, digits and single hyphens."
            self.errors.append(ContentError(message, where=Location(self._place(directory)), remedy=remedy))
            return None
        path = directory / facts_name(kind)
        if not path.is_file():
            self._tell_missing_facts(directory, kind)
            return None
        before = len(self.errors)
        source = read_source(path, self._place(path), self.errors)
        if source is None:
            return None
        facts = read_facts(
            source, self._place(path), kind, self.settings.languages, tags, self.errors, self.settings.layers
        )
        if facts is None:
            return None
        if facts.title == {} and len(self.errors) == before:
            return None
        if self._is_left_out(facts):
            del self.errors[before:]  # an unfinished document must not stop a build that does not show it
            return self._made(directory, kind, facts, {})
        texts = self._texts(directory, kind, facts)
        self.errors[before:] = _in_order(self.errors[before:])
        return self._made(directory, kind, facts, texts)

    @staticmethod
    def _made(directory: Path, kind: Kind, facts: Facts, texts: Mapping[str, Text]) -> Document:
        return Document(
            id=directory.name,
            kind=kind,
            directory=directory,
            facts=facts,
            texts=texts,
            recording_path=directory / RECORDING,
        )

    def _tell_missing_facts(self, directory: Path, kind: Kind) -> None:
        wanted = facts_name(kind)
        wrong = [name for name in _OTHER_NAMES if name != wanted and (directory / name).is_file()]
        message = f"{wanted} is missing"
        remedy = f"Rename {wrong[0]} to {wanted}." if wrong else f"Create {wanted} with at least `title:`."
        if wrong and wrong[0].endswith(".yml"):
            remedy = f"{wrong[0]} belongs into another folder; rename it to {wanted} or move the document."
        self.errors.append(ContentError(message, where=Location(self._place(directory)), remedy=remedy))

    def _texts(self, directory: Path, kind: Kind, facts: Facts) -> dict[str, Text]:
        wanted = facts.languages or self.settings.languages
        before = len(self.errors)
        texts: dict[str, Text] = {}
        for language in wanted:
            path = directory / f"{language}.md"
            if not path.is_file():
                there = [name for name in wanted if (directory / f"{name}.md").is_file()]
                only = f"languages: [{', '.join(there)}]"
                remedy = f"Write it, or put `{only}` into {facts_name(kind)}." if there else "Write it."
                where = Location(self._place(path))
                self.errors.append(
                    ContentError(f"the {kind.value} has no text in `{language}`", where=where, remedy=remedy)
                )
                continue
            source = read_source(path, self._place(path), self.errors)
            if source is not None:
                texts[language] = collect_text(source, self._place(path), language, kind=kind, errors=self.errors)
        self._tell_stray_texts(directory, kind, wanted)
        if len(self.errors) == before and texts:
            texts = pair_texts(texts, self.errors)
            self._compare_slides(list(texts.values()))
        return texts

    def _tell_stray_texts(self, directory: Path, kind: Kind, wanted: Iterable[str]) -> None:
        for path in sorted(directory.glob("*.md")):
            if path.stem in wanted or not re.fullmatch(LANGUAGE, path.stem):
                continue
            if path.stem in self.settings.languages:
                message = f"there is a text in `{path.stem}`, but {facts_name(kind)} does not list that language"
                remedy = f"Add it to `languages` in {facts_name(kind)}, or delete the file."
            else:
                message = f"`{path.stem}` is not a language of this site"
                remedy = "Add it to `languages` of the plugin kubetalk in mkdocs.yml, or rename the file."
            self.errors.append(ContentError(message, where=Location(self._place(path)), remedy=remedy))

    def _compare_slides(self, texts: list[Text]) -> None:
        first = texts[0]
        for text in texts[1:]:
            if len(first.slides) == len(text.slides):
                continue
            a, b = _first_odd_slide(first, text)
            message = f"{text.path} has {len(text.slides)} slides, {first.path} has {len(first.slides)}"
            if a or b:
                message += f"; they part at {_slide_name(a)} and {_slide_name(b)}"
            line = b.first_line if b else text.slides[-1].last_line
            remedy = "Give both languages the same slides: the switcher leads from one to the other."
            self.errors.append(ContentError(message, where=Location(text.path, line), remedy=remedy))

    def _check_unique(self, documents: list[Document]) -> None:
        seen: dict[str, Document] = {}
        for document in documents:
            if document.id in seen:
                other = seen[document.id]
                message = f"{document.kind.value} `{document.id}` has the id of {self._place(other.directory)}"
                remedy = "Rename one folder."
                where = Location(self._place(document.directory))
                self.errors.append(ContentError(message, where=where, remedy=remedy))
            seen.setdefault(document.id, document)
        redirects: dict[str, Facts] = {}
        for document in documents:
            for path in dict.fromkeys(document.facts.redirect_from):
                key = re.sub(r"(index\.html)?$", "", path).rstrip("/")
                if key in redirects and redirects[key] is not document.facts:
                    message = f"the old path `{path}` already leads to {redirects[key].location.path}"
                    where = Location(document.facts.location.path, self._redirect_line(document, path))
                    self.errors.append(ContentError(message, where=where, remedy="Leave it in one `redirect_from`."))
                redirects.setdefault(key, document.facts)

    @staticmethod
    def _redirect_line(document: Document, path: str) -> int:
        lines = dict(zip(document.facts.redirect_from, document.facts.redirect_lines, strict=False))
        return lines.get(path, 0)


_OTHER_NAMES = tuple(name for kind in FOLDERS for name in (facts_name(kind), facts_name(kind).replace(".yml", ".yaml")))


def _in_order(errors: list[KubetalkError]) -> list[KubetalkError]:
    """By file, in the order the files were read, and by line."""
    places = [error.where.rpartition(":") for error in errors]
    files = list(dict.fromkeys(path or line for path, _, line in places))

    def key(pair: tuple[KubetalkError, tuple[str, str, str]]) -> tuple[int, int]:
        path, _, line = pair[1]
        return files.index(path or line), int(line) if path and line.isdigit() else 0

    return [error for error, _ in sorted(zip(errors, places, strict=True), key=key)]


def _first_odd_slide(one: Text, two: Text) -> tuple[Slide | None, Slide | None]:
    """Where two decks part: the first slides that differ in what translation does not touch."""
    shapes = [[_shape(slide, text) for slide in text.slides] for text in (one, two)]
    for number, (a, b) in enumerate(zip(*shapes, strict=False)):
        if a != b:
            return one.slides[number], two.slides[number]
    least = min(len(one.slides), len(two.slides))
    return (one.slides[least : least + 1] or (None,))[0], (two.slides[least : least + 1] or (None,))[0]


def _shape(slide: Slide, text: Text) -> tuple[object, ...]:
    blocks = [b for b in text.blocks if slide.first_line <= b.fence.location.line <= slide.last_line]
    ids = [
        getattr(block, "id", type(block).__name__) for block in blocks if not isinstance(block, LiveBlock) or block.id
    ]
    lines = text.source.split("\n")[slide.first_line - 1 : slide.last_line]
    heading = next((line.split(" ")[0] for line in lines if re.match(r"#{1,6} ", line)), "")
    pictures = sum(line.count("![") for line in lines)
    return (slide.id, heading, tuple(ids), pictures)


def _slide_name(slide: Slide | None) -> str:
    if slide is None:
        return "the end"
    return f"slide {slide.number} “{slide.title}”" if slide.title else f"slide {slide.number}"


def walk(directory: Path) -> list[Path]:
    """All files below a folder, sorted by path; hidden ones and caches left out."""
    found: list[Path] = []
    for folder, names, files in os.walk(directory):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__pycache__")
        found.extend(Path(folder) / name for name in files if not name.startswith("."))
    return sorted(found)
