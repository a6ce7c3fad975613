from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from kubetalk.cli import main
from kubetalk.cli.common import one_line_errors
from kubetalk.cli.history import changed_since
from kubetalk.errors import ConfigError, ContentError, ManyErrors


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
