"""One Atom feed (RFC 4287) and one JSON Feed (1.1) per language, own title and ids, nothing listed twice."""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from kubetalk.model import Entry, Kind, Output, Settings

_ATOM = "http://www.w3.org/2005/Atom"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NEWEST = 50


def feed_outputs(entries: Sequence[Entry], settings: Settings, language: str) -> tuple[Output, ...]:
    """``<language>/feed.xml`` and ``<language>/feed.json``; none when the site has no address to name.

    Untranslated documents are left out: they are in the feed of the language they are written in.
    """
    if not settings.site_url:
        return ()
    items = tuple(
        entry
        for entry in entries
        if entry.kind in (Kind.TALK, Kind.POST) and entry.date and entry.text_language == language
    )[:_NEWEST]
    return (
        Output(uri=f"{language}/feed.xml", content=_atom(items, settings, language)),
        Output(uri=f"{language}/feed.json", content=_json(items, settings, language)),
    )


def _atom(items: Sequence[Entry], settings: Settings, language: str) -> str:
    home = f"{settings.site_url}{language}/"
    feed = ET.Element("feed", {"xmlns": _ATOM, _XML_LANG: language})
    _add(feed, "id", home)
    _add(feed, "title", _site_name(settings, language))
    if subtitle := settings.site_description.get(language):
        _add(feed, "subtitle", subtitle)
    _add(feed, "updated", _moment(max((item.date for item in items if item.date), default=dt.date(1970, 1, 1))))
    ET.SubElement(feed, "link", {"href": home})
    ET.SubElement(feed, "link", {"rel": "self", "href": f"{home}feed.xml"})
    author = ET.SubElement(feed, "author")
    _add(author, "name", settings.author or _site_name(settings, language))
    for item in items:
        entry = ET.SubElement(feed, "entry")
        address = settings.site_url + item.path
        _add(entry, "id", address)
        _add(entry, "title", item.title)
        _add(entry, "updated", _moment(item.date))
        _add(entry, "published", _moment(item.date))
        ET.SubElement(entry, "link", {"href": address})
        for tag in item.tags:
            ET.SubElement(entry, "category", {"term": tag})
        _add(entry, "summary", item.description or item.title)
    ET.indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def _json(items: Sequence[Entry], settings: Settings, language: str) -> str:
    home = f"{settings.site_url}{language}/"
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _site_name(settings, language),
        "home_page_url": home,
        "feed_url": f"{home}feed.json",
        "language": language,
        "items": [
            {
                "id": settings.site_url + item.path,
                "url": settings.site_url + item.path,
                "title": item.title,
                "summary": item.description or item.title,
                "content_text": item.description or item.title,
                "date_published": _moment(item.date),
                "tags": list(item.tags),
                "language": item.text_language,
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=2) + "\n"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


def _moment(date: dt.date | None) -> str:
    """RFC 3339; an author gives a day, so midnight UTC of that day stands for it."""
    return f"{date or dt.date(1970, 1, 1)}T00:00:00Z"


def _site_name(settings: Settings, language: str) -> str:
    return settings.site_name.get(language) or next(iter(settings.site_name.values()), "")
