"""The whole job: clean, split, fit each family, score the test rows once, rank."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from densimeter.datasets.density import KnownDensity
from densimeter.evaluation.families import FAMILIES, EstimatorFamily, Family, FittedFamily, fit_quietly
from densimeter.evaluation.intervals import mean_interval
from densimeter.evaluation.results import Comparison, DataSummary, ModelResult
from densimeter.evaluation.splits import Split, split_rows
from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.errors import DensimeterWarning, FitError, SettingError
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables import CleaningRules, Note, NoteKind, Table, load_table

Models = Sequence[str] | Mapping[str, BaseEstimator | str]


def compare(
    X: Any,
    models: Models | None = None,
    *,
    columns: Sequence[str] | None = None,
    test_fraction: float = 0.2,
    confidence: float = 0.95,
    missing: str = "error",
    text: str = "error",
    dequantize: bool = False,
    density: KnownDensity | None = None,
    source: str | None = None,
    random_state: RandomState = None,
    progress: Progress = silent,
) -> Comparison:
    """Compare density models of a table by their mean log-likelihood on held-out rows.

    The rows are shuffled and split; every family is fitted on the training rows with its settings chosen on
    the validation rows; the test rows are scored once. Rows of the test part that equal a row seen before
    are left out of it.

    Parameters
    ----------
    X : path, array of shape (n_samples, n_features), data frame or pyarrow.Table
        The table.
    models : sequence of str, or mapping of names to estimators, optional
        Families by name (``"mixture"``, ``"kernel"``, ``"energy"``; by default all three), or any
        scikit-learn estimators with ``fit`` and a ``score_samples`` that returns normalised log-densities.
    columns : sequence of str, optional
        The columns to use, by default all.
    test_fraction : float
        Share of the rows that are held out for the final score, in (0, 1).
    confidence : float
        Of all intervals, in (0, 1).
    missing, text : "error" or "drop"
        Whether rows with missing or infinite cells, and columns that are not numbers, are refused or
        left out.
    dequantize : bool
        Whether rounded columns get noise uniform over the cell of each value.
    density : KnownDensity, optional
        The true density, with ``log_prob(X)``; adds the oracle and each model's gap to it.
    source : str, optional
        What to call the table in the result.
    random_state : int, Generator, RandomState or None
        Seed of the split, of the noise and of every fit.
    progress : Progress
        Told how far the work is.

    Returns
    -------
    Comparison
        Ranked, best first.

    Raises
    ------
    DataError
        If the table cannot be used as it is; the message names the columns.
    SettingError
        If an option or a name is wrong.
    FitError
        If a model could not be fitted, or gave scores that are no log-densities.

    Examples
    --------
    >>> import densimeter as dm
    >>> X, _ = dm.datasets.make_ring(400, n_components=3, random_state=0)
    >>> result = compare(X, models=["mixture", "kernel"], random_state=0)
    >>> [model.name for model in result.models]
    ['mixture', 'kernel']
    >>> result.best.settings["components"]
    3
    """
    check_number("confidence", confidence, above=0, below=1)
    check_number("test_fraction", test_fraction, above=0, below=1)
    families = _families(models)
    generator = generator_from(random_state)
    table = load_table(X, CleaningRules(columns, missing, text, dequantize), generator)
    split = split_rows(table.identities, table.rows.shape[1], test_fraction, generator)
    table = _with_notes(table, split, announce=source is None)
    job = _Job(table, split, confidence, density, int(generator.integers(2**31)))
    trials = [job.run(family, _share(progress, i, len(families))) for i, family in enumerate(families)]
    data = DataSummary(
        source or table.source,
        table.columns,
        len(split.train),
        len(split.validation),
        len(split.test),
        test_fraction,
        random_state if isinstance(random_state, int) else None,
        (*table.notes, *(Note(NoteKind.WARNING, text) for trial in trials for text in trial.said)),
    )
    return _rank(trials, data, job)


@dataclass(frozen=True)
class _Trial:
    """One family, fitted and scored."""

    name: str
    fitted: FittedFamily
    scores: np.ndarray
    seconds: float
    said: list[str]

    @property
    def log_normalizers(self) -> list[Estimate]:
        """What is known of the model's normaliser, where it had to be estimated."""
        found = getattr(self.fitted.estimator, "log_normalizer_", None)
        return [found] if isinstance(found, Estimate) else []


