"""`python -m kubetalk.cli`, for where the console script is not on PATH."""

from kubetalk.cli import main

main(prog_name="kubetalk")
