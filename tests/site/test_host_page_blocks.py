"""Ordinary pages of MkDocs that hold blocks of ours: in their own language, and as honest as the documents."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from tests.site.test_build import GOOD, RECORDING

if TYPE_CHECKING:
    from tests.support.sites import BuildSite

FENCE = '# Setup\n\n```console live id="get-ns"\n$ kubectl get namespaces\n```\n'
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_a_page_says_where_its_outputs_are_from(build_site: BuildSite) -> None:
    recording = RECORDING.replace("document: small", "document: setup.md")
    html = build_site({"docs/setup.md": FENCE, "docs/setup.recording.yml": recording, **GOOD}).read("setup/index.html")
    panel = html.index('id="kt-provenance"')
    assert html.index("kubectl get namespaces") < panel < html.index("</article>")
    assert "This build shows that recording and did not run it again." in html[panel:]
    assert "data-kt-script" in html[panel:]


def test_a_page_in_another_language_is_one(build_site: BuildSite) -> None:
    recording = RECORDING.replace("document: small", "document: ja/setup.md")
    files = {"docs/ja/setup.md": FENCE, "docs/ja/setup.recording.yml": recording, "docs/other.md": "# Other\n", **GOOD}
    site = build_site(files)
    html = site.read("ja/setup/index.html")
    assert "このページの出力について" in html
    assert "Copy all" not in html  # nor does the script write that on its buttons
    urls = ET.fromstring(site.read("sitemap.xml")).iter(f"{SITEMAP}url")  # noqa: S314 -- our own file
    languages = {url.findtext(f"{SITEMAP}loc"): [link.get("hreflang") for link in url if "link" in link.tag] for url in urls}
    assert languages["https://example.org/ja/setup/"] == ["ja", "x-default"]
    assert languages["https://example.org/other/"] == ["en", "x-default"]
