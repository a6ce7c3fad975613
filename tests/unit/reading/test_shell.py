"""The completeness scanner: a table of forms, and bash itself as the judge of random commands."""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubetalk.reading.shell import Shell, simple_commands

COMPLETE = [
    "echo a#b $# ${#x} ${x#y} # ' \" ` (",
    "a=(1 'b)' 2) && echo ${a[@]}",
    "echo $((1 << 2)) $(( (1+2)*3 )) ${x:-'}'}",
    "case $x in a|b) echo x;; (c) echo y;& *) ;; esac",
    "echo $(case a in a) echo b;; esac)",
    "[[ $x =~ ^(a|b)$ && ! ( -f y ) ]]; echo '['",
    "for ((i=0; i<3; i++)); do echo $i; done > out",
    "while read -r x; do echo $x; done <<< 'a b'",
    "f() { echo } ; }; g () ( echo )",
    "function f { if true; then echo fi; fi; }",
    'echo "$(echo "$(echo \'a"b\')")"',
    "echo `echo \\`date\\`` $'it\\'s' \"it's\"",
    "kubectl get po -o jsonpath='{.items[*].metadata.name}' | tr ' ' '\\n'",
    "kubectl get po -o jsonpath={.items[*].metadata.name}",
    "cat <<EOF\n$(unclosed 'quote\nEOF",
    "cat <<-'E F' | sh && echo x # <<Z\n\tbody\n\tE F",
    "cat <<A <<B\na\nA\nb\nB",
    "{ cat <<EOF\nx\nEOF\n}",
    'echo "$(cat <<EOF\nit\'s\nEOF\n)"',
    "cat <<EOF\na\\\\\nEOF",
    "diff <(echo a) <(echo b) 2>&1 &",
    "echo done if then { }",
    "ls @(a|b) !(c)",
    "X=1 if=2 echo",
    "foo \\\n  bar",
    "true; ! false && time echo",
]

INCOMPLETE = [
    ("foo \\", "the backslash at the end of the line", 0),
    ("foo |", "the pipe or list operator at the end of the line", 0),
    ("foo &&\n# c", "the pipe or list operator at the end of the line", 1),
    ("echo 'a\nb", "the quote `'`", 0),
    ('x\necho "$(date) ', 'the quote `"`', 1),
    ("echo $(date", "the parenthesis `(`", 0),
    ("echo $((1+2", "the parenthesis `((`", 0),
    ("echo ${x", "the brace `${`", 0),
    ("echo `date", "the backquote", 0),
    ("a=(1", "the parenthesis `(`", 0),
    ("{ echo", "the brace `{`", 0),
    ("f() {", "the brace `{`", 0),
    ("f()", "the function", 0),
    ("if true; then\n echo", "`if` (it needs `fi`)", 0),
    ("for i in 1 2; do", "the loop (it needs `done`)", 0),
    ("case x in\na) b;;", "`case` (it needs `esac`)", 0),
    ("[[ -f x", "the test `[[`", 0),
    ("cat <<EOF", "the heredoc `<<EOF`", 0),
    ("cat <<EOF\n EOF", "the heredoc `<<EOF`", 0),
    ("echo\ncat <<'E'\nE \nX", "the heredoc `<<E`", 1),
    ("cat <<EOF\nbody \\\nEOF", "the heredoc `<<EOF`", 0),
    ("cat <<A <<B\na\nA", "the heredoc `<<B`", 0),
]


def missing(text: str) -> tuple[str, int] | None:
    shell = Shell()
    for line in text.split("\n"):
        shell.feed(line)
    return shell.missing


@pytest.mark.parametrize("text", COMPLETE)
def test_complete(text: str) -> None:
    assert missing(text) is None


@pytest.mark.parametrize("text", COMPLETE)
def test_complete_only_at_the_end(text: str) -> None:
    lines = text.split("\n")
    if len(lines) > 1:
        assert missing(lines[0]) is not None


@pytest.mark.parametrize(("text", "what", "line"), INCOMPLETE)
def test_incomplete(text: str, what: str, line: int) -> None:
    assert missing(text) == (what, line)


