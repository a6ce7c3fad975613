from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubetalk.model import BlockOptions
from kubetalk.rendering.plaintext import plain_text
from kubetalk.rendering.tables import find_tables
from kubetalk.rendering.terminal import view_output

PODS = """\
NAMESPACE     NAME                      READY   STATUS    RESTARTS      AGE   NOMINATED NODE
kube-system   coredns-1                 1/1     Running   1 (5m ago)    10m   <none>
default       web-7c9d8b6f5d-x2x8k      0/1     Pending   0             10s   <none>
"""
HELM = "REVISION\tUPDATED                 \tSTATUS    \n1       \tSun Nov 22 21:14:05 2026\tsuperseded\n"


def text_of(text: str, **options: object) -> str:
    view = view_output(text, BlockOptions(**options))  # type: ignore[arg-type]  # the case's own options
    return "".join(plain_lines(str(part.html)) for part in view.parts)


def plain_lines(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_headers_with_spaces_and_cells_with_spaces() -> None:
    (table,) = find_tables(tuple(PODS.splitlines()))
    assert table.headers == ("NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "NOMINATED NODE")
    line = PODS.splitlines()[1]
    assert [line[a:b].strip() for a, b in table.cells(line)][4] == "1 (5m ago)"


def test_several_tables_in_one_output() -> None:
    text = "NAME    READY\npod/a   1/1\n\nNAME    TYPE\nsvc/a   ClusterIP\n"
    assert [(t.first, t.last) for t in find_tables(tuple(text.splitlines()))] == [(0, 1), (3, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "NAME: addons\nSTATUS: deployed\n",
        "NAME    READY\n",
        "Name:   web\nLabels:  a=b\n",
        "",
        "KEY VALUE\na b\n",
        "ONE   TWO\nno column begins here\n",
    ],
)
def test_what_is_no_table(text: str) -> None:
    assert find_tables(tuple(text.splitlines())) == ()


def test_columns_keep_order_and_text() -> None:
    assert text_of(PODS, columns=("STATUS", "NAME")).splitlines() == [
        "NAME                      STATUS    ",
        "coredns-1                 Running   ",
        "web-7c9d8b6f5d-x2x8k      Pending   ",
    ]


def test_columns_of_a_helm_table_keep_their_tabs() -> None:
    assert text_of(HELM, columns=("REVISION", "STATUS")) == "REVISION\tSTATUS    \n1       \tsuperseded\n"


def test_a_column_that_is_not_there_leaves_the_table_whole() -> None:
    view = view_output(PODS, BlockOptions(columns=("PORTS",)))
    assert view.columns == ()
    assert view.full == ""


def test_the_name_is_pinned_together_with_its_namespace() -> None:
    html = str(view_output(PODS, BlockOptions()).parts[0].html)
    assert '<span class="kt-name kt-name-long">kube-system   coredns-1                 </span>1/1' in html


@pytest.mark.parametrize(
    ("head", "tail", "parts"),
    [
        (2, 0, [(2, False), (8, True)]),
        (0, 3, [(7, True), (3, False)]),
        (2, 3, [(2, False), (5, True), (3, False)]),
        (9, 0, [(10, False)]),  # hiding one line gains nothing
        (20, 0, [(10, False)]),
        (0, 0, [(10, False)]),
    ],
)
def test_elision(head: int, tail: int, parts: list[tuple[int, bool]]) -> None:
    text = "".join(f"line {n}\n" for n in range(10))
    view = view_output(text, BlockOptions(head=head, tail=tail))
    assert [(part.lines, part.elided) for part in view.parts] == parts
    assert "".join(str(part.html) for part in view.parts) == text


def test_width_counts_full_width_characters_twice() -> None:
    assert view_output("日本\nabc\n", BlockOptions()).width == 4


@given(st.lists(st.text(alphabet=st.sampled_from("ABc1 \t<>"), max_size=30), max_size=6))
def test_nothing_is_lost_whatever_looks_like_a_table(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    view = view_output(text, BlockOptions())
    shown = "".join(plain_lines(str(part.html)) for part in view.parts)
    assert shown.rstrip() == text.rstrip()  # blank lines at the end are left out
    assert plain_text(str(view.full)) == ""


SENTENCE = "Error from server: admission webhook denied the request, and this goes on for a while"


@pytest.mark.parametrize(
    ("line", "css"),
    [
        (SENTENCE, "kt-line"),
        (f"    {SENTENCE}", "kt-line"),
        (f"\t* {SENTENCE}", "kt-line kt-tabbed"),
        ("x" * 200, "kt-line"),
        ("a sentence that is short", None),
        ("Labels:              app.kubernetes.io/name=web", None),  # columns without a header
        ("one cell\tand another one after a tab in it", None),
    ],
)
def test_a_long_sentence_may_wrap_and_what_stands_in_columns_may_not(line: str, css: str | None) -> None:
    html = str(view_output(f"{line}\n", BlockOptions()).parts[0].html)
    assert (match[1] if (match := re.match('<span class="(kt-line[^"]*)"', html)) else None) == css
    assert plain_lines(html) == f"{line}\n"


def test_the_room_of_a_sentence_is_counted_in_lines() -> None:
    view = view_output(f"NAME   READY\nweb    2/2\n\n{'word ' * 50}\n", BlockOptions())
    assert (view.width, view.shown_lines) == (84, 3 + 3)
    table = view_output(f"NAME   {'A' * 120}\nweb    b\n", BlockOptions())
    assert (table.width, table.shown_lines) == (127, 2)
