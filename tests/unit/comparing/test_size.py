"""Long outputs: what is told of a change among thousands of lines, and that the work stays in proportion."""

from __future__ import annotations

import random

import pytest

from kubetalk import comparing
from kubetalk.comparing import changed_lines
from kubetalk.model import Difference

RANDOM, HASH = "bcdfghjklmnpqrstvwxz2456789", "456789bcdf"


def pods(number: int, run: int) -> list[str]:
    fixed, chance = random.Random(0), random.Random(run)  # noqa: S311 - names, no secrets
    workloads = [f"app{index}-" + "".join(fixed.choices(HASH, k=10)) for index in range(number // 10)]
    rows = ["NAME                         READY   STATUS    RESTARTS   AGE"]
    for index in range(number):
        name = f"{workloads[index // 10]}-" + "".join(chance.choices(RANDOM, k=5))
        rows.append(f"{name:<29}1/1     Running   0          {chance.randrange(2, 60)}s")
    return rows


def changes(command: str, old: list[str], new: list[str]) -> tuple[Difference, ...]:
    return comparing.differences(*[comparing.canonical(command, "\n".join(side)) for side in (old, new)])


def test_in_a_long_table_exactly_what_changed_is_told() -> None:
    old, new = pods(3000, 1), pods(3000, 2)
    assert changes("kubectl get pods", old, new) == ()
    changed = [*new[:1500], new[1500].replace("Running", "Evicted"), *new[1501:]]
    assert [d.message for d in changes("kubectl get pods", old, changed)] == ["STATUS of app149: Running -> Evicted"]
    assert [d.message for d in changes("kubectl get pods", old, new[:1500] + new[1501:])] == ["row gone: app149"]
    moved = [new[0], new[-1], *new[1:-1]]
    assert changes("kubectl get pods", old, moved) == ()
    assert len(changes("kubectl get pods --sort-by=.metadata.name", old, moved)) == 1


def test_every_column_of_a_row_that_widened_is_read_as_before() -> None:
    old, new = pods(30, 1), pods(30, 2)
    new[7] = new[7].replace("0          ", "1 (5m ago) ")
    assert [d.message for d in changes("kubectl get pods", old, new)] == ["RESTARTS of app0: 0 -> 1 (5m ago)"]


@pytest.mark.parametrize("period", ["bac", "cba", "aab"])
def test_lines_that_repeat_do_not_take_forever(period: str) -> None:
    """Without its shortcut difflib needs minutes for these, and hours for twice as many."""
    old, new = list("ab" * 1000), list(period * 666)
    found = changes("cat letters.txt", old, new)
    assert found
    assert not any(told in {f"line: {letter} -> {letter}" for letter in "abc"} for told in (d.message for d in found))


def test_the_shortcut_is_for_repeating_lines_only() -> None:
    assert not changed_lines._is_repetitive([str(n) for n in range(2000)], [str(n) for n in range(2000)])
    assert changed_lines._is_repetitive(["a", "b"] * 1000, ["b", "a", "c"] * 666)


def test_yaml_that_holds_itself_is_text() -> None:
    command = "kubectl get deploy web -o yaml"
    form = comparing.canonical(command, "kind: List\nitems: &self\n- *self\n")
    assert "*self" in str(form)
    assert comparing.canonical(command, "a: &a {b: 1}\nc: {<<: *a, d: 2}\n") == comparing.canonical(
        command, "a: {b: 1}\nc: {b: 1, d: 2}\n"
    )
