"""Markdown to HTML with Python-Markdown and pymdown-extensions, special blocks included wherever a fence may stand.

A special fence becomes a fence ``kubetalk-block`` that holds the block's number, and a custom fence of SuperFences puts
the block's HTML there. So blocks inside lists, admonitions and tabs work, here and in the pages of the host site.
`pymdownx.betterem` is left out on purpose: it breaks Japanese bold (commonmark-spec#650 has the reason).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

import markdown
from pymdownx.slugs import slugify

from kubetalk.errors import KubetalkError
from kubetalk.rendering.japanese import JoinCjkLines, KeepTogether
from kubetalk.rendering.semantics import TableHeads

if TYPE_CHECKING:
    from kubetalk.model import Text

PLACEHOLDER = "kubetalk-block"
"""Language of the fences that stand for special blocks."""
SESSION_LANGUAGES = ("console", "shell-session", "sh-session")
"""Ordinary fences with these languages are shown as terminal sessions too, by our own tokenising."""

FenceFormatter = Callable[..., str]

FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,})")
DEFINITION = re.compile(r"^ {0,3}\[(?P<label>[^\]]+)\]:\s*\S")
BULLET = re.compile(r"^([-*+]|\d{1,9}[.)])\s+\S")
SLIDE_COMMENT = re.compile(r"<!--\s*\.slide:.*?-->", re.DOTALL)
ELEMENT_COMMENT = re.compile(r"[ \t]*<!--\s*\.element:\s*(?P<attributes>.*?)\s*-->")


@dataclass(frozen=True, slots=True)
class Heading:
    """One entry of a table of contents."""

    id: str
    title: str
    """Plain text, unescaped."""
    children: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Converted:
    """What a Markdown text became."""

    html: str
    headings: tuple[Heading, ...]


class Converter:
    """Python-Markdown, set up once and used for many texts; not safe for threads."""

    def __init__(self, permalink_title: str) -> None:
        self._format_block: Callable[[int], str] = lambda _number: ""
        self._format_session: Callable[[str], str] = lambda _source: ""
        self._failure: KubetalkError | None = None
        self._slides = self._make(with_ids=False, permalink_title=permalink_title)
        self._pages = self._make(with_ids=True, permalink_title=permalink_title)

    def convert(
        self,
        source: str,
        *,
        block: Callable[[int], str],
        session: Callable[[str], str],
        is_slide: bool = False,
    ) -> Converted:
        """Converts a source with placeholders.

        ``block`` gives the HTML of a special block, ``session`` that of an ordinary terminal fence. A slide's headings
        get no ids of their own.

        Raises whatever KubetalkError ``block`` raises.
        """
        engine = self._slides if is_slide else self._pages
        self._format_block, self._format_session, self._failure = block, session, None
        engine.reset()
        html = engine.convert(prepare(source))
        if self._failure is not None:
            raise self._failure
        return Converted(html, headings_of(getattr(engine, "toc_tokens", [])))

    def _make(self, *, with_ids: bool, permalink_title: str) -> markdown.Markdown:
        extensions = [
            "abbr",
            "admonition",
            "attr_list",
            "def_list",
            "footnotes",
            "md_in_html",
            "sane_lists",
            "tables",
            "pymdownx.details",
            "pymdownx.highlight",
            "pymdownx.superfences",
            "pymdownx.tabbed",
            "pymdownx.tasklist",
            *(["toc"] if with_ids else []),
        ]
        engine = markdown.Markdown(
            extensions=extensions,
            extension_configs={
                "footnotes": {"UNIQUE_IDS": True},
                "pymdownx.highlight": {"pygments_lang_class": True},
                "pymdownx.superfences": {
                    "custom_fences": [
                        custom_fence(self._block),
                        *({"name": name, "class": "kt-session", "format": self._session} for name in SESSION_LANGUAGES),
                    ]
                },
                "pymdownx.tabbed": {"alternate_style": True},
                "toc": {
                    "slugify": slugify(case="lower"),
                    "permalink": "#",
                    "permalink_class": "kt-anchor",
                    "permalink_title": permalink_title,
                }
                if with_ids
                else {},
            },
        )
        engine.treeprocessors.register(JoinCjkLines(engine), "kubetalk-cjk", 15)  # after inline patterns (20)
        if not with_ids:
            engine.treeprocessors.register(KeepTogether(engine), "kubetalk-together", 14)
        engine.treeprocessors.register(TableHeads(engine), "kubetalk-table-heads", 13)
        return engine

    def _block(self, number: int) -> str:
        try:
            return self._format_block(number)
        except KubetalkError as error:
            # SuperFences swallows exceptions of formatters; convert() raises it again.
            self._failure = self._failure or error
            return ""

    def _session(self, source: str, *_args: Any, **_options: Any) -> str:
        return self._format_session(source)


def custom_fence(block_html: Callable[[int], str]) -> dict[str, Any]:
    """The entry for SuperFences' ``custom_fences`` that puts special blocks into a page, a host's own included."""

    def formatter(source: str, *_args: Any, **_options: Any) -> str:
        return block_html(int(source))

    return {"name": PLACEHOLDER, "class": PLACEHOLDER, "format": formatter}


def markdown_with_placeholders(text: Text, first_line: int = 1, last_line: int | None = None) -> str:
    """The lines of a text, each special fence replaced by a ``kubetalk-block`` fence with the block's index.

    Lines are 1-based and inclusive. The indentation of the fence is kept, so that it stays in its list or tab.
    """
    lines = text.source.split("\n")
    last_line = len(lines) if last_line is None else last_line
    result: list[str] = []
    position = first_line
    for number, block in enumerate(text.blocks):
        fence = block.fence
        if not first_line <= fence.location.line <= last_line:
            continue
        result += lines[position - 1 : fence.location.line - 1]
        result += [f"{fence.indent}```{PLACEHOLDER}", f"{fence.indent}{number}", f"{fence.indent}```"]
        position = fence.end_line + 1
    result += lines[position - 1 : last_line]
    return "\n".join(result)


def definitions(source: str) -> dict[str, str]:
    """The link and footnote definitions of a whole text, label to line: a slide may use one that stands later."""
    return {
        match["label"]: line
        for line, in_code in code_flags(source)
        if not in_code and (match := DEFINITION.match(line))
    }


def with_definitions(source: str, known: dict[str, str]) -> str:
    """A slide's source with the definitions it uses and does not hold itself."""
    own = definitions(source)
    folded = source.casefold()
    missing = [line for label, line in known.items() if label not in own and f"[{label.casefold()}]" in folded]
    return source + "\n\n" + "\n".join(missing) if missing else source


