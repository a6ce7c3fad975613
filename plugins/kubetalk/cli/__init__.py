"""The `kubetalk` command: parses, calls the pipeline or the sandbox room, prints, and sets the exit code.

Exit codes: 0 all is well, 1 something drifted, 2 it could not be done (wrong use, wrong content, no sandbox),
130 interrupted.
"""

from __future__ import annotations

import click

from kubetalk import __version__
from kubetalk.cli.documents import check, diff, plan, record, run
from kubetalk.cli.sandbox import sandbox
from kubetalk.cli.schema import schema
from kubetalk.cli.site import check_site

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kubetalk")
def main() -> None:
    """Bilingual Kubernetes talks and posts whose console output is real.

    Exit codes: 0 all is well, 1 something drifted, 2 it could not be done, 130 interrupted.
    """


main.add_command(check)
main.add_command(check_site)
main.add_command(diff)
main.add_command(plan)
main.add_command(record)
main.add_command(run)
main.add_command(sandbox)
main.add_command(schema)
