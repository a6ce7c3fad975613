"""What slides say about the truth of their outputs can be seen: a line in the file that no one sees says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from kubetalk.model import Comparison, Verdict
from tests.support.rendered import TALK, render, sample_files, settings_for, write

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.sites import ServeSite

pytestmark = pytest.mark.browser


def live(name: str, command: str = "kubectl get pods") -> str:
    return f'```console live id="{name}"\n$ {command}\n```\n'


PICTURE = '```diagram id="all"\n```\n'
SLIDES = {
    "fresh": live("fresh-1") + "\n" + live("fresh-2"),
    "drifted": live("drifted-1") + "\n" + live("drifted-2"),
    "pending": live("pending-1") + "\n" + live("pending-2", "kubectl get nodes"),
    "picture": live("picture-1") + "\n" + PICTURE,
}


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory, serve_site: ServeSite) -> str:
    project_dir = tmp_path_factory.mktemp("truth")
    text = "# Labels at work\n" + "".join(f"\n---\n\n## S {{#{name}}}\n\n{body}" for name, body in SLIDES.items())
    facts = TALK["talk.yml"] + "languages: [en]\n"
    write(project_dir, {**sample_files(), "talks/labels": {"talk.yml": facts, "en.md": text}})
    (project_dir / "docs/posts/quotas/en.md").write_text("Nothing.\n", encoding="utf-8")
    (project_dir / "docs/posts/quotas/ja.md").write_text("なし。\n", encoding="utf-8")
    drift = Comparison("drifted-1", 0, "kubectl get pods", Verdict.DRIFT_MAJOR)
    sample = render(settings_for(project_dir), comparisons_of={"labels": (drift,)})
    for uri, content in sample.outputs.items():
        path = project_dir / "site" / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return serve_site(project_dir / "site") + "en/talks/labels/slides/"


def notes_of(page: Page, deck: str, slide: str) -> list[str]:
    """The lines about truth that can be seen on a slide."""
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(f"{deck}#/{slide}")
    page.wait_for_selector("html.kt-ready")
    page.wait_for_function("(id) => Reveal.getCurrentSlide().id === id", arg=slide)
    notes = page.locator(f"#{slide} .kt-note")
    return [note.inner_text() for note in notes.all() if note.is_visible()]


def test_one_line_speaks_for_a_slide_on_which_all_is_well(page: Page, deck: str) -> None:
    (note,) = notes_of(page, deck, "fresh")
    assert "Verified Nov 22, 2026" in note


def test_a_block_that_drifted_says_so_above_one_that_did_not(page: Page, deck: str) -> None:
    first, last = notes_of(page, deck, "drifted")
    assert "Differs from the last check" in first
    assert "Differs" not in last


def test_a_block_that_has_not_run_does_not_hide_what_is_known_of_the_other(page: Page, deck: str) -> None:
    first, last = notes_of(page, deck, "pending")
    assert "Verified Nov 22, 2026" in first
    assert last == "Not run yet"


def test_a_picture_says_where_it_is_from(page: Page, deck: str) -> None:
    (note,) = notes_of(page, deck, "picture")
    assert "simulated pods" in note
    expect(page.locator("#picture .kt-diagram > .kt-note")).to_be_visible()


def test_the_title_slide_and_the_help_say_it_of_the_whole_deck(page: Page, deck: str) -> None:
    notes_of(page, deck, "slide-1")
    line = page.locator("#slide-1 .kt-truth")
    expect(line).to_be_in_viewport(ratio=1)
    expect(line).to_contain_text("Outputs verified Nov 22, 2026")
    expect(line).to_contain_text("some commands not run yet")
    page.keyboard.press("?")
    page.locator("#kt-help a").click()
    page.wait_for_url("**/en/talks/labels/#kt-provenance")
    expect(page.locator("#kt-provenance")).to_be_in_viewport()
