"""`kubetalk check-site`: what is wrong with the built site."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kubetalk import pipeline, reporting
from kubetalk.cli.common import config_option, load_settings, one_line_errors


@click.command("check-site")
@config_option
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--format",
    "style",
    type=click.Choice(reporting.FINDING_FORMATS),
    default="terminal",
    show_default=True,
    help="How to print what was found.",
)
@one_line_errors
def check_site(config_file: Path, folder: Path | None, style: str) -> None:
    """Find dead links and their like in the built site.

    FOLDER is where the site is, by default the site_dir of the configuration; it has to be built already. Errors are
    links and fragments that lead nowhere, ids given twice, and pages in the wrong language; other rules only warn.

    Exit code 0: no errors. 1: there are some. 2: there is no site.
    """
    settings = load_settings(config_file)
    findings = pipeline.check_built_site(settings, folder or settings.site_dir)
    click.echo(reporting.render_findings(findings, style), nl=False)
    sys.exit(reporting.findings_exit_code(findings))
