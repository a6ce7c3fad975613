from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubetalk.errors import ContentError
from kubetalk.rendering.markdown import Converter, markdown_with_placeholders, prepare, with_definitions

if TYPE_CHECKING:
    from tests.unit.rendering.conftest import ReadPost


def convert(source: str, *, is_slide: bool = False) -> str:
    converter = Converter("Link")
    return converter.convert(source, block=lambda n: f"<figure>{n}</figure>", session=str, is_slide=is_slide).html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("一行目\n二行目", "<p>一行目二行目</p>"),
        ("一行目\nLatin", "<p>一行目\nLatin</p>"),
        ("**強調**\n次", "<p><strong>強調</strong>次</p>"),
        ("前\n**強調。**\n次", "<p>前<strong>強調。</strong>次</p>"),
        ("終わり。\n「次」", "<p>終わり。「次」</p>"),
        ("one\ntwo", "<p>one\ntwo</p>"),
        ("`一\n二`", "<p><code>一\n二</code></p>"),
        ("これは**「強調」**です", "<p>これは<strong>「強調」</strong>です</p>"),
        ("한국어\n텍스트", "<p>한국어\n텍스트</p>"),
    ],
)
def test_japanese_lines_and_bold(source: str, html: str) -> None:
    assert convert(source) == html


def test_a_list_may_follow_its_paragraph() -> None:
    assert convert("Text\n- one\n- two") == "<p>Text</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>"


def test_a_list_stays_tight_and_numbers_in_prose_stay_prose() -> None:
    assert prepare("- one\n- two\ntext\n2026. A year") == "- one\n- two\ntext\n2026. A year"


def test_code_is_never_prepared() -> None:
    source = "```\ntext\n- x <!-- .element: a=b -->\n```"
    assert prepare(source) == source


def test_fragments_of_reveal_decks() -> None:
    html = convert('- one <!-- .element: class="fragment" -->\n- two', is_slide=True)
    assert '<li class="fragment">one</li>' in html


@pytest.mark.parametrize(
    "source",
    [
        "- item\n\n    ```kubetalk-block\n    0\n    ```\n",
        "!!! note\n\n    ```kubetalk-block\n    0\n    ```\n",
        '=== "Tab"\n\n    ```kubetalk-block\n    0\n    ```\n',
        "> quote\n\n```kubetalk-block\n0\n```\n",
    ],
)
def test_blocks_stand_wherever_a_fence_may(source: str) -> None:
    assert "<figure>0</figure>" in convert(source)


def test_an_error_of_a_block_is_raised_and_does_not_stick() -> None:
    converter = Converter("Link")

    def fail(_number: int) -> str:
        raise ContentError("no such block")

    with pytest.raises(ContentError, match="no such block"):
        converter.convert("```kubetalk-block\n0\n```", block=fail, session=str)
    assert converter.convert("fine", block=fail, session=str).html == "<p>fine</p>"


def test_headings_get_readable_ids_and_a_contents_list() -> None:
    converter = Converter("Link")
    result = converter.convert("## 仕組み\n\n## A & `b` {#ab}\n\n### Below", block=str, session=str)
    assert [(heading.id, heading.title) for heading in result.headings] == [("仕組み", "仕組み"), ("ab", "A & b")]
    assert result.headings[1].children[0].id == "below"


def test_a_slide_finds_definitions_that_stand_on_another_one() -> None:
    source = with_definitions("[istio][i] and [^1]", {"i": "[i]: https://istio.io", "^1": "[^1]: Note", "x": "[x]: /"})
    html = convert(source, is_slide=True)
    assert '<a href="https://istio.io">istio</a>' in html
    assert "Note" in html
    assert "[x]" not in source


def test_placeholders_keep_the_indentation(read_post: ReadPost) -> None:
    source = 'A list:\n\n- item\n\n    ```console live id="x"\n    $ true\n    ```\n\nEnd\n'
    _, rendition = read_post({"true": ""}, en=source)
    text = rendition.document.texts["en"]
    assert markdown_with_placeholders(text) == ("A list:\n\n- item\n\n    ```kubetalk-block\n    0\n    ```\n\nEnd\n")


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("それは 1 行も", '<p>それは <span class="kt-word">1 行も</span></p>'),
        ("Pod が**変わる**", '<p>Pod<span class="kt-word"> が</span><strong>変わる</strong></p>'),
        ("`x` は残る", '<p><code>x</code><span class="kt-word"> は</span>残る</p>'),
        ("どのバージョンで", '<p>どの<span class="kt-word">バージョン</span>で</p>'),
        (
            "**クラスター**とポッド",
            '<p><strong><span class="kt-word">クラスター</span></strong>と<span class="kt-word">ポッド</span></p>',
        ),
        ("`クラスター`", "<p><code>クラスター</code></p>"),
        ("キロ", "<p>キロ</p>"),
    ],
)
def test_loan_words_on_slides_stay_in_one_piece(source: str, html: str) -> None:
    assert convert(source, is_slide=True) == html
    assert "kt-word" not in convert(source)


def test_a_table_with_an_empty_corner_has_headings_of_rows() -> None:
    source = "| | `a` |\n|---|---|\n| first | 1 |\n| | 2 |\n\n| h | i |\n|---|---|\n| 1 | 2 |\n"
    html = convert(source)
    assert '<th scope="row">first</th>' in html
    assert html.count("<th>") + html.count("<th ") == 4  # `a`, first, h and i
    assert "<td></td>" in html
