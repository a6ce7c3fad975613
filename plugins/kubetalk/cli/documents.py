"""`kubetalk check`, `record`, `plan`: what is true of the documents."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kubetalk import pipeline, reporting
from kubetalk.cli.common import config_option, load_settings, one_line_errors, progress
from kubetalk.model import Verdict

_FAIL_ON = {"minor": Verdict.DRIFT_MINOR, "major": Verdict.DRIFT_MAJOR}


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


@click.command()
@config_option
@_paths_argument
@_format_option
@_output_option
@_fail_on_option
@one_line_errors
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
    report = pipeline.check_documents(load_settings(config_file), paths, progress=progress)
    _print(report, style, output)
    sys.exit(reporting.exit_code((document.verdict for document in report.documents), _FAIL_ON[fail_on]))


@click.command()
@config_option
@_paths_argument
@_format_option
@_output_option
@one_line_errors
def record(config_file: Path, paths: tuple[Path, ...], style: str, output: tuple[tuple[str, Path], ...]) -> None:
    """Run the live blocks and write what changed into recording.yml.

    PATHS are documents or folders below docs/; without any, everything is recorded. Outputs that only differ in
    volatile values (ages, addresses, generated names) keep their bytes.
    """
    report = pipeline.record_documents(load_settings(config_file), paths, progress=progress)
    _print(report, style, output)


@click.command()
@config_option
@_paths_argument
@one_line_errors
def plan(config_file: Path, paths: tuple[Path, ...]) -> None:
    """Print what a build would run, and why."""
    for planned in pipeline.plan_documents(load_settings(config_file), paths):
        click.echo(f"{planned.action:7} {planned.document_id} ({planned.commands} commands): {planned.reason}")


def _print(report: reporting.Report, style: str, outputs: tuple[tuple[str, Path], ...]) -> None:
    click.echo(reporting.render_report(report, style), nl=False)
    for file_style, path in outputs:
        path.write_text(reporting.render_report(report, file_style), encoding="utf-8")
