"""`kubetalk check`, `diff`, `record`, `plan`, `run`: what is true of the documents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from kubetalk import pipeline, reporting
from kubetalk.cli.common import config_option, load_settings, one_line_errors, progress
from kubetalk.cli.history import changed_since, is_changed_since
from kubetalk.model import RunStep, Settings, Verdict

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
_jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    help="How many documents run at once, each on its own sandbox; fewer if memory is short. Default: `jobs` in the"
    " configuration, else 1.",
)


@click.command()
@config_option
@_paths_argument
@click.option(
    "--since",
    metavar="REF",
    help="Only documents with a file that was changed since that commit, branch or tag of git; all of them if the"
    " configuration was.",
)
@_jobs_option
@_format_option
@_output_option
@_fail_on_option
@one_line_errors
def check(
    config_file: Path,
    paths: tuple[Path, ...],
    since: str | None,
    jobs: int | None,
    style: str,
    output: tuple[tuple[str, Path], ...],
    fail_on: str,
) -> None:
    """Run the live blocks again and say what is no longer as recorded.

    PATHS are documents or folders below docs/; without any, everything is checked. Nothing is written.

    Exit code 0: all as recorded. 1: something drifted, a session failed, or something is not recorded yet. 2: it could
    not be checked.
    """
    settings = load_settings(config_file, jobs)
    changed = _changed(since, settings, config_file) if since else None
    report = pipeline.check_documents(settings, paths, progress=progress, changed=changed)
    if changed is not None and not report.documents:
        progress(f"no document with live blocks was changed since {since}")
    _print(report, style, output)
    _exit(report, fail_on)


def _changed(since: str, settings: Settings, config_file: Path) -> tuple[Path, ...] | None:
    """The files that were changed; None for everything, as layers, sandbox and provider are what every session has."""
    if is_changed_since(since, pipeline.configuration_files(config_file)):
        progress(f"the configuration was changed since {since}: every document is checked")
        return None
    return changed_since(since, settings.docs_dir)


@click.command()
@config_option
@_paths_argument
@_jobs_option
@_fail_on_option
@one_line_errors
def diff(config_file: Path, paths: tuple[Path, ...], jobs: int | None, fail_on: str) -> None:
    """Show the old and the new output of what is no longer as recorded.

    As `check`, but documents whose commands, files and tools have not changed since they ran here are not run again:
    their outputs come from that run. PATHS are documents or folders below docs/. Nothing is written.

    Exit code 0: all as recorded. 1: something drifted, a session failed, or something is not recorded yet. 2: it could
    not be checked.
    """
    report = pipeline.diff_documents(load_settings(config_file, jobs), paths, progress=progress)
    _print(report, "terminal", ())
    _exit(report, fail_on)


@click.command()
@config_option
@_paths_argument
@_jobs_option
@_format_option
@_output_option
@one_line_errors
def record(
    config_file: Path, paths: tuple[Path, ...], jobs: int | None, style: str, output: tuple[tuple[str, Path], ...]
) -> None:
    """Run the live blocks and write what changed into recording.yml.

    PATHS are documents or folders below docs/; without any, everything is recorded. Outputs that only differ in
    volatile values (ages, addresses, generated names) keep their bytes. A document whose session fails keeps its
    recording as it was.

    Exit code 0: all is recorded. 2: something could not be.
    """
    report = pipeline.record_documents(load_settings(config_file, jobs), paths, progress=progress)
    _print(report, style, output)
    if any(document.failure for document in report.documents):
        sys.exit(reporting.EXIT_ERROR)


@click.command()
@config_option
@_paths_argument
@one_line_errors
def plan(config_file: Path, paths: tuple[Path, ...]) -> None:
    """Say what a build would run, and why; runs nothing.

    PATHS are documents or folders below docs/; without any, all are listed.
    """
    for planned in pipeline.plan_documents(load_settings(config_file), paths):
        click.echo(f"{planned.action:7} {planned.document_id} ({planned.commands} commands): {planned.reason}")


@click.command()
@config_option
@click.argument("block")
@_paths_argument
@click.option("-c", "--command", help="Run this instead of an interactive shell.")
@one_line_errors
def run(config_file: Path, block: str, paths: tuple[Path, ...], command: str | None) -> None:
    """Run a session up to BLOCK, then open a shell right there.

    BLOCK is the id of a live block or a diagram; PATHS say which document is meant if several have such a block. The
    shell has the cluster, the working directory, the variables and the functions as the block left them. Nothing is
    recorded. If a command fails before, the shell opens where it failed.

    Exit code: the shell's; 2 if a command failed or there is no such block.
    """
    sys.exit(
        pipeline.run_to_block(
            load_settings(config_file), block, paths, printed=_print_command, progress=progress, command=command
        )
    )


def _print_command(step: RunStep, output: str, status: int) -> None:
    first, *more = step.command.source.split("\n")
    click.secho("\n".join([f"$ {first}", *(f"> {line}" for line in more)]), bold=True)
    click.echo(output, nl=bool(output) and not output.endswith("\n"))
    if status:
        click.secho(f"(exit code {status})", dim=True)


def _exit(report: reporting.Report, fail_on: str) -> NoReturn:
    sys.exit(reporting.exit_code(report, _FAIL_ON[fail_on]))


def _print(report: reporting.Report, style: str, outputs: tuple[tuple[str, Path], ...]) -> None:
    click.echo(reporting.render_report(report, style), nl=False)
    for file_style, path in outputs:
        path.write_text(reporting.render_report(report, file_style), encoding="utf-8")
