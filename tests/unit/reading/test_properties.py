"""What holds for every text: printing is the inverse of reading, nothing crashes, time is linear."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubetalk.errors import KubetalkError
from kubetalk.model import Block, BlockOptions, Kind, Location, Match, OutputMode, Text
from kubetalk.reading import print_block
from kubetalk.reading.options import Form, OptionError, form_of, quote, read_info
from kubetalk.reading.texts import collect_text

LINES = [
    "$ kubectl get ns",
    "% helm ls",
    "# kubectl get pods",
    "# Prose, not a command",
    "$ kubectl get ns # kubetalk: hide",
    "$ echo a \\",
    "$ cat <<EOF",
    "$ cat <<-'E' | sh",
    "EOF",
    "\tE",
    "> EOF",
    "> x",
    ">",
    "$ echo 'a",
    "b'",
    "$ if true; then",
    "fi",
    "  indented",
    "NAME   READY",
    "$5.00",
    "",
    "---",
    "....",
    "\\",
    "日本語 出力",
]
OPTIONS = [
    'id="a"', "hide", 'output="fold"', 'columns="NAME,AGE"', "head=3", 'exit="2"', 'timeout="1m30s"', 'within="0.5s"',
    'until="a\\"b\\\\d"', 'match="regex"', "tty", 'ignore="IP"', 'prompt="#"', 'prompt="[a@b ~]$"', 'until="x"',
    'stable="3"', 'symbol="run"',
]  # fmt: skip
PREFIXES = st.sampled_from(["", "    ", "> ", "  "])


@st.composite
def live_texts(draw: st.DrawFn) -> str:
    prefix = draw(PREFIXES)
    before = ["- item", ""] if prefix == "    " else ["text", ""]
    words = draw(st.lists(st.sampled_from(OPTIONS), max_size=4, unique=True))
    heads = ["console live", 'console recorded="2018-11-17" reason="gone"', "diagram", 'yaml file="a.yaml"']
    head = draw(st.sampled_from(heads))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=12))
    mark = draw(st.sampled_from(["```", "~~~", "`````"]))
    body = [prefix + line for line in [" ".join([mark + head, *words]), *lines, mark]]
    return "\n".join([*before, *body]) + "\n"


def read(source: str, kind: Kind = Kind.POST) -> tuple[Text, list[KubetalkError]]:
    errors: list[KubetalkError] = []
    return collect_text(source, "x.md", "en", kind=kind, errors=errors), errors


def reread(block: Block, source: str) -> Block:
    lines = source.split("\n")
    fence = block.fence
    lines[fence.location.line - 1 : fence.end_line] = print_block(block).split("\n")
    return next(item for item in read("\n".join(lines))[0].blocks if item.fence.location == fence.location)


@given(live_texts())
def test_printing_is_the_inverse_of_reading(source: str) -> None:
    text, _ = read(source)
    for block in text.blocks:
        assert reread(block, source) == block


def test_printing_keeps_every_option() -> None:
    options = (
        "hide output=hide columns=A,B head=1 tail=2 exit=3 timeout=2h within=1.25s stable=2 match=none ignore=A,B tty "
        'until="a\\\\."'
    )
    source = f'```console live id="x" {options}\n$ kubectl get ns\n```\n'
    block = read(source)[0].blocks[0]
    assert block.fence.options == BlockOptions(
        True, OutputMode.HIDE, ("A", "B"), 1, 2, 3, 7200.0, "a\\.", 1.25, 2, Match.NONE, ("A", "B"), True  # noqa: FBT003
    )  # fmt: skip
    assert reread(block, source) == block


@given(st.text(max_size=40))
def test_quoted_values_come_back(value: str) -> None:
    if "\n" in value or "\r" in value or not value.strip():
        return
    info = f'console recorded="2018-11-17" reason={quote(value)}'
    assert form_of(info) is Form.HISTORIC
    assert read_info(info, Form.HISTORIC).values["reason"] == value


@given(st.text(st.sampled_from("ab=\"'\\{}.# \t`~live"), max_size=60))
def test_info_strings_never_crash(info: str) -> None:
    for form in Form:
        with contextlib.suppress(OptionError):
            assert read_info(info, form).form is form


PIECES = st.sampled_from(
    [
        "```", "````", "~~~", "```console live", "```yaml file=a", "```diagram", "- ", "1. ", "> ", "    ", "\t",
        "<!--", "-->", "---", "Note:", "$ a", "$ cat <<E", "E", "# H {#x}", "===", "<!-- .slide: a=b -->", "`", "**b**",
        "\u2028", "\x00", "あ", "\n", "\n\n", " ",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join), st.sampled_from(list(Kind)))
def test_texts_never_crash(source: str, kind: Kind) -> None:
    text, errors = read(source, kind)
    lines = text.source.count("\n") + 1
    for error in errors:
        number = error.where.rpartition(":")[2]
        assert error.where == "x.md" or 1 <= int(number) <= lines
    for block in text.blocks:
        assert 1 <= block.fence.location.line < block.fence.end_line <= lines
    numbers = [(slide.first_line, slide.last_line) for slide in text.slides]
    assert numbers == sorted(numbers)
    assert isinstance(Location("x", 1), Location)


@pytest.mark.parametrize(
    "piece",
    [
        "```\n",
        "- a\n",
        "<!--",
        "<!--\n",
        "---\n",
        "<!-- .slide: a",
        "x <!--\n",
        "`",
        "> ```\n",
        "# [",
        "# *a",
        "$ a\n",
        "{#",
    ],
)
@pytest.mark.parametrize("start", ["", "```console live\n$ a\n", "# "])
def test_linear(piece: str, start: str) -> None:
    def seconds(count: int) -> float:
        source = start + piece * count
        started = time.process_time()
        read(source, Kind.TALK)
        return time.process_time() - started

    seconds(100)
    # Quadratic behaviour would make the second one 100 times the first.
    assert seconds(10_000) < 40 * max(seconds(1_000), 0.005)
