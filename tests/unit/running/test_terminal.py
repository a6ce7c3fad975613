from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubetalk.running import clean
from kubetalk.running.terminal import SGR, strip_styles


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"a\r\r\nb", "a\nb"),
        (b"10%\r100%\n", "100%\n"),
        (b"longer\rab\n", "abnger\n"),
        (b"longer\r\x1b[Kab\n", "ab\n"),
        (b"longer\x1b[2K\rab\n", "ab\n"),
        (b"abc\x1b[1G-\n", "-bc\n"),
        (b"abc\x1b[2G\x1b[1K\n", "  c\n"),
        (b"ab\x08c\n", "ac\n"),
        (b"\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        (b"\x1b[31mred\x1b[m\rx\n", "x\x1b[31med\x1b[0m\n"),
        (b"\x1b[1mwait\r\x1b[Kdone\x1b[0m\nnext\r\n", "\x1b[1mdone\x1b[0m\nnext\n"),
        (b"\x1b]8;;https://x\x07link\x1b]8;;\x1b\\\n", "link\n"),
        (b"\x1b[2J\x1b[H\x1b[?25lhi\x1b[?25h\x1b(B\n", "hi\n"),
        (b"\x1bPq#0\x1b\\sixel\n", "sixel\n"),
        (b"a\x00b\x07c\x7f\x0c\n", "a␀bc␡␌\n"),
        ("a\u202eb\u2066c\u200fd\n".encode(), "a<U+202E>b<U+2066>c<U+200F>d\n"),
        ("a\u2028b\u0085c\n".encode(), "a<U+2028>b\ufffdc\n"),
        (b"\xff\xfe\n", "\ufffd\ufffd\n"),
        (b"tab\tstays  \n", "tab\tstays  \n"),
        (b"open \x1b[", "open "),
        (b"open \x1b]0;title", "open "),
    ],
)
def test_what_is_seen(data: bytes, text: str) -> None:
    assert clean(data) == text


_PIECES = st.sampled_from(
    [
        b"\x1b",
        b"[",
        b"]",
        b"31m",
        b"0m",
        b"\r",
        b"\n",
        b"\x08",
        b"K",
        b"2K",
        b"5G",
        b"\x07",
        b"a",
        b"\xe2\x80\xae",
        b";",
        b"\\",
    ]
)


@given(st.lists(_PIECES | st.binary(max_size=3), max_size=40).map(b"".join))
def test_harmless_and_stable(data: bytes) -> None:
    text = clean(data)
    assert clean(text.encode()) == text
    bare = strip_styles(text)
    assert "\x1b" not in bare
    assert all(
        character in "\n\t" or character.isprintable() or character in "\xa0\xad\u3000" or ord(character) > 0xFF
        for character in bare
    )
    assert all(SGR.fullmatch(part) for part in SGR.findall(text))


@pytest.mark.parametrize(
    "data",
    [b"\x1b" * 300_000, b"\x1b]" * 200_000, b"\x1b[" * 200_000, b"x\r" * 200_000, b"\x1b[31m\x1b[4%dm\r" * 60_000],
    ids=["escapes", "strings", "sequences", "returns", "colours"],
)
def test_hostile_output_costs_linear_time(data: bytes) -> None:
    started = time.process_time()
    clean(data)
    assert time.process_time() - started < 5
