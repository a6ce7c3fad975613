"""What spans pages: lists, tags, feeds, search, sitemap, redirects. Pure functions from entries to outputs."""

from kubetalk.indexing.entries import list_entries, reading_minutes, tag_entries
from kubetalk.indexing.feeds import feed_outputs
from kubetalk.indexing.redirects import redirect_targets, redirect_uri
from kubetalk.indexing.search import search_output
from kubetalk.indexing.sitemap import sitemap_output

__all__ = [
    "feed_outputs",
    "list_entries",
    "reading_minutes",
    "redirect_targets",
    "redirect_uri",
    "search_output",
    "sitemap_output",
    "tag_entries",
]
