"""Documents, recordings and diagrams to HTML: decks, reading views, posts, lists, and single blocks for other pages."""

from kubetalk.rendering.markdown import PLACEHOLDER, custom_fence, markdown_with_placeholders
from kubetalk.rendering.paths import deck_path, document_path, list_path, tag_path, tags_path, uri_of
from kubetalk.rendering.renderer import Renderer
from kubetalk.rendering.strings import Strings, available_languages, load_strings

__all__ = [
    "PLACEHOLDER",
    "Renderer",
    "Strings",
    "available_languages",
    "custom_fence",
    "deck_path",
    "document_path",
    "list_path",
    "load_strings",
    "markdown_with_placeholders",
    "tag_path",
    "tags_path",
    "uri_of",
]
