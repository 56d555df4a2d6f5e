"""The `densimeter` command and its sub-commands."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from densimeter._version import __version__
from densimeter.cli.compare import compare
from densimeter.cli.failures import INTERRUPTED, UsageError, tell_usage
from densimeter.cli.fit import fit
from densimeter.cli.interrupts import leave_at_once
from densimeter.cli.sample import sample
from densimeter.cli.score import score
from densimeter.cli.show import show
from densimeter.cli.tour import tour

app = typer.Typer(
    help="What distribution did these rows come from, and which model of it should I believe?",
    add_completion=False,
    rich_markup_mode="markdown",  # paragraphs are wrapped as a whole, not line by line
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"densimeter {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself; typer shows the application's own help in place of this line."""


for command in (compare, fit, score, sample, show, tour):
    app.command()(command)


def run() -> None:
    """The entry point of the installed command; without arguments it shows its help."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign still gets the numbers
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="densimeter", standalone_mode=False)
    except UsageError as error:
        code = tell_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        leave_at_once(code)
    sys.exit(code)
