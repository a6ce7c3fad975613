"""One address, one page: what would silently replace another page is refused, by the line or folder that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mkdocs.exceptions import Abort

from tests.site.test_build import GOOD, TALK, TALK_YML, with_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.sites import BuildSite

PAGE = {"en.md": "Mine.\n", "ja.md": "私の。\n", "page.yml": "title: {en: Mine, ja: 私の}\n"}


def page(name: str, facts: str = "") -> dict[str, str]:
    return {f"docs/pages/{name}/{file}": text + (facts if file == "page.yml" else "") for file, text in PAGE.items()}


def old(path: str) -> dict[str, str]:
    return with_changes(talk_yml=f"{TALK_YML}redirect_from:\n  - /fine/\n  - {path}\n")


OURS = "a page that kubetalk makes itself"
TAKEN: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "the chooser": (old("/"), "docs/talks/small/talk.yml:6: ", OURS),
    "a list": (old("/ja/talks/index.html"), "docs/talks/small/talk.yml:6: ", OURS),
    "the 404 page": (old("/404.html"), "docs/talks/small/talk.yml:6: ", OURS),
    "itself": (old("/en/talks/small"), "docs/talks/small/talk.yml:6: ", "docs/talks/small"),
    "its slides": (old("/ja/talks/small/slides/"), "docs/talks/small/talk.yml:6: ", "docs/talks/small"),
    "another page": ({**old("/en/about/"), **page("about")}, "docs/talks/small/talk.yml:6: ", "docs/pages/about"),
    "below a file": (old("/en/feed.xml/old/"), "docs/talks/small/talk.yml:6: ", OURS),
    "a style sheet": (old("/assets/kubetalk/deck.css"), "docs/talks/small/talk.yml:6: ", OURS),
    "a page of MkDocs": ({**old("/setup/"), "docs/setup.md": "# Hello\n"}, "docs/talks/small/talk.yml:6: ", "setup.md"),
    "a file of MkDocs": ({**old("/a.html"), "docs/a.html": "<p>"}, "docs/talks/small/talk.yml:6: ", "docs/a.html"),
    "a page named like a list": ({**GOOD, **page("talks")}, "docs/pages/talks: ", f"/en/talks/ is that of {OURS}"),
    "a page that MkDocs has too": (
        {**GOOD, **page("about"), "docs/ja/about.md": "# Hi\n"},
        "docs/pages/about: ",
        "docs/ja/about.md",
    ),
    "a page named tags": ({**GOOD, **page("tags")}, "docs/pages/tags: ", f"/en/tags/ is that of {OURS}"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_an_address_that_is_taken_is_refused(
    build_site: BuildSite, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    files, start, owner = TAKEN[case]
    with pytest.raises(Abort):
        build_site(files, expect_warnings=True)
    (error,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert error.startswith(start)
    assert owner in error
    assert len(error.splitlines()) == 1


def test_old_paths_that_are_free_lead_to_the_new_place(build_site: BuildSite) -> None:
    site = build_site(old("/index.php.html"))
    assert "en/talks/small/" in site.read("fine/index.html")
    assert "en/talks/small/" in site.read("index.php.html")
    assert "Choose" in site.read("index.html")


def test_an_image_may_be_shown_by_several_documents(build_site: BuildSite) -> None:
    picture = "\n![A box](../../pages/about/box.svg)\n"
    files = {**GOOD, **page("about"), "docs/pages/about/box.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>'}
    files["docs/pages/about/en.md"] += "\n![A box](box.svg)\n"
    files[TALK + "en.md"] += picture
    site = build_site(files)
    assert site.read("assets/pages/about/box.svg").startswith("<svg")
