from __future__ import annotations

from pathlib import Path

import pytest

from kubetalk.checking import check_site
from kubetalk.model import Output, Settings, Severity

SETTINGS = Settings(
    project_dir=Path(),
    docs_dir=Path("docs"),
    site_dir=Path("site"),
    site_name={"en": "T"},
    site_url="https://example.org/b/",
)


def alternates(*pairs: tuple[str, str]) -> str:
    return "".join(
        f'<link rel="alternate" hreflang="{language}" href="https://example.org/b/{path}">' for language, path in pairs
    )


BOTH = alternates(("en", "en/"), ("ja", "ja/"), ("x-default", "en/"))


def page(body: str = "", *, language: str = "en", head: str = BOTH, title: str = "Title") -> str:
    return f'<!doctype html><html lang="{language}"><head><title>{title}</title>{head}</head><body>{body}</body></html>'


def findings(english: str, *more: Output) -> list[tuple[str, str]]:
    outputs = [Output("en/index.html", english), Output("ja/index.html", page(language="ja")), *more]
    return [(finding.rule, str(finding.location)) for finding in check_site(outputs, SETTINGS)]


def test_a_sound_site_has_no_findings() -> None:
    body = (
        '<a href="../ja/">x</a><a href="#here">y</a><p id="here"><a href="a/#/3">deck</a><img src="p.png" alt=""></p>'
    )
    assert findings(page(body), Output("en/a/index.html", page(head="")), Output("en/p.png", b"")) == []


@pytest.mark.parametrize(
    ("english", "rule"),
    [
        (page('<a href="gone/">x</a>'), "dead-link"),
        (page('<a href="../../en/">x</a>'), None),
        (page('<a href="/b/ja/">x</a>'), None),
        (page('<a href="/ja/">x</a>'), "dead-link"),
        (page('<a href="/b/en/typo/">x</a>'), "dead-link"),
        (page('<a href="/b/ja/#nowhere">x</a>'), "dead-fragment"),
        (page('<a href="../ja/#nowhere">x</a>'), "dead-fragment"),
        (page('<a href="../ja#nowhere">x</a>'), "dead-fragment"),
        (page('<a href="../ja/#top">x</a>'), None),
        (page('<a href="../ja/#:~:text=word">x</a>'), None),
        (page('<a name="old"></a><a href="#old">x</a>'), None),
        (page('<p id="日本"></p><a href="#%E6%97%A5%E6%9C%AC">x</a>'), None),
        (page('<a href="https://example.org/b/ja/">x</a>'), None),
        (page('<a href="https://example.org/b/gone/">x</a>'), "dead-link"),
        (page('<a href="https://example.org/other/">x</a>'), None),
        (page('<img src="../ja/index.html" alt="" srcset="../ja/index.html 1x, gone.png 2x">'), "dead-link"),
        (page('<meta http-equiv="refresh" content="0; url=../gone/">'), "dead-link"),
        (page('<script src="../app.js"></script>'), "dead-link"),
        (page('<a href="#nowhere">x</a>'), "dead-fragment"),
        (page('<script src="https://cdn.example.com/x.js"></script>'), "foreign-request"),
        (page('<link rel="stylesheet" href="//cdn.example.com/x.css">'), "foreign-request"),
        (page('<p id="a"></p><p id="a"></p>'), "duplicate-id"),
        (page(language="ja"), "page-language"),
        (page("<img src='../ja/index.html'>"), "image-text"),
        (page(title=" "), "page-title"),
        (page(head=alternates(("en", "en/"), ("ja", "ja/"))), "hreflang"),
        (page(head=alternates(("en", "en/"), ("ja", "ja/gone/"), ("x-default", "en/"))), "hreflang"),
        (page(head=alternates(("ja", "ja/"), ("x-default", "ja/"))), "hreflang"),
    ],
)
def test_each_rule_speaks(english: str, rule: str | None) -> None:
    rules = {found for found, _ in findings(english)}
    assert (rules == set()) if rule is None else (rule in rules)


def test_only_what_is_wrong_on_every_site_is_an_error() -> None:
    body = (
        '<a href="gone/">x</a><p id="a"></p><p id="a"></p><img src="../ja/index.html"><script src="//c.example/x.js">'
    )
    found = check_site([Output("en/index.html", page(body)), Output("ja/index.html", page(language="ja"))], SETTINGS)
    assert [(finding.rule, finding.severity) for finding in found] == [
        ("dead-link", Severity.ERROR),
        ("duplicate-id", Severity.ERROR),
        ("foreign-request", Severity.WARNING),
        ("image-text", Severity.WARNING),
    ]


def test_an_alternate_has_to_be_answered() -> None:
    outputs = [
        Output("en/index.html", page()),
        Output("ja/index.html", page(language="ja", head=alternates(("ja", "ja/"), ("x-default", "ja/")))),
    ]
    assert [f.message for f in check_site(outputs, SETTINGS) if f.rule == "hreflang"] == [
        "the alternate https://example.org/b/ja/ does not point back here"
    ]


def test_pages_that_mkdocs_writes_itself_are_known() -> None:
    outputs = [Output("en/index.html", page('<a href="../guide/">x</a>', head=""))]
    assert check_site(outputs, SETTINGS, existing=["guide/index.html"]) == ()
    assert [f.rule for f in check_site(outputs, SETTINGS)] == ["dead-link"]