def prepare(source: str) -> str:
    """Small differences between Markdown on a code forge or in reveal.js and Python-Markdown, evened out.

    A list may follow its paragraph without a blank line (CommonMark 5.2), ``<!-- .element: … -->`` becomes an attribute
    list, and ``<!-- .slide: … -->`` has been read already.
    """
    source = SLIDE_COMMENT.sub("", source)
    result: list[str] = []
    in_paragraph = False
    for line, in_code in code_flags(source):
        if in_code:
            in_paragraph = False
            result.append(line)
            continue
        is_bullet = BULLET.match(line) and (not line[0].isdigit() or line.startswith(("1.", "1)")))
        if is_bullet and in_paragraph:
            result.append("")
        in_paragraph = bool(line.strip()) and not is_bullet and (in_paragraph or starts_paragraph(line, result))
        if match := ELEMENT_COMMENT.search(line):
            text, rest = line[: match.start()], line[match.end() :]
            joint = " " if text.startswith("#") else "\n"
            line = f"{text}{joint}{{: {match['attributes']} }}{rest}"  # noqa: PLW2901
        result.append(line)
    return "\n".join(result)


def starts_paragraph(line: str, before: list[str]) -> bool:
    """Whether a line that is not blank begins a paragraph: no indent, heading, quote, table, admonition or HTML."""
    follows_blank = not before or not before[-1].strip() or before[-1].lstrip().startswith(("#", "```", "~~~"))
    return follows_blank and not line.startswith((" ", "\t", "#", ">", "|", "<", "!!!", "???", "===", ":", "["))


def code_flags(source: str) -> list[tuple[str, bool]]:
    """Each line with whether it belongs to a fenced code block, its fences included."""
    result: list[tuple[str, bool]] = []
    fence = ""
    for line in source.split("\n"):
        match = FENCE.match(line)
        if fence:
            result.append((line, True))
            if match and match["fence"].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif match:
            fence = match["fence"]
            result.append((line, True))
        else:
            result.append((line, False))
    return result


def headings_of(tokens: list[dict[str, Any]]) -> tuple[Heading, ...]:
    """Python-Markdown's ``toc_tokens`` as headings."""
    return tuple(
        Heading(token["id"], unescaped(token["data-toc-label"] or token["name"]), headings_of(token["children"]))
        for token in tokens
    )


def unescaped(text: str) -> str:
    """Plain text of a token's name, which is HTML with entities."""
    return unescape(re.sub(r"<[^>]+>", "", text))
