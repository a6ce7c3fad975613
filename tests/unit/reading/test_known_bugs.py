r"""What other readers of console blocks were measured to get wrong, each with a test here that passes.

- markdown-exec 1.12.6: the prompt shown again is the last line's first two characters (`NAecho hi`):
  `test_the_prompt_is_the_one_that_was_written`. Continuation and heredoc lines are dropped:
  `test_no_line_of_a_command_is_dropped`. All output comes after all commands, with the last one's status:
  `test_output_between_commands_belongs_to_the_one_before_it`; that they really run so: running/test_session.py.
- istio.io snip.py: a `$` line after an output lands in the expected text, a heredoc ends at EOF only: the same tests.
- clitest and its like, Pygments on consoles: a prose comment, `$5.00`, `> ` after a heredoc, a prompt with no space:
  `test_what_only_looks_like_a_command_is_none`.
- `bash -n` says 0 to `foo \` and to an open heredoc: `INCOMPLETE` in test_shell.py.
- istio's `_verify_like`, similarities and line diffs: comparing/test_measured_failures.py, and beside each other on the
  same changes `scripts/bench mutations`.
"""

from __future__ import annotations

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.model import Command, Kind, LiveBlock
from kubetalk.reading.texts import collect_text


def commands(body: str) -> tuple[Command, ...]:
    errors: list[KubetalkError] = []
    text = collect_text(f'```console live id="a"\n{body}\n```\n', "en.md", "en", kind=Kind.POST, errors=errors)
    assert errors == []
    (block,) = text.blocks
    assert isinstance(block, LiveBlock)
    return block.commands


def test_the_prompt_is_the_one_that_was_written() -> None:
    one, other = commands("$ echo hi\nhi\n$ kubectl get ns\nNAME   STATUS\ndefault   Active")
    assert (one.prompt, one.shown) == ("$", ("$ echo hi",))
    assert (other.prompt, other.shown) == ("$", ("$ kubectl get ns",))


@pytest.mark.parametrize(
    ("body", "source"),
    [
        ("$ echo a \\\n    b", "echo a \\\n    b"),
        ("$ echo a \\\n> b", "echo a \\\nb"),
        ("$ cat <<END\nx $y\nEND", "cat <<END\nx $y\nEND"),
        ("$ cat <<-'E F'\n\tx\n\tE F", "cat <<-'E F'\n\tx\n\tE F"),
        ("$ cat <<EOF\n> x\n> EOF", "cat <<EOF\nx\nEOF"),
    ],
)
def test_no_line_of_a_command_is_dropped(body: str, source: str) -> None:
    (command,) = commands(f"{body}\nprinted")
    assert command.source == source
    assert command.expectation == "printed"


def test_output_between_commands_belongs_to_the_one_before_it() -> None:
    found = commands("$ false; echo one\none\n$ echo two\ntwo\n$ true")
    assert [(command.source, command.expectation) for command in found] == [
        ("false; echo one", "one"), ("echo two", "two"), ("true", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", ["$5.00", "$HOME is set", "#hash", "%d of %s", ">quoted", "> quoted", "# Install Istio’s core components"]
)
def test_what_only_looks_like_a_command_is_none(line: str) -> None:
    found = commands(f"$ cat <<EOF\nx\nEOF\nbefore\n{line}\nafter\n$ echo end")
    assert [command.source for command in found] == ["cat <<EOF\nx\nEOF", "echo end"]
    kept = (found[0].expectation or "").split("\n") + [comment for command in found for comment in command.comments]
    assert line in kept
