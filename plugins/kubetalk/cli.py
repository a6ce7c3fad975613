"""The `kubetalk` command: parses, calls the pipeline or the sandbox room, prints, and sets the exit code.

Exit codes: 0 all is well, 1 something drifted, 2 it could not be done (wrong use, wrong content, no sandbox).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from kubetalk import __version__, pipeline, reporting
from kubetalk.errors import KubetalkError
from kubetalk.model import Settings, Verdict

P = ParamSpec("P")
R = TypeVar("R")

_FAIL_ON = {"minor": Verdict.DRIFT_MINOR, "major": Verdict.DRIFT_MAJOR}


def _one_line_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Our errors end as one line on standard error and exit code 2; anything else is a bug and keeps its traceback."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except KubetalkError as error:
            click.echo(f"kubetalk: {error}", err=True)
            sys.exit(reporting.EXIT_ERROR)

    return wrapper


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _settings(config_file: Path) -> Settings:
    return pipeline.settings_from_config(config_file)


_config_option = click.option(
    "-f",
    "--config-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("mkdocs.yml"),
    show_default=True,
    help="The site's MkDocs configuration.",
)
_paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
_format_option = click.option(
    "--format",
    "style",
    type=click.Choice(sorted(reporting.FORMATS)),
    default="terminal",
    show_default=True,
    help="How to print the report.",
)
_output_option = click.option(
    "-o",
    "--output",
    type=(click.Choice(sorted(reporting.FORMATS)), click.Path(path_type=Path, dir_okay=False)),
    multiple=True,
    metavar="FORMAT FILE",
    help="Also write the report in that format into a file; may be repeated.",
)
_fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(sorted(_FAIL_ON)),
    default="minor",
    show_default=True,
    help="The least drift that makes the exit code 1.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kubetalk")
def main() -> None:
    """Bilingual Kubernetes talks and posts whose console output is real."""


@main.command()
@_config_option
@_paths_argument
@_format_option
@_output_option
@_fail_on_option
@_one_line_errors
def check(
    config_file: Path,
    paths: tuple[Path, ...],
    style: str,
    output: tuple[tuple[str, Path], ...],
    fail_on: str,
) -> None:
    """Run the live blocks again and say what is no longer as recorded.

    PATHS are documents or folders below docs/; without any, everything is checked. Nothing is written.
    """
    report = pipeline.check_documents(_settings(config_file), paths, progress=_progress)
    _print(report, style, output)
    sys.exit(reporting.exit_code((document.verdict for document in report.documents), _FAIL_ON[fail_on]))


@main.command()
@_config_option
@_paths_argument
@_format_option
@_output_option
@_one_line_errors
def record(config_file: Path, paths: tuple[Path, ...], style: str, output: tuple[tuple[str, Path], ...]) -> None:
    """Run the live blocks and write what changed into recording.yml.

    PATHS are documents or folders below docs/; without any, everything is recorded. Outputs that only differ in
    volatile values (ages, addresses, generated names) keep their bytes.
    """
    report = pipeline.record_documents(_settings(config_file), paths, progress=_progress)
    _print(report, style, output)


@main.command()
@_config_option
@_paths_argument
@_one_line_errors
def plan(config_file: Path, paths: tuple[Path, ...]) -> None:
    """Print what a build would run, and why."""
    for planned in pipeline.plan_documents(_settings(config_file), paths):
        click.echo(f"{planned.action:7} {planned.document_id} ({planned.commands} commands): {planned.reason}")


def _print(report: reporting.Report, style: str, outputs: tuple[tuple[str, Path], ...]) -> None:
    click.echo(reporting.render_report(report, style), nl=False)
    for file_style, path in outputs:
        path.write_text(reporting.render_report(report, file_style), encoding="utf-8")


if __name__ == "__main__":
    main()
