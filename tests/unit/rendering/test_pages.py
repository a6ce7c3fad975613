from __future__ import annotations

import json
import posixpath
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from kubetalk import reading, rendering
from kubetalk.errors import ContentError, ManyErrors
from kubetalk.model import Kind
from kubetalk.rendering.meta import json_ld
from kubetalk.rendering.paths import relative
from tests.support.rendered import render, rendition_of, sample_files, settings_for, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.rendered import Sample
    from tests.unit.rendering.conftest import ReadPost

VOID = {"meta", "link", "br", "hr", "img", "input", "source", "path", "circle", "rect"}
TALK, DECK = "en/talks/labels/index.html", "en/talks/labels/slides/index.html"
POST = "en/posts/2026/11/12/quotas/index.html"


class Page(HTMLParser):
    """A page's elements; fails on elements that are closed in the wrong order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[int, str] = {}
        self._open: list[tuple[str, int]] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append((tag, len(self.elements) - 1))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open, f"</{tag}> closes nothing"
            opened, _ = self._open.pop()
            assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        for _, index in self._open:
            self.text[index] = self.text.get(index, "") + data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            a for name, a in self.elements if name == tag and all(a.get(k.rstrip("_")) == v for k, v in wanted.items())
        ]

    def texts(self, tag: str) -> list[str]:
        return [self.text.get(i, "").strip() for i, (name, _) in enumerate(self.elements) if name == tag]


def pages_of(sample: Sample) -> list[str]:
    return sorted(uri for uri in sample.outputs if uri.endswith(".html"))


def test_every_page_is_well_formed_and_has_one_of_each_landmark(sample: Sample) -> None:
    for uri in pages_of(sample):
        page = Page(sample.page(uri))
        assert len(page.all("main")) == 1, uri
        assert len(page.all("html")) == 1
        assert page.all("html")[0]["lang"] in {"en", "ja"}
        assert page.texts("title")[0].strip(), uri
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids)), uri


def test_headings_begin_with_one_h1_and_skip_no_level(sample: Sample) -> None:
    for uri in pages_of(sample):
        levels = [int(tag[1]) for tag, _ in Page(sample.page(uri)).elements if re.fullmatch("h[1-6]", tag)]
        if uri == "404.html":
            assert levels == [1, 1]  # one per language, the script hides the other
            continue
        assert levels[0] == 1, uri
        assert levels.count(1) == 1, uri
        assert all(after - before <= 1 for before, after in pairwise(levels)), uri


def test_every_link_leads_to_a_file_of_the_site_and_to_a_place_in_it(sample: Sample) -> None:
    ids = {uri: {a["id"] for _, a in Page(sample.page(uri)).elements if "id" in a} for uri in pages_of(sample)}
    known = {*sample.outputs, "en/feed.xml", "ja/feed.xml"}  # feeds are written by another room
    for uri in pages_of(sample):
        for tag, attributes in Page(sample.page(uri)).elements:
            address = attributes.get("href") or attributes.get("src")
            if (
                not address
                or (tag == "link" and attributes.get("rel") == "canonical")
                or ("hreflang" in attributes and tag == "link")
            ):
                continue
            parts = urlsplit(address)
            if parts.scheme:
                assert tag == "a", f"{uri} loads {address}"
                continue
            base = "/talks/" if uri.endswith("404.html") else "/"
            path = unquote(parts.path)
            target = path.removeprefix(base) if path.startswith("/") else posixpath.join(posixpath.dirname(uri), path)
            target = posixpath.normpath(target) if path else uri
            target = "" if target == "." else target
            file = target if target in known else f"{target}/index.html".lstrip("/")
            assert file in known, f"{uri} -> {address}"
            if parts.fragment and file in ids:
                assert unquote(parts.fragment).lstrip("/") in ids[file], f"{uri} -> {address}"


def test_no_page_says_where_the_site_lives(sample: Sample) -> None:
    """Links are relative, so the same files work below any base path; only hreflang and its kin are absolute."""
    for uri in pages_of(sample):
        if uri.endswith("404.html"):
            continue
        for tag, attributes in Page(sample.page(uri)).elements:
            for name in ("href", "src"):
                if tag != "link" and name in attributes:
                    assert not attributes[name].startswith("/"), uri


def test_the_head_names_all_languages_in_absolute_addresses(sample: Sample) -> None:
    def alternates(uri: str) -> dict[str, str]:
        return {
            a["hreflang"]: a["href"] for a in Page(sample.page(uri)).all("link", rel="alternate") if "hreflang" in a
        }

    site = "https://example.org/talks/"
    wanted = {"en": f"{site}en/talks/labels/", "ja": f"{site}ja/talks/labels/", "x-default": f"{site}en/talks/labels/"}
    assert alternates(TALK) == wanted
    assert alternates(TALK.replace("en/", "ja/", 1)) == wanted
    assert set(alternates(DECK).values()) == {f"{address}slides/" for address in wanted.values()}
    assert alternates("en/posts/2026/10/01/english/index.html") == {}
    assert alternates("ja/tags/labels/index.html")["x-default"] == f"{site}en/tags/labels/"
    head = Page(sample.page(TALK))
    assert head.all("link", rel="canonical")[0]["href"] == f"{site}en/talks/labels/"
    assert head.all("link", type="application/atom+xml")[0]["href"] == "../../feed.xml"
    assert head.all("meta", name="generator")[0]["content"].startswith("kubetalk ")
    assert head.all("meta", property="og:locale")[0]["content"] == "en_US"
    assert head.all("meta", property="og:locale:alternate")[0]["content"] == "ja_JP"


def test_structured_data_is_json_and_cannot_end_its_script(sample: Sample) -> None:
    data = json.loads(re.search(r'ld\+json">(.*?)</script>', sample.page(TALK), re.DOTALL)[1])  # type: ignore[index]
    assert data["@type"] == "PresentationDigitalDocument"
    assert data["releasedEvent"][0]["startDate"] == "2026-12-05"
    assert "<" not in json_ld({"a": "</script>"})


def test_the_reading_view_holds_every_slide_and_what_is_said(sample: Sample) -> None:
    html = sample.page(TALK)
    page = Page(html)
    parts = [a["id"] for a in page.all("section") if "kt-part" in a.get("class", "")]
    assert parts == ["slide-1", "namespaces", "picture", "end"]
    assert "Welcome, <strong>everybody</strong>." in html
    assert 'href="slides/#/namespaces"' in html
    assert html.count("Labels at work</h") == 1  # the first slide repeats the title, the page does not
    assert "team=a" in html
    assert page.all("figure", id="kt-all")


def test_the_deck_has_one_section_per_slide_with_the_same_ids_in_both_languages(sample: Sample) -> None:
    english, japanese = Page(sample.page(DECK)), Page(sample.page(DECK.replace("en/", "ja/", 1)))
    ids = [a["id"] for a in english.all("section")]
    assert ids == ["slide-1", "namespaces", "picture", "end"]
    assert [a["id"] for a in japanese.all("section")] == ids
    assert [a["aria-label"] for a in japanese.all("section")][1] == "スライド 2：名前空間"
    classes = [a["class"].split()[1] for a in english.all("section")]
    assert classes == ["kt-title", "kt-terminal", "kt-diagram", "kt-prose"]
    assert english.all("aside", class_="notes")
    assert '<a href="#/end">' in sample.page(DECK)
    assert 'class="fragment"' in sample.page(DECK)
    assert "短いお話" in sample.page("ja/talks/labels/index.html")


@pytest.mark.parametrize(
    ("written", "english", "japanese"),
    [
        (["2026-12-05 ja", "2026-03-01 en", "2026-01-10 en"], "2026-03-01", "2026-12-05"),
        (["2026-12-05 ja", "2026-03-01 ja"], "2026-12-05", "2026-12-05"),
        (["2026-03-01 fr", "2026-12-05 de"], "2026-12-05", "2026-12-05"),
    ],
)
def test_a_deck_names_the_latest_event_in_its_language(
    tmp_path: Path, written: list[str], english: str, japanese: str
) -> None:
    rows = [
        f"  - {{id: e{n}, date: {event.split()[0]}, name: Meetup {n}, language: {event.split()[1]}}}"
        for n, event in enumerate(written)
    ]
    facts = "\n".join(["title: {en: Labels at work, ja: ラベルの仕事}", "tags: [labels]", "events:", *rows, ""])
    files = sample_files()
    write(tmp_path, {**files, "talks/labels": {**files["talks/labels"], "talk.yml": facts}})
    sample = render(settings_for(tmp_path))
    for uri, date in ((DECK, english), (DECK.replace("en/", "ja/", 1), japanese)):
        (found,) = [a["datetime"] for a in Page(sample.page(uri)).all("time")]
        assert found == date
    listed = [a["datetime"] for a in Page(sample.page(TALK)).all("time")]
    assert [day for day in listed if day.startswith("2026-") and "T" not in day] == sorted(
        e.split()[0] for e in written
    )


def test_a_deck_says_where_its_outputs_are_from(sample: Sample) -> None:
    html = sample.page(DECK)
    line = "<span>Outputs verified Nov 22, 2026</span><span>Kubernetes v1.36.2</span><span>simulated pods</span>"
    assert f'<p class="kt-truth">{line}</p>' in html
    assert html.index("kt-truth") < html.index("</section>")
    assert html.index('id="kt-help"') < html.index("Every command on this page was run") < html.index("</dialog>")
    assert 'href="../#kt-provenance"' in html


def test_images_are_copied_once_for_all_languages(sample: Sample) -> None:
    assert "assets/talks/labels/images/box.svg" in sample.outputs
    for uri in (TALK, DECK, TALK.replace("en/", "ja/", 1)):
        source = Page(sample.page(uri)).all("img")[0]["src"]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(uri), source))
        assert path == "assets/talks/labels/images/box.svg"


def test_links_between_sources_become_links_between_pages(sample: Sample) -> None:
    assert 'href="../../../../../../en/talks/labels/#end"' in sample.page(POST)


def test_what_is_not_translated_is_listed_with_its_language(sample: Sample) -> None:
    html = sample.page("ja/posts/index.html")
    assert '<article lang="en">' in html
    assert '<span class="kt-badge" lang="ja">英語</span>' in html
    assert 'href="../../en/posts/2026/10/01/english/"' in html
    assert "ja/posts/2026/10/01/english/index.html" not in sample.outputs
    switch = Page(sample.page("en/posts/2026/10/01/english/index.html")).all("a", hreflang="ja")[0]
    assert "kt-absent" in switch["class"]
    assert switch["title"] == "日本語版はありません"


def test_lists_know_their_kind_and_the_start_page_has_the_latest(sample: Sample) -> None:
    assert "Labels at work" in sample.page("en/talks/index.html")
    assert "Quotas" not in sample.page("en/talks/index.html")
    home = sample.page("en/index.html")
    assert "Labels at work" in home
    assert "Quotas" in home
    assert "Welcome." in home
    assert "Tagged “Labels”" in sample.page("en/tags/labels/index.html")
    assert sample.renderer.list_paths(sample.entries) == ("talks/", "posts/", "tags/", "tags/labels/")


def test_every_slide_and_section_is_found_by_the_search(sample: Sample) -> None:
    slides = sample.renderer.search_records(sample.renditions["labels"], "ja")
    assert [record.path for record in slides][1:] == [
        f"ja/talks/labels/#{name}" for name in ("namespaces", "picture", "end")
    ]
    assert "team=a" in slides[1].text
    assert "$" not in slides[1].text
    assert slides[0].text == "短いお話 ようこそ。みなさん。"
    sections = sample.renderer.search_records(sample.renditions["quotas"], "en")
    assert [(r.path, r.section) for r in sections] == [
        ("en/posts/2026/11/12/quotas/", ""),
        ("en/posts/2026/11/12/quotas/#more", "Ask for more"),
        ("en/posts/2026/11/12/quotas/#other-languages", "Other languages"),
    ]
    assert "kubectl scale deployment/web --replicas=5 deployment.apps/web scaled" in sections[1].text
    assert "Verified" not in sections[1].text
    assert sample.renderer.search_records(sample.renditions["english"], "ja") == ()
    assert {record.kind for record in slides} == {Kind.TALK}


def test_the_outer_pages(sample: Sample) -> None:
    chooser = sample.page("index.html")
    assert 'href="en/" lang="en"' in chooser
    assert "kt-language" in chooser
    redirect = sample.page("posts/2018/11/17/labels/index.html")
    assert 'content="0; url=../../../../../en/talks/labels/"' in redirect
    assert 'href="https://example.org/talks/en/talks/labels/"' in redirect
    missing = Page(sample.page("404.html"))
    assert [a["data-kt-only"] for a in missing.all("section")] == ["en", "ja"]
    assert missing.all("a", href="/talks/ja/")


def test_without_an_address_nothing_absolute_is_written(tmp_path: Path, sample: Sample) -> None:
    write(tmp_path, {folder: files for folder, files in sample_files().items() if folder != "pages/home"})
    other = render(settings_for(tmp_path, site_url=""))
    page = Page(other.page(TALK))
    assert not page.all("link", rel="canonical")
    assert not page.all("link", rel="alternate")
    assert other.renderer.list_paths(other.entries)[0] == ""  # no document is the start page, so one is made
    assert "Labels at work" in other.page("ja/index.html") or "ラベルの仕事" in other.page("ja/index.html")
    assert other.page(TALK) != sample.page(TALK)


def test_a_broken_link_names_its_line(read_post: ReadPost) -> None:
    renderer, rendition = read_post({}, en="Fine.\n\n[gone](gone.md) and ![no](images/no.png)\n")
    with pytest.raises(ManyErrors) as caught:
        renderer.pages(rendition, {})
    assert str(caught.value.problems[0]).startswith("docs/posts/sample/en.md:3: the link `gone.md` leads nowhere")
    assert len(caught.value.problems) == 2


def test_an_image_outside_docs_is_refused(read_post: ReadPost) -> None:
    renderer, rendition = read_post({}, en="![secret](../../../../secret.png)\n")
    (rendition.document.directory / "../../../../secret.png").resolve().write_bytes(b"x")
    with pytest.raises(ContentError, match="leads nowhere"):
        renderer.pages(rendition, {})


def test_a_text_may_repeat_its_title(read_post: ReadPost) -> None:
    renderer, rendition = read_post({}, en="# Sample {#x}\n\nText.\n\n## Section\n")
    (page, *_) = renderer.pages(rendition, {})
    assert isinstance(page.content, str)
    assert page.content.count("<h1") == 1
    assert "<h2" in page.content


def test_a_host_page_gets_placeholders_and_assets(tmp_path: Path) -> None:
    (tmp_path / "docs/guide").mkdir(parents=True)
    (tmp_path / "docs/guide/first.md").write_text(
        '# Guide\n\n- x\n\n    ```console live id="a"\n    $ true\n    ```\n', encoding="utf-8"
    )
    settings = settings_for(tmp_path)
    source = (tmp_path / "docs/guide/first.md").read_text(encoding="utf-8")
    document = reading.read_host_page(tmp_path / "docs/guide/first.md", source, settings)
    assert document
    renderer = rendering.Renderer(settings, documents=[document])
    rendition = rendition_of(document, {"true": ""})
    text = document.texts["en"]
    assert "    ```kubetalk-block\n    0\n    ```" in rendering.markdown_with_placeholders(text)
    assert 'data-kt-source="true"' in renderer.block_html(rendition, "en", 0)
    assert "Every command on this page was run" in renderer.host_provenance_html(rendition, "en")
    assets = renderer.host_assets_html("guide/first/", "en")
    assert 'href="../../assets/kubetalk/blocks.css?v=' in assets
    assert renderer.search_records(rendition, "en") == ()


def test_assets_hold_everything_a_page_loads_and_nothing_from_elsewhere(sample: Sample) -> None:
    for uri, content in sample.outputs.items():
        if uri.startswith("assets/kubetalk/") and uri.endswith(".css"):
            css = content if isinstance(content, str) else content.decode()
            for address in re.findall(r"url\([\"']?([^\"')]+)", css):
                assert not re.match("https?:|//", address), uri
                if not address.startswith("data:"):
                    assert posixpath.normpath(posixpath.join(posixpath.dirname(uri), address)) in sample.outputs
    assert "assets/kubetalk/vendor/reveal/plugin/notes.js" in sample.outputs
    assert not [uri for uri in sample.outputs if uri.endswith("STAMP")]


@pytest.mark.parametrize(
    ("target", "page", "link"),
    [
        ("en/talks/x/", "en/posts/", "../talks/x/"),
        ("en/talks/x/", "en/talks/x/", "./"),
        ("en/talks/x/#a", "en/talks/x/slides/", "../#a"),
        ("", "en/", "../"),
        ("en/", "", "en/"),
        ("en/search.js", "en/talks/", "../search.js"),
        ("en/talks/x/", "posts/old/index.html", "../../en/talks/x/"),
    ],
)
def test_relative_links(target: str, page: str, link: str) -> None:
    assert relative(target, page) == link


def test_a_post_needs_a_date_for_its_address(sample: Sample) -> None:
    document = sample.renditions["quotas"].document
    with pytest.raises(ContentError, match="has no date"):
        rendering.document_path(replace(document, facts=replace(document.facts, date=None)), "en")
