from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from kubetalk import pipeline
from kubetalk.cli import main
from kubetalk.cli.common import one_line_errors
from kubetalk.cli.history import changed_since, is_changed_since
from kubetalk.errors import ConfigError, ContentError, ManyErrors
from tests.support.fakes import FakeProvider


def commands(group: click.Group, *above: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*above, name))
        if isinstance(command, click.Group):
            found += commands(command, *above, name)
    return found


@pytest.mark.parametrize("path", [(), *commands(main)], ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*path, "--help"])
    assert done.exit_code == 0
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    # The first sentence is what the list of commands shows: whole, in 80 columns.
    short = command.get_short_help_str(68)
    assert short
    assert not short.endswith("...")
    for parameter in command.params:
        is_told = isinstance(parameter, click.Argument) or (isinstance(parameter, click.Option) and parameter.help)
        assert is_told, f"{path} {parameter.name}"


def test_errors_are_one_line_each_and_an_interruption_is_no_drift() -> None:
    @click.command()
    @one_line_errors
    def failing() -> None:
        raise ManyErrors([ContentError("one", where="a.md:1"), ContentError("two", where="b.md:2")])

    @click.command()
    @one_line_errors
    def interrupted() -> None:
        raise KeyboardInterrupt

    done = CliRunner().invoke(failing)
    assert (done.exit_code, done.stderr) == (2, "kubetalk: a.md:1: one\nkubetalk: b.md:2: two\n")
    assert CliRunner().invoke(interrupted).exit_code == 130


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two files in docs/ on a branch; the tag `talk` is its first commit."""
    folder = tmp_path / "repository"
    (folder / "docs/a").mkdir(parents=True)
    for name in ("docs/a/en.md", "docs/a/gone.yaml", "docs/b.md", "README.md", ".gitignore"):
        (folder / name).write_text("*.tmp\n", encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    git(folder, "tag", "talk")
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "t@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who},
        check=True,
        timeout=30,
    )


def test_changed_since_names_edited_added_removed_and_untracked_files(repository: Path) -> None:
    docs = repository / "docs"
    assert changed_since("talk", docs) == ()
    (docs / "b.md").write_text("other\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "-a", "-m", "two")
    (docs / "a/gone.yaml").unlink()
    (docs / "a/日本.yaml").write_text("new\n", encoding="utf-8")
    (docs / "a/x.tmp").write_text("ignored\n", encoding="utf-8")
    (repository / "README.md").write_text("not below docs\n", encoding="utf-8")
    assert changed_since("talk", docs) == (docs / "a/gone.yaml", docs / "a/日本.yaml", docs / "b.md")


def test_what_others_changed_meanwhile_does_not_count(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "mine")
    git(repository, "checkout", "--quiet", "main")
    (repository / "docs/b.md").write_text("theirs\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "-a", "-m", "theirs")
    git(repository, "checkout", "--quiet", "mine")
    assert changed_since("main", repository / "docs") == ()


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", ""])
def test_a_commit_that_is_not_here_is_an_error(repository: Path, ref: str) -> None:
    with pytest.raises(ConfigError, match="--since: git cannot say what was changed"):
        changed_since(ref, repository / "docs")
    assert not (repository / "docs/x").exists()


def test_a_folder_without_a_repository_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConfigError, match="git cannot say"):
        changed_since("main", tmp_path)


def test_a_changed_configuration_is_told_from_other_files(repository: Path) -> None:
    config = repository / "mkdocs.yml"
    config.write_text("INHERIT: base/common.yml\nsite_name: X\n", encoding="utf-8")
    (repository / "base").mkdir()
    (repository / "base/common.yml").write_text("INHERIT: '../mkdocs.yml'\n", encoding="utf-8")
    files = pipeline.configuration_files(config)
    assert files == (config, repository / "base/common.yml")
    assert is_changed_since("talk", files)  # untracked
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "two")
    assert not is_changed_since("HEAD", files)
    (repository / "docs/b.md").write_text("other\n", encoding="utf-8")
    assert not is_changed_since("HEAD", files)
    (repository / "base/common.yml").write_text("theme: {}\n", encoding="utf-8")
    assert is_changed_since("HEAD", files)
    assert pipeline.configuration_files(repository / "none.yml") == ()


PLAIN = "# A page\n\n```console live\n$ kubectl get {}\n```\n"


def test_a_check_since_covers_everything_once_the_configuration_was_changed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = FakeProvider()
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: provider)
    for name in ("a", "b"):
        folder = repository / "docs/pages" / name
        folder.mkdir(parents=True)
        (folder / "page.yml").write_text("title: X\n", encoding="utf-8")
        (folder / "en.md").write_text(PLAIN.format(name), encoding="utf-8")
    for old in ("docs/a/en.md", "docs/b.md"):
        (repository / old).unlink()
    config = repository / "mkdocs.yml"
    config.write_text("site_name: X\nplugins:\n  - kubetalk:\n      languages: [en]\n", encoding="utf-8")
    given = ["-f", str(config)]
    assert CliRunner().invoke(main, ["record", *given]).exit_code == 0
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "recorded")
    done = CliRunner().invoke(main, ["check", "--since", "HEAD", *given])
    assert (done.exit_code, done.stdout) == (0, "0 fresh\n")
    assert done.stderr == "no document with live blocks was changed since HEAD\n"
    (repository / "docs/pages/b/en.md").write_text(PLAIN.format("b") + "\nWords.\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["check", "--since", "HEAD", *given]).stdout.endswith("1 fresh\n")
    config.write_text(config.read_text(encoding="utf-8") + "      jobs: 1\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["check", "--since", "HEAD", *given])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "2 fresh")
    assert "the configuration was changed since HEAD: every document is checked" in done.stderr


@pytest.mark.parametrize(("name", "required"), [("talk", ["title"]), ("post", ["title", "date"]), ("page", ["title"])])
def test_the_schema_of_a_document_is_printed_for_editors(name: str, required: list[str]) -> None:
    done = CliRunner().invoke(main, ["schema", name])
    assert done.exit_code == 0
    published = json.loads(done.stdout)
    assert published["title"] == f"kubetalk {name}.yml"
    assert published["required"] == required
    assert ("events" in published["properties"]) == (name == "talk")


def test_the_schema_of_tags_knows_ids_and_labels() -> None:
    published = json.loads(CliRunner().invoke(main, ["schema", "tags"]).stdout)
    assert re.search(published["propertyNames"]["pattern"], "service-mesh")
    assert not re.search(published["propertyNames"]["pattern"], "Service Mesh")
    assert [rule["type"] for rule in published["additionalProperties"]["oneOf"]] == ["string", "object"]


def test_a_schema_that_does_not_exist_is_refused() -> None:
    done = CliRunner().invoke(main, ["schema", "host_page"])
    assert done.exit_code == 2
    assert "'talk', 'post', 'page', 'tags'" in done.stderr
