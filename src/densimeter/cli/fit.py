"""`densimeter fit DATA` fits one model and keeps it in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from densimeter.cli.arguments import (
    LARGEST_SEED,
    Confidence,
    Data,
    Debug,
    NaValues,
    Quiet,
    Redundant,
    Text,
    names_in,
    numbers_in,
    table_called,
)
from densimeter.cli.display import print_note, progress_bar
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.cli.interrupts import interruptible
from densimeter.cli.outputs import check_outputs
from densimeter.cli.summaries import print_fit

if TYPE_CHECKING:
    from densimeter.evaluation.single import SingleFit


def fit(
    data: Data,
    model: Annotated[str, typer.Option(metavar="mixture|kernel|energy", help="What to fit.")],
    out: Annotated[Path, typer.Option(metavar="MODEL.dm", help="Where to keep the fitted model.")],
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="The columns to use; by default all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of the split and of the fit.")] = 0,
    confidence: Confidence = 0.95,
    missing: Annotated[
        str,
        typer.Option(metavar="error|drop", help="Rows with missing or infinite cells: refuse or leave out."),
    ] = "error",
    text: Text = "error",
    redundant: Redundant = "error",
    na_values: NaValues = None,
    dequantize: Annotated[
        bool, typer.Option("--dequantize", help="Spread rounded values over their cells with uniform noise.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fit one density model to a table and keep it in a file.

    A fifth of the rows, at random, choose the settings: the number of components, the bandwidth, or when to
    stop training. Mixture and kernel are then fitted to all rows with these settings; the energy model stays
    as its validation rows have left it.
    """
    with failures_as_exit_codes(debug), interruptible() as interruption:
        check_outputs([out], reading=Path(data))
        began = time.perf_counter()
        with progress_bar(quiet) as progress:
            from densimeter.evaluation.single import fit_one

            found = fit_one(
                table_called(data, seed, to_fit=True),
                model,
                columns=names_in(columns),
                confidence=confidence,
                missing=missing,
                text=text,
                redundant=redundant,
                na_values=numbers_in("--na-values", na_values),
                dequantize=dequantize,
                random_state=seed,
                progress=interruption.heeded_by(progress),
            )
        interruption.check()
        _keep(found, out, data, seed)
        if not quiet:
            for note in found.notes:
                print_note(note.kind, note.text)
        print_fit(found, data, out, time.perf_counter() - began)


def _keep(found: SingleFit, out: Path, data: str, seed: int) -> None:
    from densimeter.storage import save

    likelihood = found.log_likelihood
    provenance = {
        "source": data,
        "rows": found.n_rows,
        "seed": seed,
        "settings": dict(found.settings),
        "validation": {"rows": found.n_validation, "log-likelihood": likelihood.to_dict()},
        "notes": [note.text for note in found.notes],
    }
    save(found.estimator, out, columns=found.table.columns, provenance=provenance)
