"""`densimeter score MODEL.dm DATA` gives each row its log-density."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densimeter.cli.arguments import (
    LARGEST_SEED,
    Confidence,
    Data,
    Debug,
    ModelFile,
    NaValues,
    Quiet,
    names_in,
    numbers_in,
    table_called,
)
from densimeter.cli.display import progress_bar, warnings_as_notes
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.cli.interrupts import interruptible
from densimeter.cli.outputs import check_rows_out
from densimeter.cli.summaries import print_scores
from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.files import written_whole
from densimeter.foundations.progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from densimeter.evaluation.streaming import ScoreSummary
    from densimeter.storage import StoredModel

COLUMN = "log_density"
"""What the column of results is called."""


def score(
    model: ModelFile,
    data: Data,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write the log-densities: .parquet, .csv or .npy."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="The columns, in the model's order; by default found by name."),
    ] = None,
    missing: Annotated[
        str,
        typer.Option(
            metavar="error|drop", help="Rows with missing or infinite cells: refuse, or leave unscored."
        ),
    ] = "error",
    na_values: NaValues = None,
    confidence: Confidence = 0.95,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Of the rows of a synthetic built-in table.")
    ] = 1,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Score the rows of a table of any length by a fitted model.

    Prints the mean log-density, nats per row, with its interval, and with --out writes that of each row, in
    the order of the rows. A row left unscored is an empty cell in a CSV file and a null in a Parquet file.
    """
    with failures_as_exit_codes(debug), interruptible() as interruption:
        check_number("confidence", confidence, above=0, below=1)
        choose("missing", missing, {"error": True, "drop": False})
        check_rows_out(out, model, Path(data))
        with progress_bar(quiet) as progress, warnings_as_notes(quiet), ExitStack() as outputs:
            from densimeter.storage import read
            from densimeter.tables.writers import write_rows

            stored = read(model)
            scores = _Scores(
                stored,
                data,
                names_in(columns),
                missing == "error",
                numbers_in("--na-values", na_values),
                seed,
            )
            blocks = scores.blocks(interruption.heeded_by(progress))
            if out is None:
                for _ in blocks:
                    pass
            else:
                write_rows(outputs.enter_context(written_whole(out)), [COLUMN], blocks)
            interruption.check()
            mean = scores.summary.interval(confidence, stored.log_normalizer)
        print_scores(data, scores.summary, mean, out)


class _Scores:
    """The scores of a table, block by block, and what they amount to so far."""

    def __init__(
        self,
        stored: StoredModel,
        data: str,
        columns: Sequence[str] | None,
        missing_is_error: bool,
        na_values: Sequence[float],
        seed: int,
    ):
        from densimeter.evaluation.streaming import ScoreSummary

        self.stored, self.table = stored, table_called(data, seed, to_fit=False)
        self.columns = columns or stored.columns
        self.missing_is_error, self.na_values = missing_is_error, na_values
        self.summary: ScoreSummary = ScoreSummary()

    def blocks(self, progress: Progress) -> Iterator[np.ndarray]:
        """Scores of each block ``(n, 1)``, NaN for rows without one."""
        from densimeter.evaluation.streaming import ScoreSummary, score_blocks
        from densimeter.tables.batches import stream_rows

        estimator = self.stored.estimator
        rows = stream_rows(self.table, self.columns, estimator.n_features_in_, self.na_values)
        names = self.columns or self.stored.names
        progress(0, 0, "scoring")
        for scores in score_blocks(estimator, rows, names, self.missing_is_error):
            self.summary = self.summary.merge(ScoreSummary.of(scores))
            n_rows = self.summary.n_scored + self.summary.n_missing
            progress(n_rows, 0, f"scored {n_rows:,} rows")
            yield scores[:, None]
