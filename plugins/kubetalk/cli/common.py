"""What all commands share: one-line errors, the configuration, progress on standard error."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from kubetalk import pipeline, reporting
from kubetalk.errors import KubetalkError
from kubetalk.model import Settings

_INTERRUPTED = 130

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Our errors end as one line each on standard error and exit code 2; anything else is a bug with its traceback.

    Ctrl-C is exit code 130, as a shell has it: click's own 1 would say that something drifted.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except KubetalkError as error:
            for problem in error.problems:
                click.echo(f"kubetalk: {problem}", err=True)
            sys.exit(reporting.EXIT_ERROR)
        except KeyboardInterrupt:
            click.echo("kubetalk: interrupted; everything that was started has ended", err=True)
            sys.exit(_INTERRUPTED)

    return wrapper


def progress(line: str) -> None:
    """One line of long work, where it does not mix with a report."""
    click.echo(line, err=True)


def load_settings(config_file: Path, jobs: int | None = None) -> Settings:
    """The settings in a mkdocs.yml, with ``--jobs`` in place of its ``jobs``."""
    settings = pipeline.settings_from_config(config_file)
    return dataclasses.replace(settings, jobs=jobs) if jobs else settings


config_option = click.option(
    "-f",
    "--config-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("mkdocs.yml"),
    show_default=True,
    help="The site's MkDocs configuration.",
)
