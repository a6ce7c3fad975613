"""``sitemap.xml`` with the same alternates as the pages' hreflang links."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from kubetalk.model import Alternate, Output, Settings

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XHTML = "http://www.w3.org/1999/xhtml"


def sitemap_output(pages: Iterable[Sequence[Alternate]], settings: Settings) -> Output | None:
    """``sitemap.xml``; ``pages`` holds each page once, as the tuple of its language versions.

    None when the site has no address: a sitemap with relative addresses is not valid (sitemaps.org protocol).
    """
    if not settings.site_url:
        return None
    urlset = ET.Element("urlset", {"xmlns": _SITEMAP, "xmlns:xhtml": _XHTML})
    for versions in pages:
        default = next((v for v in versions if v.language == settings.languages[0]), versions[0])
        for version in versions:
            url = ET.SubElement(urlset, "url")
            ET.SubElement(url, "loc").text = settings.site_url + version.path
            links = [(other.language, other.path) for other in versions] + [("x-default", default.path)]
            for language, path in links:
                ET.SubElement(
                    url,
                    "xhtml:link",
                    {"rel": "alternate", "hreflang": language, "href": settings.site_url + path},
                )
    ET.indent(urlset)
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(urlset, encoding="unicode") + "\n"
    return Output(uri="sitemap.xml", content=text)
