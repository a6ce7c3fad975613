"""Pages of ours in a real browser, the network cut: decks, reading views, search, copying, light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

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
SENTENCE = f"Error from server (Forbidden): {'this is said at some length, ' * 6}and then it ends.\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve_site: ServeSite) -> str:
    project_dir = tmp_path_factory.mktemp("site")
    write(project_dir, sample_files())
    sample = render(
        settings_for(project_dir),
        {"kubectl get pods": WIDE, "kubectl scale deployment/web --replicas=5": SENTENCE},
    )
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
    page.wait_for_function("Reveal.getCurrentSlide().id === 'namespaces'")
    # The same document with another fragment is not loaded again.
    page.goto(f"{site}en/talks/labels/slides/#/end")
    page.wait_for_function("Reveal.getIndices().h === 3")
    page.wait_for_function("!document.querySelector('.reveal').hasAttribute('role')")


def test_the_language_switch_keeps_the_slide(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("Reveal.getCurrentSlide().id === 'namespaces'")
    page.keyboard.press("l")
    page.wait_for_url("**/ja/talks/labels/slides/#/namespaces")
    page.wait_for_selector("html.kt-ready")
    page.wait_for_function("Reveal.getCurrentSlide().getAttribute('aria-label') === 'スライド 2：名前空間'")
    page.wait_for_function("localStorage.getItem('kt-language') === 'ja'")
    page.wait_for_function("document.querySelector('[data-kt-reading]').href.endsWith('#namespaces')")


def test_every_slide_fits_and_its_type_carries(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_deck(page, f"{site}ja/talks/labels/slides/")
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate("(number) => Reveal.slide(number)", number)
        # A font comes when the first slide that needs it is shown, and the slide is fitted once more.
        page.wait_for_function(
            """(number) => {
              const slide = Reveal.getCurrentSlide();
              const size = (element) => parseFloat(getComputedStyle(element).fontSize);
              const sizes = (what) => [...slide.querySelectorAll(what)].map(size);
              const prose = sizes(".kt-slide-body > p, .kt-slide-body > :is(ul, ol) li");
              return Reveal.getIndices().h === number && document.fonts.status === "loaded"
                && slide.scrollHeight - slide.clientHeight <= 1
                && prose.every((size) => size >= 36) && sizes("pre").every((size) => size >= 26);
            }""",
            arg=number,
        )


def test_the_speaker_view_and_the_other_keys_are_there(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/")
    page.wait_for_function("['notes', 'search', 'zoom'].every((name) => Reveal.hasPlugin(name))")
    page.keyboard.press("?")
    expect(page.locator("#kt-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#kt-help")).to_be_hidden()
    page.keyboard.press("o")
    page.wait_for_function("Reveal.isOverview()")
    expect(page.locator("#kt-help")).to_be_hidden()


def test_a_key_pressed_right_after_the_help_is_not_lost(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/")
    page.keyboard.press("?")
    expect(page.locator("#kt-help")).to_be_visible()
    # Both within one frame: the focus is still in the dialog that has been closed.
    page.evaluate(
        """() => {
          for (const [key, keyCode] of [["Escape", 27], ["o", 79]]) {
            const pressed = new KeyboardEvent("keydown", { key, keyCode, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(pressed);
          }
        }"""
    )
    page.wait_for_function("Reveal.isOverview()")


def test_the_speaker_window_shows_the_notes_and_follows(page: Page, site: str) -> None:
    open_deck(page, f"{site}ja/talks/labels/slides/")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    expect(speaker.locator(".speaker-controls-notes .value")).to_contain_text("ようこそ。")
    speaker.frame_locator("#current-slide iframe").locator("section.present#slide-1").wait_for(state="attached")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("Reveal.getCurrentSlide().id === 'namespaces'")
    speaker.frame_locator("#current-slide iframe").locator("section.present#namespaces").wait_for(state="attached")
    speaker.close()


def test_the_tools_leave_with_the_first_slide_and_come_with_the_pointer(page: Page, site: str) -> None:
    open_deck(page, f"{site}en/talks/labels/slides/")
    tools = page.locator(".kt-deck-tools")
    expect(tools).to_have_css("opacity", "1")
    page.keyboard.press("ArrowRight")
    expect(tools).to_have_css("opacity", "0")
    page.mouse.move(300, 300)
    page.mouse.move(320, 310)
    expect(tools).to_have_css("opacity", "1")


def test_a_phone_gets_the_slides_and_the_way_to_the_reading_view(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_deck(page, f"{site}en/talks/labels/slides/#/namespaces")
    page.wait_for_function("!Reveal.isScrollView() && Reveal.getCurrentSlide().id === 'namespaces'")
    page.locator(".kt-phone-hint a").click()
    page.wait_for_url("**/en/talks/labels/")


def test_printing_gives_one_page_per_slide(page: Page, site: str) -> None:
    page.goto(f"{site}en/talks/labels/slides/?view=print")
    page.wait_for_selector("html.kt-ready")
    expect(page.locator(".pdf-page")).to_have_count(4)
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 4
    expect(page.locator(".pdf-page > section.kt-slide").first).to_have_css("padding-left", "128px")


def test_light_and_dark_are_shared_between_pages_and_decks(page: Page, site: str) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page.goto(f"{site}en/")
    light = page.evaluate(background)
    page.click("[data-kt-theme-toggle]")
    page.wait_for_function(f"(light) => {background} !== light", arg=light)
    dark = page.evaluate(background)
    page.wait_for_function("localStorage.getItem('kt-theme') === 'dark'")
    open_deck(page, f"{site}en/talks/labels/slides/")
    page.wait_for_function(f"(dark) => {background} === dark", arg=dark)
    page.keyboard.press("d")
    page.wait_for_function(f"(light) => {background} === light", arg=light)


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
    expect(page.locator("#kt-results li a").first).to_contain_text(found)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}{language}/**#**")


def test_what_is_not_found_is_said(page: Page, site: str) -> None:
    page.goto(f"{site}en/")
    page.keyboard.press("/")
    page.fill("#kt-query", "<b>nothing</b>")
    expect(page.locator(".kt-search-status")).to_contain_text("Nothing found for “<b>nothing</b>”")
    expect(page.locator(".kt-search-status b")).to_have_count(0)


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
    expect(regions.first).not_to_have_attribute("tabindex", "0")
    expect(regions.nth(1)).to_have_attribute("tabindex", "0")
    regions.nth(1).evaluate("e => { e.scrollLeft = 400 }")
    page.wait_for_function(
        """() => {
          const region = document.querySelectorAll(".kt-out")[1];
          const name = region.querySelectorAll(".kt-name")[1];
          return region.scrollLeft === 400
            && Math.abs(name.getBoundingClientRect().left - region.getBoundingClientRect().left) < 2
            && document.documentElement.scrollWidth <= innerWidth;
        }"""
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_sentence_goes_on_below_itself(page: Page, site: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site}en/posts/2026/11/12/quotas/")
    # Every character is within the region, and what is copied is what was printed.
    page.wait_for_function(
        """(sentence) => {
          const line = [...document.querySelectorAll(".kt-line")].find((x) => x.textContent === sentence);
          const region = line.closest(".kt-out");
          const heightOfOne = parseFloat(getComputedStyle(line).lineHeight);
          return document.fonts.status === "loaded" && region.scrollWidth <= region.clientWidth + 1
            && line.getBoundingClientRect().height > 1.5 * heightOfOne;
        }""",
        arg=SENTENCE,
    )


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("path", ["en/", "ja/talks/labels/", "ja/posts/", "en/posts/2026/11/12/quotas/", ""])
def test_no_page_scrolls_sideways(page: Page, site: str, width: int, path: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site}{path}")
    page.wait_for_function("document.fonts.status === 'loaded' && document.documentElement.scrollWidth <= innerWidth")


def test_the_chooser_remembers(page: Page, site: str) -> None:
    page.goto(site)
    page.click("[data-kt-language-choice=ja]")
    page.wait_for_url("**/ja/")
    page.goto(site, wait_until="commit")
    page.wait_for_url("**/ja/")
    page.goto(f"{site}?choose")
    expect(page.locator("[data-kt-language-choice]")).to_have_count(2)


def test_everything_can_be_read_without_a_script(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}en/talks/labels/")
    expect(page.locator(".kt-part")).to_have_count(4)
    expect(page.get_by_text("team=a")).to_be_visible()
    expect(page.locator("[data-kt-open-search]")).to_be_hidden()
    page.goto(f"{site}en/talks/labels/slides/")
    page.click(".kt-no-script a")
    page.wait_for_url(f"{site}en/talks/labels/")
    page.goto(site)
    expect(page.get_by_role("link", name="日本語")).to_be_visible()
    context.close()


def test_a_page_opens_from_a_folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("disk")
    write(folder, sample_files())
    sample = render(settings_for(folder))
    for uri, content in {**sample.outputs, **search_files(sample)}.items():
        path = folder / "site" / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    context = browser.new_context()
    page = context.new_page()
    page.goto((folder / "site/en/index.html").as_uri())
    page.keyboard.press("/")
    page.fill("#kt-query", "namespaces")
    expect(page.locator("#kt-results li a").first).to_contain_text("Namespaces")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/talks/labels/index.html#namespaces")
    page.goto((folder / "site/en/index.html").as_uri())
    page.get_by_role("link", name="Slides", exact=True).click()
    page.wait_for_selector("html.kt-ready")
    page.keyboard.press("l")
    page.wait_for_url("**/ja/talks/labels/slides/index.html#/slide-1")
    context.close()
