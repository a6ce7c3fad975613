"""The search index of one language: plain records; the reader's browser matches substrings.

It is a script and not a JSON file, because a page that was opened from a folder may load the one and not the other.

A blog of this kind has some hundred slides and sections, so substring search over normalised text is exact for
Japanese (no segmenter to disagree with) and needs no library; the field's search engines miss compound words.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable

from kubetalk.model import Output, SearchRecord


def search_output(records: Iterable[SearchRecord], language: str) -> Output:
    """``<language>/search.js``: a call of ``ktSearch`` with all records of a language.

    Its argument is ``{"records": [{"p": path, "t": title, "s": section, "k": kind, "x": text}]}``, plain JSON, which is
    an expression of JavaScript as it is (ECMA-262, 2019 and later).
    """
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
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Output(uri=f"{language}/search.js", content=f"ktSearch({data});\n")