def test_simple_commands_lose_quotes_redirections_and_keywords() -> None:
    source = "X='1 2' kubectl -n \"a b\" get pods 2>/dev/null | grep -c x && if [ -f y ]; then echo $(helm ls); fi &"
    found = [(" ".join(item.words), item.assignments, item.piped, item.background) for item in simple_commands(source)]
    assert found == [
        ("kubectl -n a b get pods", ("X=1 2",), False, False),
        ("grep -c x", (), True, False),
        ("[ -f y ]", (), False, True),
        ("helm ls", (), False, True),
        ("echo $()", (), False, True),
    ]


WORDS = st.sampled_from(
    [
        "a",
        "--flag=x",
        "'b (c'",
        '"d $(e) `f`"',
        "$(g | h)",
        "${i:-j}",
        "$((1<<2))",
        "x#y",
        "done",
        "{}",
        "$'k\\'l'",
        "\\(",
    ]
)


def command(depth: int) -> st.SearchStrategy[str]:
    simple = st.lists(WORDS, max_size=3).map(lambda words: " ".join(["echo", *words]))
    if depth == 0:
        return simple
    inner = command(depth - 1)
    end = st.sampled_from(["; ", "\n", " ;\n"])
    return st.one_of(
        simple,
        st.builds("{}{}{}".format, inner, st.sampled_from([" | ", " &&\n", " || ", "; ", "\n", " & "]), inner),
        st.builds("if {0}{1}then {2}{1}else {2}{1}fi".format, inner, end, inner),
        st.builds("for i in a 'b c'{0}do {1}{0}done".format, end, inner),
        st.builds("case a in a|b) {};;{}(c) {}\nesac".format, inner, st.sampled_from([" ", "\n"]), inner),
        st.builds("({})".format, inner),
        st.builds("{{ {}{}}}".format, inner, end),
        st.builds("f() {{ {}{}}}".format, inner, end),
        st.builds('echo "$({})"'.format, inner),
        st.builds("cat <<{0}\nit's $(\n{1}\n{2}".format, st.just("EOF"), st.just("EOF"), inner),
        st.builds("{{ cat <<-'E' | sh # c\n$ x\n\tE\n{}{}}}".format, inner, end),
    )


def bash_says(text: str) -> bool | None:
    """Whether bash finds the text complete; None for a text it refuses for another reason."""
    result = subprocess.run(
        ["bash", "-n"], input=f"{text}\n".encode(), capture_output=True, timeout=20, check=False, env={"LC_ALL": "C"}
    )
    told = result.stderr.decode(errors="replace")
    if "conditional" in told:
        return None
    if re.search("unexpected EOF|unexpected end of file|delimited by end-of-file", told):
        return False
    return True if result.returncode == 0 else None


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is the judge")
@settings(max_examples=150)
@given(command(3), st.integers(0, 10_000))
def test_agrees_with_bash(text: str, cut: int) -> None:
    part = text[: cut % (len(text) + 1)] if cut % 3 else text
    verdict = bash_says(part)
    assume(verdict is not None and part.strip())
    found = missing(part)
    if found and "backslash" in found[0]:
        return  # bash -n does not see it, which is why there is a scanner
    assert (found is None) == verdict


@given(st.text(st.sampled_from("ab \n\\'\"`$(){}<>|&;#[]=!?*@EO"), max_size=200))
def test_never_fails(text: str) -> None:
    missing(text)
    simple_commands(text)


@pytest.mark.parametrize(
    "piece",
    ["(", "$(", "${", "`", "'", '"', "$((", "[[ ", "if ", "case x in a) ", "a=(", "@(", "<<E ", "f() ", '"${', "\\"],
)
def test_linear(piece: str, request: pytest.FixtureRequest) -> None:
    def once(text: str) -> float:
        started = time.process_time()
        missing(text)
        return time.process_time() - started

    def seconds(count: int) -> float:
        return min(once(piece * count) for _ in range(3))

    # To look through everything that pytest holds takes longer than what is measured here.
    gc.disable()
    request.addfinalizer(gc.enable)
    # Quadratic behaviour would make it 100 times as much; 40 leaves room for a busy machine.
    assert seconds(10_000) < 40 * max(seconds(1_000), 0.005)
