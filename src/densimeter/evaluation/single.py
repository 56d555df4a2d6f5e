"""One model for use: its settings chosen on validation rows as for a comparison, then fitted for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from densimeter.evaluation.duplicates import Duplicates
from densimeter.evaluation.families import FAMILIES, TrainingParts
from densimeter.evaluation.intervals import mean_interval
from densimeter.evaluation.splits import VALIDATION_FRACTION, Split, Units
from densimeter.evaluation.trials import Failure, Task, Trial, run
from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.errors import DataError, DensimeterError, FitError
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables import CleaningRules, Note, NoteKind, Table, load_table

FEWEST_ROWS = 10
"""Rows of training, or twice the columns and one if that is more."""


@dataclass(frozen=True)
class SingleFit:
    """A fitted model, and how well it did on rows that it had not seen.

    Attributes
    ----------
    name : str
        Of the family.
    estimator : estimator
        Fitted to `n_rows` rows.
    settings : mapping
        Chosen on the validation rows.
    log_likelihood : Estimate
        Mean over the validation rows of the model that was fitted to the training rows alone. The settings
        were chosen on these rows, so it flatters a little; a comparison has test rows for that.
    table : Table
    n_train, n_validation, n_rows : int
    notes : tuple of Note
        What was decided on the data, and what was said in fitting.
    """

    name: str
    estimator: Any
    settings: Mapping[str, Any]
    log_likelihood: Estimate
    table: Table
    n_train: int
    n_validation: int
    n_rows: int
    notes: tuple[Note, ...]


def fit_one(
    X: Any,
    model: str = "mixture",
    *,
    columns: Sequence[str] | None = None,
    confidence: float = 0.95,
    missing: str = "error",
    text: str = "error",
    redundant: str = "error",
    na_values: Sequence[float] = (),
    dequantize: bool = False,
    random_state: RandomState = None,
    progress: Progress = silent,
) -> SingleFit:
    """Fit one family of models to a table, for use.

    A fifth of the rows, at random, choose the settings, and tell how well the model does. The mixture and the
    kernel estimate are then fitted to all rows with these settings; the energy model is not, since its
    validation rows are what ends its training.

    Parameters are those of `compare`.

    Raises
    ------
    DataError, SettingError, FitError
        As `compare`.

    Examples
    --------
    >>> import densimeter as dm
    >>> X, _ = dm.datasets.make_ring(400, n_components=3, random_state=0)
    >>> fit = fit_one(X, "mixture", random_state=0)
    >>> fit.settings["components"], fit.n_train, fit.n_rows
    (3, 320, 400)
    """
    check_number("confidence", confidence, above=0, below=1)
    family = choose("model", model, FAMILIES)
    generator = generator_from(random_state)
    rules = CleaningRules(columns, missing, text, dequantize, redundant=redundant, na_values=na_values)
    table = load_table(X, rules, generator)
    split = _two_parts(table, generator)
    seed = int(generator.integers(2**31))
    validation = table.rows[split.validation]
    outcome = run(Task(family, TrainingParts.of(table.rows, split, seed), validation, seed), progress)
    if isinstance(outcome, Failure):
        _raise(outcome)
    assert isinstance(outcome, Trial)
    progress(0, 1, f"{model}: fitting to all rows")
    estimator, n_rows = _REFITS[model](outcome.estimator, table.rows, len(split.train))
    return SingleFit(
        model,
        estimator,
        outcome.settings,
        mean_interval(outcome.scores, confidence, *outcome.log_normalizers),
        table,
        len(split.train),
        len(split.validation),
        n_rows,
        (*table.notes, *(Note(NoteKind.WARNING, text) for text in outcome.said)),
    )


def _two_parts(table: Table, generator: np.random.Generator) -> Split:
    """Training and validation rows; none of these equals one of training, unless that is chance."""
    order, identities = generator.permutation(len(table.rows)), Duplicates.of(table).identities
    n_validation = round(len(order) * VALIDATION_FRACTION)
    validation, train = np.split(order, [n_validation])
    fresh = validation[~np.isin(identities[validation], identities[train])]
    fewest = max(FEWEST_ROWS, 2 * table.rows.shape[1] + 1)
    if len(train) < fewest or len(fresh) < 2:
        raise DataError(
            f"{len(order):,} rows leave {len(train)} for training and {len(fresh)} for validation",
            f"give at least {fewest} different rows for training and 2 for validation, or fewer columns",
        )
    nobody = order[:0]
    return Split(train, fresh, nobody, len(validation) - len(fresh), Units.of(len(order)), identities)


def _raise(failure: Failure) -> None:
    if isinstance(failure.error, DensimeterError):
        raise failure.error
    raise FitError(failure.text, "try another model, or look at the rows") from failure.error


Refit = Callable[[Any, np.ndarray, int], tuple[Any, int]]
"""A model fitted to training rows, all rows, the number of training rows -> the model for use, its rows."""


def _refit_mixture(estimator: Any, rows: np.ndarray, n_train: int) -> tuple[Any, int]:
    fresh: Any = clone(estimator)
    return fresh.fit(rows), len(rows)


def _refit_kernel(estimator: Any, rows: np.ndarray, n_train: int) -> tuple[Any, int]:
    fresh: Any = clone(estimator)
    return fresh.set_params(bandwidth=estimator.bandwidth_).fit(rows), len(rows)


def _keep(estimator: Any, rows: np.ndarray, n_train: int) -> tuple[Any, int]:
    return estimator, n_train


_REFITS: dict[str, Refit] = {"mixture": _refit_mixture, "kernel": _refit_kernel, "energy": _keep}
