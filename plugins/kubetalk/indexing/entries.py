"""Documents as lists know them: one entry per document and language, honest about what is not translated."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping

from kubetalk.model import Alternate, Document, Entry, Kind, Settings, Text

PathOf = Callable[[Document, str], str]
"""(document, language) to the page's path from the site's root."""

# Fences, HTML tags and comments are not read word by word, so they do not count as reading time.
_NOT_PROSE = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\1[ \t]*$|<!--.*?-->|<[^>\n]+>", re.DOTALL | re.MULTILINE)
_CJK = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿ｦ-ﾟ]")
_WORD = re.compile(r"[A-Za-zÀ-ɏ0-9]+(?:['’.-][A-Za-zÀ-ɏ0-9]+)*")
_CJK_PER_MINUTE = 500
_WORDS_PER_MINUTE = 220


def reading_minutes(source: str) -> int:
    """Minutes to read a Markdown text, at least 1.

    Japanese is counted in characters (500 a minute), the rest in words (220 a minute); splitting Japanese at blanks,
    as Material does, calls 3,500 characters one minute.
    """
    prose = _NOT_PROSE.sub(" ", source)
    minutes = len(_CJK.findall(prose)) / _CJK_PER_MINUTE + len(_WORD.findall(prose)) / _WORDS_PER_MINUTE
    return max(1, math.ceil(minutes))


def list_entries(
    documents: Iterable[Document], settings: Settings, *, document_path: PathOf, deck_path: PathOf
) -> Mapping[str, tuple[Entry, ...]]:
    """Language to its entries, newest first.

    A document that is not written in a language is listed there all the same, leading to the text that exists, with
    ``text_language`` saying which; it is never copied.
    """
    listed = tuple(document for document in documents if document.kind is not Kind.HOST_PAGE)
    return {
        language: tuple(
            sorted(
                (_entry(document, language, settings, document_path, deck_path) for document in listed),
                key=lambda entry: (-(entry.date or dt.date.min).toordinal(), entry.document_id),
            )
        )
        for language in settings.languages
    }


def tag_entries(entries: Iterable[Entry]) -> Mapping[str, tuple[Entry, ...]]:
    """Tag id to the entries that carry it, tags in alphabetical order of their ids."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for tag in entry.tags:
            found.setdefault(tag, []).append(entry)
    return {tag: tuple(found[tag]) for tag in sorted(found)}


def _entry(document: Document, language: str, settings: Settings, document_path: PathOf, deck_path: PathOf) -> Entry:
    text_language = _text_language(document.texts, language, settings)
    text = document.texts[text_language]
    facts = document.facts
    return Entry(
        document_id=document.id,
        kind=document.kind,
        path=document_path(document, text_language),
        language=language,
        text_language=text_language,
        title=_in_language(facts.title, text_language),
        description=_in_language(facts.description, text_language),
        date=facts.date,
        tags=facts.tags,
        events=facts.events,
        slides_path=deck_path(document, text_language) if document.kind is Kind.TALK else "",
        slide_count=len(text.slides),
        reading_minutes=reading_minutes(text.source),
        alternates=tuple(Alternate(language=other, path=document_path(document, other)) for other in document.texts),
        draft=facts.draft,
    )


def _text_language(texts: Mapping[str, Text], wanted: str, settings: Settings) -> str:
    if wanted in texts:
        return wanted
    return next(language for language in settings.languages if language in texts)


def _in_language(labels: Mapping[str, str], language: str) -> str:
    return labels.get(language) or next(iter(labels.values()), "")
