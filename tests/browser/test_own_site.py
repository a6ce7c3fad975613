"""This repository's own site in a browser: axe-core on each kind of page, the deck on paper, the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.sites import ServeSite

pytestmark = pytest.mark.browser

TALK = "talks/getting-started-istio/"
PAGES = [
    "",
    "404.html",
    "en/",
    "ja/posts/",
    "en/tags/",
    "ja/tags/kubectl/",
    "ja/posts/2026/11/12/quota-says-no/",
    "en/live-blocks/",
    "en/reference/",
    "ja/sandbox/",
]
LOOKS = [("light", 1280), ("dark", 390)]


SETTLED = """() => [...document.querySelectorAll(".kt-out, .kt-picture, .kt-main table, .highlight > pre")]
  .every((region) => region.scrollWidth <= region.clientWidth + 1 || region.tabIndex === 0)"""


@pytest.fixture(scope="module")
def site(docs_site: Path, serve_site: ServeSite) -> str:
    return serve_site(docs_site)


def violations(page: Page) -> list[str]:
    """What axe finds, all of it: rule, weight and the first element that breaks it."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{x['impact']} {x['id']}: {x['nodes'][0]['html'][:200]}" for x in found]


def settle(page: Page) -> None:
    """Waits for what a page does by itself: every font is there, and what can be scrolled takes the focus."""
    page.evaluate("Promise.all([...document.fonts].map((font) => font.load())).then(() => null)")
    page.wait_for_function(SETTLED)


def look(page: Page, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})


@pytest.mark.parametrize(
    ("path", "scheme", "width"),
    # The reading view is long, and axe takes its time over it.
    [*((path, *one) for path in PAGES for one in LOOKS), (f"en/{TALK}", "light", 390), (f"ja/{TALK}", "dark", 1280)],
)
def test_pages(page: Page, site: str, path: str, scheme: str, width: int) -> None:
    look(page, scheme, width)
    page.goto(site + path)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
    settle(page)
    assert violations(page) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_search_dialog(page: Page, site: str, scheme: str, width: int) -> None:
    look(page, scheme, width)
    page.goto(f"{site}ja/")
    page.locator("[data-kt-open-search]").click()
    page.locator("#kt-query").fill("istio")
    expect(page.locator("#kt-results li").first).to_be_visible()
    settle(page)
    assert violations(page) == []


@pytest.mark.parametrize("slide", ["title", "ways-in", "custom-resource", "refused", "picture-after"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides(page: Page, site: str, slide: str, scheme: str) -> None:
    look(page, scheme, 1280)
    page.goto(f"{site}{'ja' if scheme == 'dark' else 'en'}/{TALK}slides/#/{slide}")
    page.wait_for_function("(id) => window.Reveal?.isReady() && Reveal.getCurrentSlide().id === id", arg=slide)
    settle(page)
    assert violations(page) == []


def test_the_help_and_the_phone_view_of_a_deck(page: Page, site: str) -> None:
    look(page, "light", 390)
    page.goto(f"{site}ja/{TALK}slides/")
    page.wait_for_selector("html.kt-ready")
    expect(page.locator(".kt-phone-hint")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("?")
    expect(page.locator("#kt-help")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_of_a_printed_deck_is_cut(page: Page, site: str, language: str) -> None:
    page.goto(f"{site}{language}/{TALK}slides/?view=print")
    page.wait_for_selector("html.kt-ready")
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".pdf-page > section")].filter((slide) =>
          [slide, ...slide.querySelectorAll(".kt-term")].some((box) => box.scrollHeight > box.clientHeight + 2)
        ).map((slide) => slide.id)"""
    )
    assert cut == []


def test_a_page_can_be_walked_through_with_the_keyboard(page: Page, site: str) -> None:
    page.goto(f"{site}en/posts/2026/11/05/config-that-rolls/")
    page.keyboard.press("Tab")
    expect(page.locator(".kt-skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    # What is wider than its place can be reached and scrolled.
    page.set_viewport_size({"width": 390, "height": 800})
    wide = page.locator(".kt-out[tabindex='0']").first
    wide.focus()
    expect(wide).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
