"""`densimeter sample MODEL.dm` draws rows from a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densimeter.cli.arguments import LARGEST_SEED, Debug, ModelFile, Quiet
from densimeter.cli.display import progress_bar, warnings_as_notes
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.cli.interrupts import interruptible
from densimeter.cli.outputs import check_rows_out
from densimeter.foundations.files import written_whole
from densimeter.foundations.progress import Progress

if TYPE_CHECKING:
    import numpy as np


def sample(
    model: ModelFile,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write them: .csv, .parquet or .npy.")],
    rows: Annotated[int, typer.Option("--rows", "-n", metavar="N", min=1, help="How many.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of the draws.")] = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw rows from a fitted model: independent, in random order, under the names of its columns."""
    with failures_as_exit_codes(debug), interruptible() as interruption:
        check_rows_out(out, model)
        with progress_bar(quiet) as progress, warnings_as_notes(quiet):
            from densimeter.evaluation.streaming import draw_blocks
            from densimeter.storage import read
            from densimeter.tables.writers import write_rows

            stored = read(model)
            blocks = draw_blocks(stored.estimator, rows, seed)
            with written_whole(out) as draft:
                write_rows(draft, stored.names, _told(blocks, rows, interruption.heeded_by(progress)))
                interruption.check()
        if not quiet:
            typer.echo(f"{rows:,} rows: {out}")


def _told(blocks: Iterator[np.ndarray], n_rows: int, progress: Progress) -> Iterator[np.ndarray]:
    n_drawn = 0
    progress(0, n_rows, "drawing")
    for block in blocks:
        n_drawn += len(block)
        progress(n_drawn, n_rows, f"drew {n_drawn:,} rows")
        yield block
