"""One file per kind of output: two fresh runs of one command, and changes that have to be told, each with its grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubetalk.comparing import Canonical, Names, canonical, differences
from kubetalk.model import Verdict

if TYPE_CHECKING:
    from tests.support.golden import Golden


@pytest.mark.golden("comparing")
def test_goldens(golden: Golden) -> None:
    """`source` names the code that prints it; `second` with one text replaced is a mutation."""
    case = golden.input
    forms = {side: _form(case, side, case[side], case.get("exit_code", 0)) for side in ("first", "second")}
    told = []
    for mutation in case["mutations"]:
        changed = case["second"]
        for old, new in mutation["replace"]:
            assert old in changed, f"{mutation['what']}: {old!r} is not in the output"
            changed = changed.replace(old, new)
        form = _form(case, "second", changed, mutation.get("exit_code", case.get("exit_code", 0)))
        found = differences(forms["second"], form)
        grade = "major" if any(difference.verdict is Verdict.DRIFT_MAJOR for difference in found) else "minor"
        assert found, f"not told: {mutation['what']}"
        assert grade == mutation["grade"], mutation["what"]
        told.append({mutation["what"]: [f"{difference.verdict}: {difference.message}" for difference in found]})
    assert [difference.message for difference in differences(forms["first"], forms["second"])] == []
    assert forms["first"] == forms["second"]
    assert _form(case, "first", str(forms["first"]), case.get("exit_code", 0)) == forms["first"]
    golden.check({"canonical": str(forms["first"]), "mutations": told})


def _form(case: dict[str, Any], side: str, output: str, exit_code: int) -> Canonical:
    names = Names()
    for earlier in case.get("earlier", []):
        canonical(earlier["command"], earlier[side], names=names)
    return canonical(case["command"], output, exit_code=exit_code, names=names)
