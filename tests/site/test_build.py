"""Whole sites, built by MkDocs in a temporary folder from recordings: what an author gets, good and bad."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from mkdocs.exceptions import Abort

from kubetalk.checking import check_site
from kubetalk.model import Output
from kubetalk.pipeline import settings_from_config
from tests.support.fakes import FakeProvider
from tests.support.sites import BuildSite, Site

TALK_YML = """\
title: {en: Small talk, ja: 小さな話}
date: 2026-11-20
sandbox: {kubernetes: "1.36"}
"""
EN = """\
# Small talk

---

## Look {#look}

```console live id="get-ns"
$ kubectl get namespaces
```

Note:
Say hello.
"""
JA = """\
# 小さな話

---

## 見る {#look}

```console ref="get-ns"
```
"""
RECORDING = """\
version: 1
document: small
provenance:
  verified: 2026-11-20T09:30:00Z
  provider: embedded
  simulated: true
  versions:
    kubernetes: v1.36.4
    kubectl: v1.36.4
blocks:
  - id: get-ns
    commands:
      - command: kubectl get namespaces
        exit: 0
        output: |
          NAME      STATUS   AGE
          default   Active   <b>9s
"""
TALK = "docs/talks/small/"
GOOD: Mapping[str, str] = {
    TALK + "talk.yml": TALK_YML,
    TALK + "en.md": EN,
    TALK + "ja.md": JA,
    TALK + "recording.yml": RECORDING,
}


def with_changes(**changes: str) -> dict[str, str]:
    return {**GOOD, **{TALK + name.replace("_", "."): text for name, text in changes.items()}}


def test_a_talk_becomes_a_reading_view_and_a_deck_in_both_languages(build_site: BuildSite) -> None:
    site = build_site(GOOD)
    for language in ("en", "ja"):
        deck = site.read(f"{language}/talks/small/slides/index.html")
        view = site.read(f"{language}/talks/small/index.html")
        for page in (deck, view):
            assert f'<html lang="{language}"' in page
            assert "v1.36.4" in page
            assert "&lt;b&gt;9s" in page
            assert "<b>9s" not in page
    assert "2026年11月20日" in site.read("ja/talks/small/index.html")
    assert "recorded" in site.read("en/talks/small/index.html").lower()


def test_the_site_passes_its_own_check(build_site: BuildSite) -> None:
    site = build_site(GOOD)
    assert findings_of(site) == []


def findings_of(site: Site) -> list[str]:
    outputs = []
    for path in sorted(site.site_dir.rglob("*")):
        if path.is_file():
            uri = path.relative_to(site.site_dir).as_posix()
            outputs.append(Output(uri, path.read_text(encoding="utf-8") if path.suffix == ".html" else b""))
    settings = settings_from_config(site.project_dir / "mkdocs.yml")
    return [f"{finding.location}: {finding.message}" for finding in check_site(outputs, settings)]


def test_documents_are_not_published_as_they_are(build_site: BuildSite) -> None:
    site = build_site(GOOD)
    sources = {"recording.yml", "talk.yml", "en.md", "ja.md", "tags.yml"}
    assert not [path for path in site.site_dir.rglob("*") if path.name in sources]


def test_an_ordinary_page_keeps_mkdocs_and_gets_the_blocks(build_site: BuildSite) -> None:
    fence = '    ```console live id="get-ns"\n    $ kubectl get namespaces\n    ```\n'
    page = f"---\ntitle: Setting up\n---\n\n# Setup\n\n- step\n\n{fence}\nDone.\n"
    recording = RECORDING.replace("document: small", "document: setup.md")
    site = build_site({"docs/setup.md": page, "docs/setup.recording.yml": recording, **GOOD})
    html = site.read("setup/index.html")
    assert "md-content" in html  # Material's page
    assert "<title>Setting up" in html
    assert "title: Setting up" not in html
    assert "&lt;b&gt;9s" in html
    assert html.index("<li>") < html.index("&lt;b&gt;9s") < html.index("</li>", html.index("&lt;b&gt;9s"))
    assert not (site.site_dir / "setup.recording.yml").exists()
    sitemap = ET.parse(site.site_dir / "sitemap.xml")  # noqa: S314 -- our own file
    places = [loc.text for loc in sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert "https://example.org/setup/" in places
    assert "https://example.org/ja/talks/small/slides/" in places


def test_a_home_page_of_the_host_site_stays(build_site: BuildSite) -> None:
    site = build_site({"docs/index.md": "# My own front page\n", **GOOD})
    assert "My own front page" in site.read("index.html")


BAD = {
    "unknown key": (
        with_changes(talk_yml=TALK_YML + "tittle: x\n"),
        "docs/talks/small/talk.yml:4: ",
        "title",
    ),
    "unknown option": (
        with_changes(en_md=EN.replace('id="get-ns"', 'id="get-ns" timeuot="3s"')),
        "docs/talks/small/en.md:7: ",
        "timeout",
    ),
    "unclosed fence": (
        with_changes(en_md=EN.replace("\n```\n\nNote", "\n\nNote")),
        "docs/talks/small/en.md:7: ",
        "fence",
    ),
    "unclosed heredoc": (
        with_changes(en_md=EN.replace("$ kubectl get namespaces", "$ kubectl apply -f - <<END\nkind: X")),
        "docs/talks/small/en.md:8: ",
        "END",
    ),
    "commands that differ": (
        with_changes(ja_md=JA.replace('console ref="get-ns"\n', 'console live id="get-ns"\n$ kubectl get nodes\n')),
        "docs/talks/small/ja.md",
        "docs/talks/small/en.md",
    ),
    "ref to nothing": (
        with_changes(ja_md=JA.replace('ref="get-ns"', 'ref="get-sn"')),
        "docs/talks/small/ja.md:7: ",
        "get-ns",
    ),
    "duplicate id": (
        with_changes(en_md=EN.replace("\nNote:", '\n```console live id="get-ns"\n$ kubectl get nodes\n```\n\nNote:')),
        "docs/talks/small/en.md:11: ",
        "get-ns",
    ),
    "conflict marker": (
        with_changes(recording_yml=RECORDING.replace("blocks:", "<<<<<<< HEAD\nblocks:")),
        "docs/talks/small/recording.yml:10: ",
        "conflict",
    ),
    "changed command": (
        with_changes(en_md=EN.replace("get namespaces", "get pods")),
        "docs/talks/small/en.md:8: ",
        "kubetalk record docs/talks/small",
    ),
    "different number of slides": (
        with_changes(ja_md=JA + "\n---\n\n## もう一枚\n"),
        "docs/talks/small/ja.md",
        "slide",
    ),
}


@dataclass(frozen=True)
class Refused:
    """Builds a site that must fail and gives the error line MkDocs prints."""

    build_site: BuildSite
    caplog: pytest.LogCaptureFixture

    def __call__(self, files: Mapping[str, str]) -> str:
        self.caplog.clear()
        with pytest.raises(Abort):
            self.build_site(files, expect_warnings=True)
        (error,) = [record.getMessage() for record in self.caplog.records if record.levelname == "ERROR"]
        return error


@pytest.fixture
def refused(build_site: BuildSite, caplog: pytest.LogCaptureFixture) -> Refused:
    return Refused(build_site, caplog)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(refused: Refused, case: str) -> None:
    files, start, hint = BAD[case]
    line = refused(files)
    assert line.startswith(start)
    assert hint in line
    _, *more = line.split("\n")
    assert all(detail.startswith("    ") for detail in more)  # details, such as both commands, below the one line


def without(name: str) -> dict[str, str]:
    return {path: text for path, text in GOOD.items() if not path.endswith(name)}


def test_a_missing_language_is_an_error(refused: Refused) -> None:
    assert "ja.md" in refused(without("ja.md"))


def test_a_declared_single_language_is_listed_honestly(build_site: BuildSite) -> None:
    site = build_site({**without("ja.md"), TALK + "talk.yml": "title: Small talk\ndate: 2026-11-20\nlanguages: [en]\n"})
    assert not (site.site_dir / "ja/talks/small/index.html").exists()
    listing = site.read("ja/talks/index.html")
    assert "en/talks/small/" in listing
    assert 'lang="en"' in listing
    assert findings_of(site) == []


def test_a_page_without_recording_is_an_error_in_replay(refused: Refused) -> None:
    line = refused(without("recording.yml"))
    assert line.startswith("docs/talks/small/talk.yml:1: ")
    assert "kubetalk record docs/talks/small" in line


def test_an_automatic_build_that_can_neither_run_nor_replay_says_why(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provider = FakeProvider()
    provider.reason = "the sandbox binary is not built yet. Run `kubetalk sandbox build`"
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: provider)
    with pytest.raises(Abort):
        build_site(without("recording.yml"), execution="auto", expect_warnings=True)
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith("docs/talks/small/talk.yml:1: nothing is recorded yet")
    assert line.endswith("there is none here: the sandbox binary is not built yet. Run `kubetalk sandbox build`")


def test_a_failed_build_leaves_the_last_site_whole(build_site: BuildSite, refused: Refused) -> None:
    site = build_site(GOOD)
    before = {path: path.read_bytes() for path in site.site_dir.rglob("*") if path.is_file()}
    refused(with_changes(talk_yml=TALK_YML + "tittle: x\n"))
    assert {path: path.read_bytes() for path in site.site_dir.rglob("*") if path.is_file()} == before
    assert [path.name for path in site.site_dir.parent.iterdir() if "kubetalk" in path.name] == []


def test_a_build_writes_nothing_into_docs(build_site: BuildSite) -> None:
    site = build_site(GOOD)
    found = {
        path.relative_to(site.project_dir).as_posix()
        for path in (site.project_dir / "docs").rglob("*")
        if path.is_file()
    }
    assert found == set(GOOD)


def test_a_wrong_option_in_mkdocs_yml_is_an_error(refused: Refused) -> None:
    config = "site_name: X\nsite_url: https://example.org/\nplugins:\n  - kubetalk:\n      provider: minikube\n"
    line = refused({**GOOD, "mkdocs.yml": config})
    assert line.startswith("mkdocs.yml:5: unknown provider `minikube`")


def test_equal_input_gives_equal_bytes(build_site: BuildSite) -> None:
    def tree(site: Site) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(site.site_dir.rglob("*")) if path.is_file()}

    assert tree(build_site(GOOD)) == tree(build_site(GOOD))
