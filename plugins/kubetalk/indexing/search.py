"""The search index of one language: plain records; the reader's browser matches substrings.

A blog of this kind has some hundred slides and sections, so substring search over normalised text is exact for
Japanese (no segmenter to disagree with) and needs no library; the field's search engines miss compound words.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable

from kubetalk.model import Output, SearchRecord


def search_output(records: Iterable[SearchRecord], language: str) -> Output:
    """``<language>/search.json``: ``{"records": [{"p": path, "t": title, "s": section, "k": kind, "x": text}]}``."""
    content = {
        "records": [
            {
                "p": record.path,
                "t": record.title,
                "s": record.section,
                "k": record.kind.value,
                "x": unicodedata.normalize("NFKC", " ".join(record.text.split())),
            }
            for record in records
        ]
    }
    return Output(
        uri=f"{language}/search.json", content=json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    )
