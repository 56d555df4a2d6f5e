"""`densimeter show MODEL.dm` tells what a model file holds."""

from __future__ import annotations

from typing import Annotated

import typer

from densimeter.cli.arguments import Debug, ModelFile
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.cli.outputs import as_json
from densimeter.cli.summaries import print_stored


def show(
    model: ModelFile,
    json_: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Show what a model file holds: the model, its parameters, its columns and where it came from."""
    with failures_as_exit_codes(debug):
        from densimeter.storage import read

        stored = read(model)
        if json_:
            typer.echo(as_json(stored.to_dict()), nl=False)
        else:
            print_stored(stored, model)
