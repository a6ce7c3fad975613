"""What is wrong with the content is told before anything has run for it, all of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mkdocs.exceptions import Abort

from kubetalk.pipeline import building
from tests.site.test_build import EN, JA, with_changes

if TYPE_CHECKING:
    from tests.support.sites import BuildSite

OVERLAY = '\n```diagram id="all"\nnodes:\n  - {id: u, kind: user}\n```\n'


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def perform_all(*_: object, **__: object) -> None:
        pytest.fail("something was run")

    monkeypatch.setattr(building, "perform_all", perform_all)


def errors_of(build_site: BuildSite, caplog: pytest.LogCaptureFixture, **changes: str) -> list[str]:
    caplog.clear()
    with pytest.raises(Abort):
        build_site(with_changes(**changes), expect_warnings=True)
    (error,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    return error.splitlines()


def test_links_and_overlays(build_site: BuildSite, caplog: pytest.LogCaptureFixture) -> None:
    english = EN.replace("# Small talk\n", "# Small talk\n\n[gone](gone.md)\n").replace("\nNote:", f"{OVERLAY}\nNote:")
    english = english.replace("Say hello.", "Say [hello](hello.md).")
    found = errors_of(build_site, caplog, en_md=english, ja_md=JA + OVERLAY)
    assert [line.partition(": ")[0] for line in found] == [
        "docs/talks/small/en.md:3",
        "docs/talks/small/en.md:19",
        "docs/talks/small/en.md:13",
        "docs/talks/small/ja.md:10",
    ]
    assert 'Did you mean "users"?' in found[-1]


@pytest.mark.parametrize(
    ("overlay", "hint"),
    [
        ("nodes: [", "cannot be read"),
        ("edges:\n  - {from: a, to: Service/web}", '"a", which it does not define'),
        ("notes:\n  - {at: Service/web, text: {fr: x}}", 'has no "en"'),
    ],
)
def test_overlays(build_site: BuildSite, caplog: pytest.LogCaptureFixture, overlay: str, hint: str) -> None:
    block = f'\n```diagram id="all"\n{overlay}\n```\n'
    english = EN.replace("\nNote:", f"{block}\nNote:")
    assert hint in errors_of(build_site, caplog, en_md=english, ja_md=JA + block)[0]


def test_a_language_without_texts(build_site: BuildSite, caplog: pytest.LogCaptureFixture) -> None:
    config = "site_name: X\nplugins:\n  - kubetalk:\n      languages: [en, ja, de]\n"
    facts = "title: {en: Small talk, ja: 小さな話}\nlanguages: [en, ja]\n"
    caplog.clear()
    with pytest.raises(Abort):
        build_site({**with_changes(talk_yml=facts), "mkdocs.yml": config}, expect_warnings=True)
    assert "no interface texts for the language `de`" in caplog.text
