"""``draft: true``: shown while it is written, not there when the site is built."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from mkdocs.exceptions import Abort

from kubetalk.pipeline import build_site as build
from kubetalk.pipeline import settings_for_serving, settings_from_config
from tests.site.test_build import GOOD, TALK, TALK_YML, with_changes

if TYPE_CHECKING:
    from tests.support.sites import BuildSite

NOTE = {
    "docs/posts/note/post.yml": "title: {en: A note, ja: メモ}\ndate: 2026-11-21\ndraft: true\nredirect_from: [/n/]\n",
    "docs/posts/note/en.md": '# A note\n\n```console live id="broken"\n$ kubectl get pods\n',  # not even finished
}


def test_a_build_leaves_a_draft_out_and_does_not_run_it(build_site: BuildSite) -> None:
    site = build_site({**GOOD, **NOTE})  # replaying, and nothing is recorded for it
    assert not (site.site_dir / "en/posts/2026/11/21").exists()
    assert not (site.site_dir / "n").exists()
    for uri in ("en/index.html", "en/posts/index.html", "en/feed.xml", "en/search.js", "sitemap.xml"):
        assert "A note" not in site.read(uri)
        assert "note/" not in site.read(uri)


@pytest.mark.parametrize("link", ["../../posts/note/en.md#x", "../../posts/note/ja.md", "../../posts/note/"])
def test_a_link_to_a_draft_is_refused(build_site: BuildSite, caplog: pytest.LogCaptureFixture, link: str) -> None:
    text = GOOD[TALK + "en.md"].replace("Note:", f"[more]({link})\n\nNote:")
    with pytest.raises(Abort):
        build_site({**with_changes(en_md=text), **NOTE}, expect_warnings=True)
    (error,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert error.startswith(f"docs/talks/small/en.md:11: the link `{link}` leads to a draft")
    assert "docs/posts/note/post.yml" in error


def test_serving_and_the_command_line_have_drafts(build_site: BuildSite) -> None:
    site = build_site(with_changes(talk_yml=TALK_YML + "draft: true\n"))
    assert not (site.site_dir / "en/talks/small").exists()
    settings = settings_from_config(site.project_dir / "mkdocs.yml")
    assert settings.drafts
    served = settings_for_serving(dataclasses.replace(settings, drafts=False), {}, is_rebuild=False)
    outputs = {output.uri: output.content for output in build(served, progress=lambda _line: None).outputs}
    assert '<span class="kt-badge">Draft</span>' in str(outputs["en/talks/small/index.html"])
    assert '<span class="kt-badge" lang="ja">下書き</span>' in str(outputs["ja/talks/index.html"])
