"""This repository's own site, as it lies in its folder: nothing leads nowhere, and the command that says so works."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from kubetalk.cli import main
from tests.support.sites import ROOT, BuildSite

POST = "en/posts/2026/11/12/quota-says-no/index.html"


def check_site(*arguments: str | Path, project: Path = ROOT) -> Result:
    return CliRunner().invoke(main, ["check-site", "-f", str(project / "mkdocs.yml"), *map(str, arguments)])


def test_nothing_on_this_site_is_wrong(docs_site: Path) -> None:
    done = check_site(docs_site)
    assert (done.output, done.exit_code) == ("nothing found\n", 0)


def test_what_is_wrong_is_found_in_the_midst_of_it(docs_site: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(docs_site, site)
    wrong = '<a href="/en/typo/">x</a><a href="../../../../../live-blocks/#nowhere">y</a><i id="kt"></i><i id="kt"></i>'
    text = (site / POST).read_text(encoding="utf-8")
    (site / POST).write_text(text.replace("</main>", wrong + "</main>", 1), encoding="utf-8")
    (site / "ja/sandbox/index.html").unlink()
    done = check_site(site)
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert [line for line in lines if line.startswith(POST)] == [
        f"{POST}: error: the link ../../../../../live-blocks/#nowhere names a place that en/live-blocks/index.html does "
        "not have  (dead-fragment)",
        f"{POST}: error: the link /en/typo/ leads to en/typo/index.html, which does not exist  (dead-link)",
        f'{POST}: error: id="kt" stands 2 times. Give one of them another id  (duplicate-id)',
    ]
    assert any(line.startswith("en/sandbox/index.html: ") and line.endswith("(hreflang)") for line in lines)
    found = json.loads(check_site(site, "--format", "json").output)
    assert len(found) == len(lines) - 1
    assert {finding["rule"] for finding in found} == {"dead-link", "dead-fragment", "duplicate-id", "hreflang"}


def test_the_pages_of_mkdocs_itself_are_checked_too(build_site: BuildSite) -> None:
    files = {
        "docs/index.md": "# Home\n\n[Guide](guide.md#steps)\n",
        "docs/guide.md": "# Guide\n\n## Steps\n\n```console live\n$ true\n```\n",
        "docs/guide.recording.yml": (
            "version: 1\ndocument: guide.md\nprovenance:\n  verified: 2026-11-20T09:30:00Z\n  provider: embedded\n"
            "  simulated: true\n  versions: {}\nblocks:\n  - id: 'true'\n    commands:\n      - command: 'true'\n"
            "        exit: 0\n        output: ''\n"
        ),
    }
    site = build_site(files, {"theme": {"name": "material", "font": False}})
    done = check_site(project=site.project_dir)
    assert (done.output, done.exit_code) == ("nothing found\n", 0)


def test_without_a_site_there_is_nothing_to_check(tmp_path: Path) -> None:
    done = check_site(tmp_path)
    assert (done.exit_code, done.stderr) == (
        2,
        f"kubetalk: there is no site in {tmp_path}. Build it first with `mkdocs build`, or name its folder\n",
    )
