from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from kubetalk.indexing import (
    feed_outputs,
    list_entries,
    reading_minutes,
    redirect_targets,
    search_output,
    sitemap_output,
    tag_entries,
)
from kubetalk.model import Alternate, Document, Facts, Kind, Location, SearchRecord, Settings, Text

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def settings(site_url: str = "https://example.org/") -> Settings:
    return Settings(
        project_dir=Path(),
        docs_dir=Path("docs"),
        site_dir=Path("site"),
        site_name={"en": "Talks", "ja": "発表"},
        site_url=site_url,
    )


def post(
    name: str, day: int, texts: Mapping[str, str], *, tags: tuple[str, ...] = (), old: tuple[str, ...] = ()
) -> Document:
    facts = Facts(
        title={language: f"{name} {language}" for language in texts},
        location=Location(f"docs/posts/{name}/post.yml"),
        date=dt.date(2026, 11, day),
        tags=tags,
        redirect_from=old,
    )
    return Document(
        id=name,
        kind=Kind.POST,
        directory=Path("docs/posts") / name,
        facts=facts,
        texts={language: Text(language, f"{name}/{language}.md", source) for language, source in texts.items()},
        recording_path=Path("recording.yml"),
    )


def path_of(document: Document, language: str) -> str:
    return f"{language}/posts/{document.id}/"


def test_a_document_is_listed_in_both_languages_and_leads_to_the_text_that_exists() -> None:
    both = post("both", 1, {"en": "Hello", "ja": "こんにちは"})
    only = post("only", 2, {"ja": "日本語だけ"})
    entries = list_entries([both, only], settings(), document_path=path_of, deck_path=path_of)
    assert [(e.document_id, e.text_language, e.path) for e in entries["en"]] == [
        ("only", "ja", "ja/posts/only/"),
        ("both", "en", "en/posts/both/"),
    ]
    assert [e.text_language for e in entries["ja"]] == ["ja", "ja"]
    assert entries["en"][1].alternates == (Alternate("en", "en/posts/both/"), Alternate("ja", "ja/posts/both/"))


def test_reading_time_counts_japanese_in_characters_and_leaves_code_out() -> None:
    assert reading_minutes("あ" * 3500) == 7
    assert reading_minutes("word " * 440) == 2
    assert reading_minutes("```console live\n" + "$ kubectl get pods\n" * 2000 + "```\nshort\n") == 1
    assert reading_minutes("") == 1


def test_an_untranslated_post_is_in_one_feed_only() -> None:
    both = post("both", 1, {"en": "Hello", "ja": "こんにちは"}, tags=("istio",))
    only = post("only", 2, {"ja": "日本語だけ"})
    entries = list_entries([both, only], settings(), document_path=path_of, deck_path=path_of)
    atom, as_json = feed_outputs(entries["en"], settings(), "en")
    assert atom.uri == "en/feed.xml"
    feed = ET.fromstring(str(atom.content))  # noqa: S314 -- our own output
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert [e.findtext(f"{ATOM}id") for e in feed.iter(f"{ATOM}entry")] == ["https://example.org/en/posts/both/"]
    assert [c.get("term") for c in feed.iter(f"{ATOM}category")] == ["istio"]
    assert json.loads(as_json.content)["items"][0]["date_published"] == "2026-11-01T00:00:00Z"
    ja_atom, _ = feed_outputs(entries["ja"], settings(), "ja")
    assert str(ja_atom.content).count("<entry>") == 2


def test_without_an_address_there_is_no_feed_and_no_sitemap() -> None:
    assert feed_outputs([], settings(site_url=""), "en") == ()
    assert sitemap_output([], settings(site_url="")) is None


def test_the_sitemap_names_every_version_with_all_its_alternates() -> None:
    output = sitemap_output(
        [(Alternate("en", "en/a/"), Alternate("ja", "ja/a/")), (Alternate("ja", "ja/b/"),)], settings()
    )
    assert output is not None
    urls = list(ET.fromstring(str(output.content)).iter(f"{SITEMAP}url"))  # noqa: S314 -- our own output
    assert [u.findtext(f"{SITEMAP}loc") for u in urls] == [
        "https://example.org/en/a/",
        "https://example.org/ja/a/",
        "https://example.org/ja/b/",
    ]
    links = {link.get("hreflang"): link.get("href") for link in urls[1].iter(f"{XHTML}link")}
    assert links == {
        "en": "https://example.org/en/a/",
        "ja": "https://example.org/ja/a/",
        "x-default": "https://example.org/en/a/",
    }


def test_tags_are_sorted_and_keep_the_order_of_the_list() -> None:
    documents = [post("b", 2, {"en": ""}, tags=("z", "a")), post("a", 1, {"en": ""}, tags=("a",))]
    entries = list_entries(documents, settings(), document_path=path_of, deck_path=path_of)["en"]
    assert {tag: [e.document_id for e in found] for tag, found in tag_entries(entries).items()} == {
        "a": ["b", "a"],
        "z": ["b"],
    }


def test_old_addresses_lead_to_the_default_language_or_to_the_only_one() -> None:
    documents = [
        post("x", 1, {"en": "", "ja": ""}, old=("/posts/2018/11/17/x/", "/old.html")),
        post("y", 1, {"ja": ""}, old=("/y/",)),
    ]
    assert redirect_targets(documents, settings(), document_path=path_of) == {
        "posts/2018/11/17/x/index.html": "en/posts/x/",
        "old.html": "en/posts/x/",
        "y/index.html": "ja/posts/y/",
    }


def test_search_text_is_normalised_so_that_full_width_letters_are_found() -> None:
    output = search_output([SearchRecord("en/a/", "T", "S", "Ｋｕｂｅ　ｶﾅ\n x", Kind.POST)], "en")
    assert output.uri == "en/search.js"
    assert json.loads(str(output.content).removeprefix("ktSearch(").removesuffix(");\n")) == {
        "records": [{"p": "en/a/", "t": "T", "s": "S", "k": "post", "x": "Kube カナ x"}]
    }
