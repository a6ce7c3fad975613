"""Pages of ours in a real browser, the network cut: decks, reading views, search, copying, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubetalk import indexing
from tests.support.rendered import Sample, render, sample_files, settings_for, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.sites import ServeSite

pytestmark = pytest.mark.browser

WIDE = (
    "NAME      TYPE           PORT(S)"
    + " " * 90
    + "AGE\ngateway   LoadBalancer   "
    + "15021:30563/TCP," * 6
    + "   4s\n"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve_site: ServeSite) -> str:
    project_dir = tmp_path_factory.mktemp("site")
    write(project_dir, sample_files())
    sample = render(settings_for(project_dir), {"kubectl get pods": WIDE})
    for uri, content in {**sample.outputs, **search_files(sample)}.items():
        path = project_dir / "site" / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return serve_site(project_dir / "site")


def search_files(sample: Sample) -> dict[str, str]:
    files = {}
    for language in sample.settings.languages:
        records = [r for x in sample.renditions.values() for r in sample.renderer.search_records(x, language)]
        output = indexing.search_output(records, language)
        files[output.uri] = str(output.content)
    return files


def open_deck(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("html.kt-ready")


def test_a_deck_opens_at_a_number_and_at_an_id(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/#/2")
    assert page.evaluate("Reveal.getCurrentSlide().id") == "namespaces"
    open_deck(page, f"{site}en/talks/labels/slides/#/end")
    assert page.evaluate("Reveal.getIndices().h") == 3
    assert page.get_attribute(".reveal", "role") is None


def test_the_language_switch_keeps_the_slide(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("Reveal.getCurrentSlide().id === 'namespaces'")
    page.keyboard.press("l")
    page.wait_for_url("**/ja/talks/labels/slides/#/namespaces")
    page.wait_for_selector("html.kt-ready")
    assert page.evaluate("Reveal.getCurrentSlide().getAttribute('aria-label')") == "スライド 2：名前空間"
    assert page.evaluate("localStorage.getItem('kt-language')") == "ja"
    assert (page.get_attribute("[data-kt-reading]", "href") or "").endswith("#namespaces")


def test_every_slide_fits_and_its_type_carries(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_deck(page, f"{site}ja/talks/labels/slides/")
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({number})")
        slide = page.evaluate(
            """() => {
              const slide = Reveal.getCurrentSlide();
              const size = (element) => parseFloat(getComputedStyle(element).fontSize);
              const sizes = (what) => [...slide.querySelectorAll(what)].map(size);
              const prose = sizes(".kt-slide-body > p, .kt-slide-body > :is(ul, ol) li");
              return {over: slide.scrollHeight - slide.clientHeight, prose, code: sizes("pre")};
            }"""
        )
        assert slide["over"] <= 1
        assert all(size >= 36 for size in slide["prose"])
        assert all(size >= 26 for size in slide["code"])


def test_the_speaker_view_and_the_other_keys_are_there(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/")
    assert page.evaluate("['notes', 'search', 'zoom'].every((name) => Reveal.hasPlugin(name))")
    page.keyboard.press("?")
    assert page.locator("#kt-help").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    page.wait_for_function("Reveal.isOverview()")
    assert not page.locator("#kt-help").is_visible()


def test_a_phone_gets_the_slides_and_the_way_to_the_reading_view(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_deck(page, f"{site}en/talks/labels/slides/#/namespaces")
    assert not page.evaluate("Reveal.isScrollView()")
    assert page.evaluate("Reveal.getCurrentSlide().id") == "namespaces"
    page.locator(".kt-phone-hint a").click()
    page.wait_for_url("**/en/talks/labels/")


def test_printing_gives_one_page_per_slide(page: Page, site: str) -> None:
    page.goto(f"{site}en/talks/labels/slides/?view=print")
    page.wait_for_selector(".pdf-page")
    assert page.locator(".pdf-page").count() == 4
    assert (
        page.locator(".pdf-page > section.kt-slide").first.evaluate("e => getComputedStyle(e).paddingLeft") == "128px"
    )


def test_light_and_dark_are_shared_between_pages_and_decks(page: Page, site: str) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page.goto(f"{site}en/")
    light = page.evaluate(background)
    page.click("[data-kt-theme-toggle]")
    dark = page.evaluate(background)
    assert light != dark
    assert page.evaluate("localStorage.getItem('kt-theme')") == "dark"
    open_deck(page, f"{site}en/talks/labels/slides/")
    assert page.evaluate(background) == dark
    page.keyboard.press("d")
    assert page.evaluate(background) == light


@pytest.mark.parametrize(
    ("language", "query", "found"),
    [
        ("ja", "名前空間", "名前空間"),
        ("ja", "ようこそ", "ラベルの仕事"),
        ("ja", "ＴＥＡＭ＝ａ", "名前空間"),
        ("en", "scale replicas", "Ask for more"),
    ],
)
def test_the_search_finds_japanese_and_commands(page: Page, site: str, language: str, query: str, found: str) -> None:
    page.goto(f"{site}{language}/talks/")
    page.keyboard.press("/")
    page.fill("#kt-query", query)
    first = page.locator("#kt-results li a").first
    first.wait_for()
    assert found in first.inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}{language}/**#**")


def test_what_is_not_found_is_said(page: Page, site: str) -> None:
    page.goto(f"{site}en/")
    page.keyboard.press("/")
    page.fill("#kt-query", "<b>nothing</b>")
    page.wait_for_function("document.querySelector('.kt-search-status').textContent.includes('Nothing found')")
    assert page.locator(".kt-search-status b").count() == 0


def test_only_commands_are_copied(browser: Browser, site: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{site}en/posts/2026/11/12/quotas/")
    copied = "async (text) => (await navigator.clipboard.readText()) === text"
    page.hover(".kt-term")
    page.locator(".kt-entry .kt-copy").nth(1).click()
    page.wait_for_function(copied, arg="kubectl get pods\n")
    page.locator(".kt-copy-all").click()
    page.wait_for_function(copied, arg="kubectl scale deployment/web --replicas=5\nkubectl get pods\n")
    page.locator(".kt-script summary").click()
    page.locator(".kt-script .kt-copy").click()
    page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).startsWith('#!/usr/bin/env bash\\nkubectl scale')"
    )
    context.close()


def test_a_wide_table_scrolls_by_itself_and_keeps_the_name(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 700, "height": 800})
    page.goto(f"{site}en/posts/2026/11/12/quotas/")
    regions = page.locator(".kt-out")
    page.wait_for_function("!document.querySelector('.kt-out').hasAttribute('tabindex')")
    assert regions.nth(1).get_attribute("tabindex") == "0"
    regions.nth(1).evaluate("e => { e.scrollLeft = 400 }")
    name = page.locator(".kt-name").nth(1).bounding_box()
    region = regions.nth(1).bounding_box()
    assert name
    assert region
    assert abs(name["x"] - region["x"]) < 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("path", ["en/", "ja/talks/labels/", "ja/posts/", "en/posts/2026/11/12/quotas/", ""])
def test_no_page_scrolls_sideways(page: Page, site: str, width: int, path: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_chooser_remembers(page: Page, site: str) -> None:
    page.goto(site)
    page.click("[data-kt-language-choice=ja]")
    page.wait_for_url("**/ja/")
    page.goto(site, wait_until="commit")
    page.wait_for_url("**/ja/")
    page.goto(f"{site}?choose")
    assert page.locator("[data-kt-language-choice]").count() == 2


def test_everything_can_be_read_without_a_script(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}en/talks/labels/")
    assert page.locator(".kt-part").count() == 4
    assert page.get_by_text("team=a").is_visible()
    assert not page.locator("[data-kt-open-search]").is_visible()
    page.goto(f"{site}en/talks/labels/slides/")
    page.click(".kt-no-script a")
    page.wait_for_url(f"{site}en/talks/labels/")
    page.goto(site)
    assert page.get_by_role("link", name="日本語").is_visible()
    context.close()


def test_a_page_opens_from_a_folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("disk")
    write(folder, sample_files())
    sample = render(settings_for(folder))
    for uri, content in sample.outputs.items():
        path = folder / "site" / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    context = browser.new_context()
    page = context.new_page()
    page.goto((folder / "site/en/index.html").as_uri())
    page.get_by_role("link", name="Slides", exact=True).click()
    page.wait_for_selector("html.kt-ready")
    page.keyboard.press("l")
    page.wait_for_url("**/ja/talks/labels/slides/index.html#/slide-1")
    context.close()
