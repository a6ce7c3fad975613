"""Blocks of a text: one golden per form and per mistake."""

from __future__ import annotations

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.model import Kind
from kubetalk.reading.texts import collect_text
from tests.support.golden import Golden
from tests.unit.reading.conftest import Plain


@pytest.mark.golden("reading/blocks")
def test_blocks(golden: Golden, plain: Plain) -> None:
    errors: list[KubetalkError] = []
    kind = Kind(golden.options.get("kind", "post"))
    text = collect_text(golden.input, "docs/x/en.md", "en", kind=kind, errors=errors)
    golden.check(plain(text.blocks), [str(error) for error in errors])


@pytest.mark.golden("reading/slides")
def test_slides(golden: Golden, plain: Plain) -> None:
    errors: list[KubetalkError] = []
    text = collect_text(golden.input, "docs/x/en.md", "en", kind=Kind.TALK, errors=errors)
    golden.check(plain(text.slides), [str(error) for error in errors])
