"""`densimeter compare DATA` tells which model of these rows to believe."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from densimeter.cli.arguments import NaValues, Redundant, check_is_file_or_name, names_in, numbers_in
from densimeter.cli.display import print_comparison, print_datasets, print_notes, progress_bar
from densimeter.cli.failures import failures_as_exit_codes
from densimeter.cli.interrupts import interruptible
from densimeter.cli.invocation import command_line
from densimeter.cli.outputs import as_json, check_outputs
from densimeter.foundations.errors import SettingError
from densimeter.foundations.files import written_whole

if TYPE_CHECKING:
    from densimeter.evaluation.results import Comparison

_DEFAULT_TEST_FRACTION = 0.2

PICTURE_ENDINGS = (".png", ".pdf", ".svg", ".eps", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


def _list_datasets(asked: bool) -> None:
    if asked:
        print_datasets()
        raise typer.Exit


def compare(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            help="A CSV, Parquet, Arrow or NPY file, or the name of a built-in table (see --list)."
        ),
    ],
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="The columns to use; by default all.")
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Of mixture, kernel, energy (by default these), flow, scipy:t and the like.",
        ),
    ] = None,
    test_fraction: Annotated[
        float | None,
        typer.Option(
            help="Share of the rows held out for the score [default: 0.2, in turn where rows are few; "
            "0.9 of a synthetic table]"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the split and of every fit.")] = 0,
    confidence: Annotated[float, typer.Option(help="Of every interval.")] = 0.95,
    missing: Annotated[
        str,
        typer.Option(metavar="error|drop", help="Rows with missing or infinite cells: refuse or leave out."),
    ] = "error",
    text: Annotated[
        str, typer.Option(metavar="error|drop", help="Columns that are not numbers: refuse or leave out.")
    ] = "error",
    redundant: Redundant = "error",
    na_values: NaValues = None,
    dequantize: Annotated[
        bool, typer.Option("--dequantize", help="Spread rounded values over their cells with uniform noise.")
    ] = False,
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", help="Choose settings by K-fold cross-validation, not on one part."),
    ] = None,
    repeats: Annotated[int, typer.Option(metavar="R", help="Repeat over R random splits.")] = 1,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Rows with equal cells here stay together.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Hold out the rows that are latest by this column.")
    ] = None,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="keep|drop",
            help="Test rows that equal a row seen before; by default dropped where that cannot be chance.",
            show_default=False,
        ),
    ] = "auto",
    interval: Annotated[
        str, typer.Option(metavar="student|bca", help="Of a mean: Student's t, or the BCa bootstrap.")
    ] = "student",
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Give up on a model that takes longer.")
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Models fitted at the same time.")] = 1,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where fitted models are kept; by default the user's cache."),
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Fit every model anew.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
    ] = None,
    plot_file: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw the intervals (PNG, PDF, SVG, ...)."),
    ] = None,
    report_file: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write everything found as one page."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the table alone.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    list_: Annotated[
        bool, typer.Option("--list", callback=_list_datasets, is_eager=True, help="List the built-in tables.")
    ] = False,
) -> None:
    """Compare density models of a table by their mean log-likelihood on held-out rows.

    The rows are split into training, validation and test rows; a Gaussian mixture, a kernel density
    estimate and an energy-based model are fitted, their settings chosen without the test rows; the test
    rows are scored once.
    """
    with failures_as_exit_codes(debug), interruptible() as interruption:
        check_outputs([json_file, plot_file, report_file], reading=Path(data))
        _check_picture(plot_file)
        with progress_bar(quiet) as progress:
            comparison = _compared(
                data,
                test_fraction,
                seed,
                models=names_in(models),
                columns=names_in(columns),
                confidence=confidence,
                missing=missing,
                text=text,
                redundant=redundant,
                na_values=numbers_in("--na-values", na_values),
                dequantize=dequantize,
                folds=folds,
                repeats=repeats,
                group=group,
                time=time,
                duplicates=duplicates,
                interval=interval,
                timeout=timeout,
                n_jobs=jobs,
                cache=None if no_cache else cache or _cache_of_user(),
                progress=interruption.heeded_by(progress),
            )
            page = None
            if report_file is not None:
                page = comparison.to_html(command_line(context), interruption.heeded_by(progress))
        interruption.check()
        _write(comparison, json_file, plot_file, report_file, page)
        if not quiet:
            print_notes(comparison)
        print_comparison(comparison)


def _cache_of_user() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("densimeter", appauthor=False) / "trials"


def _check_picture(plot_file: Path | None) -> None:
    if plot_file is not None and plot_file.suffix.lower() not in PICTURE_ENDINGS:
        raise SettingError(
            f"{plot_file} has the ending {plot_file.suffix!r}, which names no kind of picture known here",
            f"end it in one of {', '.join(PICTURE_ENDINGS)}",
        )


def _compared(data: str, test_fraction: float | None, seed: int, **options: Any) -> Comparison:
    """The comparison on a built-in table, if `data` names one, else on the file called so."""
    from densimeter.datasets import NAMED_DATASETS
    from densimeter.evaluation.comparison import compare as compare_models

    if data not in NAMED_DATASETS:
        check_is_file_or_name(data, NAMED_DATASETS)
        return compare_models(data, test_fraction=test_fraction, source=data, random_state=seed, **options)
    dataset = NAMED_DATASETS[data]
    if test_fraction is None:
        test_fraction = dataset.default_test_fraction
    density = dataset.density if options["columns"] in (None, list(dataset.columns)) else None
    return compare_models(
        dataset.table(test_fraction or _DEFAULT_TEST_FRACTION, seed),
        test_fraction=test_fraction,
        source=data,
        density=density,
        random_state=seed,
        **options,
    )


def _write(
    comparison: Comparison,
    json_file: Path | None,
    plot_file: Path | None,
    report_file: Path | None,
    page: str | None,
) -> None:
    """All files or none of them: they take their places when all are complete."""
    with ExitStack() as drafts:
        if json_file is not None:
            draft = drafts.enter_context(written_whole(json_file))
            draft.write_text(as_json(comparison.to_dict()), encoding="utf-8")
        if plot_file is not None:
            draft = drafts.enter_context(written_whole(plot_file))
            comparison.plot().savefig(draft, dpi=150)
        if report_file is not None and page is not None:
            draft = drafts.enter_context(written_whole(report_file))
            draft.write_text(page, encoding="utf-8")
