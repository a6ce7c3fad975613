"""The system's Chromium through Playwright, with the network cut: only loopback answers.

Playwright's own browsers are never downloaded. A page that logs an error or asks another origin fails its test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # CI runs as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; where there is none the test is skipped with a remedy, in CI it fails."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    remedy = "no Chromium on PATH: install it (Debian, Ubuntu: apt-get install chromium fonts-noto-cjk)"
    if os.environ.get("CI"):
        pytest.fail(remedy)
    pytest.skip(remedy)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  slow to import, and few tests need it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page_errors() -> list[str]:
    """What went wrong in `page` so far; a test that expects an error checks it and clears the list."""
    return []


@pytest.fixture
def page(browser: Browser, page_errors: list[str]) -> Iterator[Page]:
    """A new page in a context of its own; at the end of the test `page_errors` must be empty."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            page_errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob", "about"} and address.hostname != "127.0.0.1":
            page_errors.append(f"request to another origin: {request.url}")

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    context.on("request", on_request)
    context.on("weberror", lambda error: page_errors.append(f"uncaught: {error.error}"))
    page = context.new_page()
    page.on("console", on_console)
    yield page
    context.close()
    assert page_errors == []
