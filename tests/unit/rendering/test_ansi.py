from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubetalk.model import BlockOptions
from kubetalk.rendering.ansi import plain, safe, safe_plain, styled_lines, to_html
from kubetalk.rendering.terminal import view_output


def html_of(text: str) -> str:
    return "\n".join(to_html(line) for line in styled_lines(text))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m x", '<span class="kt-fg1">red</span> x'),
        ("\x1b[1;92mok\x1b[22mthin", '<span class="kt-bold kt-fg10">ok</span><span class="kt-fg10">thin</span>'),
        ("\x1b[38;5;196mx", '<span class="kt-fg9">x</span>'),
        ("\x1b[38;5;232mx", '<span class="kt-fg0">x</span>'),
        ("\x1b[48;2;0;200;0mx\x1b[49my", '<span class="kt-bg2">x</span>y'),
        ("\x1b[33ma\nb\x1b[mc", '<span class="kt-fg3">a</span>\n<span class="kt-fg3">b</span>c'),
        ("\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("\x1b[2J\x1b[1;1Hx\x1b[K", "x"),
        ("\x1b[", ""),
        ("<script>&\"'", "&lt;script&gt;&amp;&quot;&#x27;"),
        ("a\u202eb", 'a<span class="kt-ctl">U+202E</span>b'),
        ("a\x00\x08b", 'a<span class="kt-ctl">U+0000</span><span class="kt-ctl">U+0008</span>b'),
        ("\u200bx\ufeff", '<span class="kt-ctl">U+200B</span>x<span class="kt-ctl">U+FEFF</span>'),
        ("家族👨\u200d👩", "家族👨\u200d👩"),
        ("a\r\nb\n", "a\nb"),
    ],
)
def test_terminal_text(text: str, html: str) -> None:
    assert html_of(text) == html


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))


ALLOWED = {"kt-bold", "kt-dim", "kt-italic", "kt-under", "kt-inverse", "kt-strike", "kt-ctl", "kt-row", "kt-head"}
ALLOWED |= {"kt-name", "kt-name-long", "kt-line", "kt-tabbed", "kt-dense"} | {
    f"kt-{kind}{index}" for kind in ("fg", "bg") for index in range(16)
}

hostile = st.text(
    alphabet=st.one_of(
        st.sampled_from(list("<>&\"'=/ \n\tAaNAME0;:[]m\x1b\x9b\x07\x00\u202e\u2066\u200b\u2028")),
        st.characters(),
    )
)


@given(hostile)
@example('\x1b[31m<img src=x onerror="alert(1)">\x1b[0m')
@example("NAME   A\n<script>   b\n")
@example("\x1b[38;2;1m\x1b[38m\x1b[38;5m\x1b[38;5;999mx")
@example("\x1b[99999999999999999999mx")
def test_nothing_of_an_output_becomes_markup_or_control(text: str) -> None:
    view = view_output(text, BlockOptions(columns=("NAME",), head=2, tail=1))
    for html in [*(part.html for part in view.parts), view.full]:
        reader = Tags()
        reader.feed(str(html))
        for tag, attributes in reader.seen:
            assert tag == "span"
            names = [name for name, _ in attributes]
            assert names in (["class"], ["class", "style"])
            assert names == ["class"] or re.fullmatch(r"--kt-in:\d", attributes[1][1] or "")
            assert set((attributes[0][1] or "").split()) <= ALLOWED
        loose = [char for char in str(html) if char not in "\n\t\u200d"]
        assert not [char for char in loose if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_harmless_text_is_shown_as_it_is(text: str) -> None:
    assert "\n".join(plain(line) for line in styled_lines(text)) == text
    assert safe_plain(text) == text


def test_safe_text_is_quick_for_plain_ascii() -> None:
    assert safe("a < b") == "a &lt; b"
