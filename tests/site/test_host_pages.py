"""Ordinary pages of somebody else's site: which of them are read, what other plugins did to them, where links lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from mkdocs.structure.files import get_files

from kubetalk.pipeline import settings_from_config
from kubetalk.reading import host_page_paths
from tests.site.test_build import GOOD, RECORDING
from tests.support.sites import DEFAULT_CONFIG, BuildSite

LIVE = '```console live id="get-ns"\n$ kubectl get namespaces\n```\n'
SETUP = {
    "docs/setup.md": f"---\ntags: [x]\n---\n# Setup of {{{{ product }}}}\n\n{LIVE}\nDone.\n",
    "docs/setup.recording.yml": RECORDING.replace("document: small", "document: setup.md"),
}
BROKEN = '```console live idd="x"\n$ kubectl get namespaces\n```\n'


def error_of(build_site: BuildSite, caplog: pytest.LogCaptureFixture, *arguments: Any) -> str:
    caplog.clear()
    with pytest.raises(Abort):
        build_site(*arguments, expect_warnings=True)
    *_, error = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    return error


MACROS = """
import mkdocs.plugins

@mkdocs.plugins.event_priority({priority})
def on_page_markdown(markdown, **kwargs):
    return markdown.replace("{before}", "{after}")
"""


def macros(priority: int, before: str = "{{ product }}", after: str = "istio") -> dict[str, str]:
    text = MACROS.replace("{priority}", str(priority)).replace("{before}", before).replace("{after}", after)
    return {"hooks.py": text}


@pytest.mark.parametrize("priority", [200, 0], ids=["before", "after"])
def test_what_other_plugins_do_to_a_page_stays(build_site: BuildSite, priority: int) -> None:
    html = build_site({**GOOD, **SETUP, **macros(priority)}, {"hooks": ["hooks.py"]}).read("setup/index.html")
    assert "Setup of istio" in html
    assert "{{" not in html
    assert "&lt;b&gt;9s" in html


def test_a_command_is_no_template_of_another_plugin(build_site: BuildSite) -> None:
    template = "kubectl get namespaces -o go-template={{ product }}"
    page = {name: text.replace("kubectl get namespaces", template) for name, text in SETUP.items()}
    html = build_site({**GOOD, **page, **macros(0)}, {"hooks": ["hooks.py"]}).read("setup/index.html")
    assert "Setup of istio" in html
    assert "go-template={{ product }}" in html


def test_a_plugin_that_changes_a_command_first_is_found_out(
    build_site: BuildSite, caplog: pytest.LogCaptureFixture
) -> None:
    files = {**GOOD, **SETUP, **macros(200, "get namespaces", "get pods")}
    line = error_of(build_site, caplog, files, {"hooks": ["hooks.py"]})
    assert line.startswith("docs/setup.md: another plugin has changed the blocks of this page")


def test_a_link_to_a_text_leads_to_its_page(build_site: BuildSite) -> None:
    links = "[talk](talks/small/en.md), [a slide](talks/small/ja.md#look), [by name][x]\n\n[x]: talks/small/ja.md\n"
    index = f"# Mine\n\n{links}"
    site = build_site({**GOOD, "docs/index.md": index, "docs/guide/a.md": "# A\n\n[up](../talks/small/en.md)\n"})
    html = site.read("index.html")
    assert 'href="en/talks/small/"' in html
    assert 'href="ja/talks/small/#look"' in html
    assert 'href="ja/talks/small/"' in html
    assert 'href="../../en/talks/small/"' in site.read("guide/a/index.html")
    assert '<html lang="en"' in site.read("en/talks/small/index.html")
    assert not (site.site_dir / "talks").exists()


def test_a_text_can_stand_in_the_navigation(build_site: BuildSite) -> None:
    nav = {"nav": [{"Start": "index.md"}, {"The talk": "talks/small/en.md"}]}
    html = build_site({**GOOD, "docs/index.md": "# Mine\n"}, nav).read("index.html")
    assert 'href="en/talks/small/"' in html
    assert "The talk" in html


def test_a_link_to_no_text_is_still_told(build_site: BuildSite) -> None:
    site = build_site({**GOOD, "docs/index.md": "[talk](talks/small/fr.md)\n"}, expect_warnings=True)
    (warning,) = site.warnings
    assert "talks/small/fr.md" in warning


def test_pages_are_those_that_mkdocs_publishes(tmp_path: Path) -> None:
    names = """
        index.md README.md guide/README.md guide/a.markdown guide/a.md guide/b.mkd notes.txt c.mkdn d.MD later/x.md
        .hidden/x.md .keep/x.md guide/.draft.md templates/t.md guide/templates/t.md private/x.md private/y.md
        talks/small/en.md pages/index.md posts/x.mdown
    """
    for name in names.split():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# x\n", encoding="utf-8")
    config = tmp_path / "mkdocs.yml"
    exclude = "exclude_docs: |\n  # a comment\n  private/*\n  !private/y.md\n  !.keep/\n"
    config.write_text(
        f"site_name: x\nplugins: [kubetalk]\n{exclude}draft_docs: later/\nnot_in_nav: guide/b.mkd\n", encoding="utf-8"
    )
    loaded = load_config(config_file=str(config))
    pages = get_files(loaded).documentation_pages(inclusion=lambda level: level.is_in_serve())
    folders = ("talks/", "posts/", "pages/")
    published = sorted(page.src_uri for page in pages if not page.src_uri.startswith(folders))
    settings = settings_from_config(config)
    found = [path.relative_to(settings.docs_dir).as_posix() for path in host_page_paths(settings)]
    assert sorted(found) == published
    assert {"private/y.md", ".keep/x.md", "guide/a.md", "guide/templates/t.md", "later/x.md"} <= set(found)


def test_what_is_not_published_is_not_read(build_site: BuildSite) -> None:
    names = [".notes/x.md", "templates/x.md", "private/x.md", "README.md"]
    files = {f"docs/{name}": BROKEN for name in names} | {"docs/index.md": "# Mine\n"}
    site = build_site({**GOOD, **files}, {"exclude_docs": "private/\n/README.md\n"})
    assert not (site.site_dir / "private").exists()


def test_a_page_with_another_ending_is_read(build_site: BuildSite, caplog: pytest.LogCaptureFixture) -> None:
    line = error_of(build_site, caplog, {**GOOD, "docs/setup.markdown": BROKEN})
    assert line.startswith("docs/setup.markdown:1: unknown option `idd` of a live block.")


def test_a_page_that_is_not_utf_8_is_one_line(build_site: BuildSite, caplog: pytest.LogCaptureFixture) -> None:
    line = error_of(build_site, caplog, {**GOOD, "docs/setup.md": "# Über\n".encode("latin-1")})
    assert line == "docs/setup.md:1: byte 0xdc is not UTF-8. Save the file as UTF-8."


def test_a_language_without_interface_texts_is_told_with_its_line(
    build_site: BuildSite, caplog: pytest.LogCaptureFixture
) -> None:
    config = "plugins:\n  - kubetalk:\n      languages: [en, xx]\n"
    line = error_of(build_site, caplog, {"mkdocs.yml": f"site_name: X\n{config}"})
    assert line.startswith("mkdocs.yml:4: kubetalk has no interface texts for the language `xx`")
    inherited = {"mkdocs.yml": "INHERIT: shared/base.yml\nsite_name: X\n", "shared/base.yml": config}
    assert error_of(build_site, caplog, inherited).startswith("shared/base.yml:3: kubetalk has no interface texts")


def test_links_of_the_404_page_hold_below_a_project_path(build_site: BuildSite) -> None:
    site = build_site(GOOD, {**DEFAULT_CONFIG, "site_url": "https://someone.example.org/repo"})
    html = site.read("404.html")
    assert 'href="/repo/' in html
    assert 'href="/en' not in html
    assert 'href="https://someone.example.org/repo/en/talks/small/"' in site.read("en/talks/small/index.html")
