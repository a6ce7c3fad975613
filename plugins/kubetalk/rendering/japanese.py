"""Japanese set well: no spaces from line breaks of the source, no loan word torn apart on a slide."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from markdown.treeprocessors import Treeprocessor

_CJK = (
    "\u2e80-\u2fff\u3000-\u303f\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff"
)
CJK_BREAK = re.compile(rf"(?<=[{_CJK}])[ \t]*\n[ \t]*(?=[{_CJK}])")
TOGETHER = re.compile(
    "[\u30a1-\u30fa\u30fc]{3,12}"  # a loan word
    "|[0-9]+ [\u4e00-\u9fff\u3041-\u3096\u30a1-\u30fa]{1,2}"  # a number and what it counts
    "|(?:(?<=[A-Za-z0-9])|^) [\u3041-\u3096]"  # a particle after a Latin word or code
)
BOUNDARY = "\ufffc"


class JoinCjkLines(Treeprocessor):
    """Removes a line break between two CJK characters, which a browser would show as a space.

    CSS Text 3 asks browsers for this (segment break transformation); Chromium does not do it.
    """

    OPAQUE = frozenset({"code", "pre", "script", "style"})
    INLINE = frozenset(
        ["a", "abbr", "b", "del", "em", "i", "ins", "mark", "s", "small", "span", "strong", "sub", "sup", "u", "ruby"]
    )

    def run(self, root: ET.Element) -> None:
        """Rewrites texts and tails in place."""
        slots: list[tuple[ET.Element | None, str, str]] = []
        self._collect(root, slots)
        whole = "".join(text for _, _, text in slots)
        gone = [match.span() for match in CJK_BREAK.finditer(whole)]
        if not gone:
            return
        position = 0
        for element, attribute, text in slots:
            end = position + len(text)
            cuts = [(max(a, position) - position, min(b, end) - position) for a, b in gone if a < end and b > position]
            if element is not None and cuts:
                for a, b in reversed(cuts):
                    text = text[:a] + text[b:]  # noqa: PLW2901
                setattr(element, attribute, text)
            position = end

    def _collect(self, element: ET.Element, slots: list[tuple[ET.Element | None, str, str]]) -> None:
        if element.tag in self.OPAQUE:
            slots.append((None, "", BOUNDARY))
            return
        is_inline = element.tag in self.INLINE
        if not is_inline:
            slots.append((None, "", BOUNDARY))
        if element.text:
            slots.append((element, "text", element.text))
        for child in element:
            self._collect(child, slots)
            if child.tail:
                slots.append((child, "tail", child.tail))
        if not is_inline:
            slots.append((None, "", BOUNDARY))


class KeepTogether(Treeprocessor):
    """Keeps a loan word, a number with its counter and a particle with its Latin word on one line of a slide.

    Slides break lines between phrases (``word-break: auto-phrase``), and the model in Chromium 156 sees a phrase end
    inside バージ|ョン; the space that is written after Latin letters is a place to break in any case, so that a line
    could begin with が or end with a lonely 1. Large type makes that hard to overlook.
    """

    def run(self, root: ET.Element) -> None:
        """Wraps these runs in spans, in place."""
        for element in list(root.iter()):
            if element.tag in JoinCjkLines.OPAQUE:
                continue
            if element.text and (pieces := self._wrapped(element.text)):
                element.text = pieces[0]
                element[:0] = pieces[1]
        for parent in list(root.iter()):
            if parent.tag in JoinCjkLines.OPAQUE:
                continue
            for child in list(parent):
                if child.tail and (pieces := self._wrapped(child.tail)):
                    child.tail = pieces[0]
                    position = list(parent).index(child) + 1
                    parent[position:position] = pieces[1]

    def _wrapped(self, text: str) -> tuple[str, list[ET.Element]] | None:
        """The text before the first run, and one span per run with the text up to the next as its tail."""
        runs = list(TOGETHER.finditer(text))
        if not runs:
            return None
        spans: list[ET.Element] = []
        for run, following in zip(runs, [*runs[1:], None], strict=True):
            span = ET.Element("span", {"class": "kt-word"})
            span.text = run[0]
            span.tail = text[run.end() : following.start() if following else len(text)]
            spans.append(span)
        return text[: runs[0].start()], spans