@dataclass(frozen=True)
class _Job:
    """What all trials of a comparison share."""

    table: Table
    split: Split
    confidence: float
    density: KnownDensity | None
    seed: int

    @property
    def test_rows(self) -> np.ndarray:
        return self.table.rows[self.split.test]

    def run(self, family: Family, progress: Progress) -> _Trial:
        progress(0, 1, family.name)
        rows, split = self.table.rows, self.split
        began = time.perf_counter()
        fitted, said = fit_quietly(family, rows[split.train], rows[split.validation], self.seed, progress)
        seconds = time.perf_counter() - began
        scores = np.asarray(fitted.estimator.score_samples(self.test_rows), np.float64)
        _refuse_bad_scores(family.name, scores, len(self.split.test))
        progress(1, 1, family.name)
        return _Trial(family.name, fitted, scores, seconds, said)


def _families(models: Models | None) -> list[Family]:
    if models is None:
        return list(FAMILIES.values())
    if isinstance(models, str) or not models:
        raise SettingError(
            "models must name at least one model in a list", f"choose from {', '.join(FAMILIES)}"
        )
    named = models if isinstance(models, Mapping) else {name: name for name in models}
    if len(named) < len(models):
        raise SettingError("a model is named twice", "name each model once")
    return [_family(name, model) for name, model in named.items()]


def _family(name: str, model: BaseEstimator | str) -> Family:
    if isinstance(model, str):
        return choose("models", model, FAMILIES)
    if not hasattr(model, "fit") or not hasattr(model, "score_samples"):
        raise SettingError(
            f"the model {name!r} has no fit or no score_samples", "give an estimator of log-densities"
        )
    return EstimatorFamily(name, model)


def _with_notes(table: Table, split: Split, announce: bool) -> Table:
    """The table with a note on duplicates; warnings about the data are raised unless a caller shows them."""
    if split.n_duplicates:
        text = (
            f"{split.n_duplicates:,} validation or test rows equal a row of an earlier part and were left out"
        )
        table = replace(table, notes=(*table.notes, Note(NoteKind.DECISION, text)))
    for note in table.notes:
        if announce and note.kind is NoteKind.WARNING:
            warnings.warn(note.text, DensimeterWarning, stacklevel=3)
    return table


def _share(progress: Progress, index: int, count: int) -> Progress:
    """A listener for the work on one of `count` models, which tells the whole's listener."""

    def listen(done: int, total: int, message: str = "") -> None:
        progress(round(1000 * (index + done / max(total, 1))), 1000 * count, message)

    return listen


def _refuse_bad_scores(name: str, scores: np.ndarray, n_test: int) -> None:
    if scores.shape != (n_test,) or np.isnan(scores).any() or (scores == np.inf).any():
        raise FitError(
            f"the scores of {name!r} on the test rows are no log-densities",
            "give a model whose score_samples returns a number below infinity for each row",
        )


def _rank(trials: Sequence[_Trial], data: DataSummary, job: _Job) -> Comparison:
    ordered = sorted(trials, key=lambda trial: -trial.scores.mean())
    true_scores = None if job.density is None else job.density.log_prob(job.test_rows)
    models = tuple(_result(trial, ordered[0], true_scores, job.confidence) for trial in ordered)
    oracle = None if true_scores is None else mean_interval(true_scores, job.confidence)
    return Comparison(data, models, oracle, job.confidence)


def _result(trial: _Trial, best: _Trial, true_scores: np.ndarray | None, confidence: float) -> ModelResult:
    gap = None
    if true_scores is not None:
        gap = mean_interval(_paired(true_scores, trial.scores), confidence, *_added(trial))
    return ModelResult(
        trial.name,
        trial.fitted.estimator,
        trial.fitted.settings,
        trial.scores,
        mean_interval(trial.scores, confidence, *trial.log_normalizers),
        _difference(trial, best, confidence),
        gap,
        trial.seconds,
    )


def _difference(trial: _Trial, best: _Trial, confidence: float) -> Estimate:
    """`trial` minus `best` on the same rows, with what is unknown of either normaliser."""
    if trial is best:
        return Estimate.exact(0.0, "the best itself")
    paired = _paired(trial.scores, best.scores)
    return mean_interval(paired, confidence, *trial.log_normalizers, *_added(best))


def _paired(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Differences row by row; two models that both exclude a row do not differ there."""
    both_excluded = np.isneginf(scores) & np.isneginf(others)
    with np.errstate(invalid="ignore"):
        return np.where(both_excluded, 0.0, scores - others)


def _added(trial: _Trial) -> list[Estimate]:
    """The trial's log normalisers as they enter a difference from which its scores are subtracted."""
    return [-log_z for log_z in trial.log_normalizers]
