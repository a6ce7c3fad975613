"""An expected text that `match=` cannot read is told before anything runs, at the line of the mistake."""

from __future__ import annotations

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.model import Kind
from kubetalk.reading.texts import collect_text


def problems(match: str, body: str) -> list[str]:
    errors: list[KubetalkError] = []
    text = f'# Title\n\n```console live id="a" match="{match}"\n{body}\n```\n'
    collect_text(text, "en.md", "en", kind=Kind.POST, errors=errors)
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("match", "body", "told"),
    [
        ("regex", "$ true\n$ echo a\n\n^v(1$", "en.md:7: match=regex, but the expected text is no regular expression"),
        (
            "regex",
            "$ echo \\\n  a\nfine\n(wrong",
            "en.md:7: match=regex, but the expected text is no regular expression",
        ),
        ("regex", "$ echo a\na{99999999999999999}", "en.md:5: match=regex"),
        ("json", '$ echo a\n{"a": 1,\n"b" 2}', "en.md:6: match=json, but the expected text is no JSON"),
        ("json", "$ echo a\n" + "[" * 100_000, "en.md:5: match=json"),
    ],
)
def test_a_mistake_is_told_at_its_line(match: str, body: str, told: str) -> None:
    (problem,) = problems(match, body)
    assert problem.startswith(told)
    assert problem.endswith("Mend it or use match=auto.")


@pytest.mark.parametrize(
    ("match", "body"),
    [("regex", "$ echo a\n^a(b)?$\n[0-9]+"), ("json", '$ echo a\n{"a": "[..]"}'), ("auto", "$ echo a\n(")],
)
def test_other_texts_are_what_they_are(match: str, body: str) -> None:
    assert problems(match, body) == []
