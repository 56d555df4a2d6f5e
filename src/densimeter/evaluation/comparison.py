"""The whole job: clean, split, fit each family, score the test rows once, rank."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from densimeter.datasets.density import KnownDensity
from densimeter.evaluation.assembly import Contestant, Judge, assemble
from densimeter.evaluation.cache import TrialCache
from densimeter.evaluation.dependence import dependence_of, likeness_of_neighbours
from densimeter.evaluation.duplicates import Duplicates
from densimeter.evaluation.families import Family, Models, TrainingParts, families_of
from densimeter.evaluation.normalization import Verdict
from densimeter.evaluation.ranking import indistinguishable
from densimeter.evaluation.results import Comparison, DataSummary, HeldOut, ModelResult, Protocol, Unranked
from densimeter.evaluation.runner import Runner
from densimeter.evaluation.sampling_errors import INTERVALS
from densimeter.evaluation.splits import Split, Units, split_in_folds, split_rows
from densimeter.evaluation.trials import Failure, Outcome, Task, Trial
from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import (
    DataError,
    DensimeterError,
    DensimeterWarning,
    FitError,
    SettingError,
)
from densimeter.foundations.forking import begin_computing
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables import CleaningRules, Note, NoteKind, Table, load_table
from densimeter.tables.table import warning


def compare(
    X: Any,
    models: Models | None = None,
    *,
    columns: Sequence[str] | None = None,
    test_fraction: float | None = None,
    confidence: float = 0.95,
    missing: str = "error",
    text: str = "error",
    redundant: str = "error",
    na_values: Sequence[float] = (),
    dequantize: bool = False,
    folds: int | None = None,
    repeats: int = 1,
    group: str | None = None,
    time: str | None = None,
    duplicates: str = "auto",
    interval: str = "student",
    density: KnownDensity | None = None,
    source: str | None = None,
    timeout: float | None = None,
    n_jobs: int = 1,
    cache: str | Path | None = None,
    random_state: RandomState = None,
    progress: Progress = silent,
) -> Comparison:
    """Compare density models of a table by their mean log-likelihood on held-out rows.

    The rows are shuffled and split; every family is fitted on the training rows with its settings chosen on
    the validation rows; the test rows are scored once. Small tables are split in five folds, each of which is
    the test part once.

    An interrupt ends with `Interrupted`, which names the models that are kept in `cache`.

    Parameters
    ----------
    X : path, array of shape (n_samples, n_features), data frame or pyarrow.Table
        The table.
    models : sequence of str, or mapping of names to estimators, optional
        Families by name: ``"mixture"``, ``"kernel"``, ``"energy"`` (by default these three), ``"flow"`` (with
        flowjax installed), or one of scipy.stats as in ``"scipy:t"``. Or any scikit-learn estimators with
        ``fit`` and a ``score_samples`` that returns normalised log-densities, pipelines of invertible steps
        included. What is not of this package is ranked only if its scores integrate to one.
    columns : sequence of str, optional
        The columns to use, by default all.
    test_fraction : float, optional
        Share of the rows that are held out for the final score, in (0, 1). By default a fifth; tables of
        fewer than 1,000 rows are then cross-validated, so that each row is a test row once.
    confidence : float
        Of all intervals, in (0, 1).
    missing, text, redundant : "error" or "drop"
        Whether rows with missing or infinite cells, columns that are not numbers, and columns that others
        determine in every row, are refused or left out.
    na_values : sequence of float
        Numbers that mark missing cells, as -999 or 9999.
    dequantize : bool
        Whether rounded columns get noise uniform over the cell of each value.
    folds : int, optional
        Choose settings by cross-validation over so many folds, and fit on all rows that are not for
        testing; by default settings are chosen on one validation part, a fifth of these rows.
    repeats : int
        Split so many times, and report means over the splits with the corrected resampled interval.
    group : str, optional
        A column whose equal cells keep rows together: no group stands in two parts.
    time : str, optional
        A column of numbers or dates: the latest rows are for testing, those before them for validation.
    duplicates : "auto", "keep" or "drop"
        Whether validation and test rows that equal a row of an earlier part are left out. By default they are
        where a column is not rounded, so that equal rows cannot be chance; a note says so.
    interval : "student" or "bca"
        The interval of a mean over test rows: Student's t, or the bias-corrected and accelerated bootstrap.
    density : KnownDensity, optional
        The true density, with ``log_prob(X)``; adds the oracle and each model's gap to it.
    source : str, optional
        What to call the table in the result.
    timeout : float, optional
        Seconds after which a model counts as failed; each is then fitted in a process of its own.
    n_jobs : int
        Models that are fitted at the same time, in processes, if more than 1.
    cache : path, optional
        A folder in which fitted models are kept: what was fitted before to the same rows with the same
        settings and seed is taken from there.
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
        If no model is left: one that fails, or gives scores that are no log-densities, is listed in
        ``unranked`` with its reason while the others go on.

    Examples
    --------
    >>> import densimeter as dm
    >>> X, _ = dm.datasets.make_ring(400, n_components=3, random_state=0)
    >>> result = compare(X, models=["mixture", "kernel"], test_fraction=0.3, random_state=0)
    >>> [model.name for model in result.models]
    ['mixture', 'kernel']
    >>> result.best.settings["components"]
    3
    """
    begin_computing()
    check_number("confidence", confidence, above=0, below=1)
    if test_fraction is not None:
        check_number("test_fraction", test_fraction, above=0, below=1)
    protocol = checked_protocol(Protocol(folds, repeats, group, time, interval))
    families = families_of(models)
    generator = generator_from(random_state)
    rules = CleaningRules(columns, missing, text, dequantize, group, time, redundant, na_values)
    table = load_table(X, rules, generator)
    equal = Duplicates.of(table, duplicates)
    splits, in_folds = _splits(table, equal.identities, test_fraction, repeats, generator)
    protocol = replace(protocol, duplicates=equal.rule, test_folds=len(splits) if in_folds else None)
    n_duplicates = sum(split.n_duplicates for split in splits) if in_folds else splits[0].n_duplicates
    _announce(table.notes, source is None)
    table = _with_note(table, equal.note(table, n_duplicates), source is None)
    tasks = _tasks(table, splits, families, protocol, generator)
    kept = None if cache is None else TrialCache.at(cache)
    runner = Runner(n_jobs, timeout, kept)
    outcomes = runner.run(tasks, progress)
    contestants, unranked = _sorted_out(outcomes, len(families))
    tested = np.concatenate([split.test for split in splits[: None if in_folds else 1]])
    judge = _judge(table, splits, tested, in_folds, protocol, confidence, generator)
    truths = None if density is None else [density.log_prob(table.rows[split.test]) for split in splits]
    found = assemble(contestants, truths, judge)
    table = _with_note(table, _note_on_order(table, tested, found.models, protocol), source is None)
    data = DataSummary(
        source or table.source,
        table.columns,
        len(splits[0].train),
        len(splits[0].validation),
        len(tested),
        test_fraction or 1 / (len(splits) if in_folds else DEFAULT_FOLDS),
        random_state if isinstance(random_state, int) else None,
        (*table.notes, *_notes_on_models(contestants), *_notes_on_cache(kept)),
        protocol,
    )
    return Comparison(
        data,
        found.models,
        found.oracle,
        confidence,
        HeldOut(table.rows[tested], table.numbers_of(tested), len(splits[0].test) if in_folds else None),
        indistinguishable([model.name for model in found.models], found.adjusted, 1 - confidence),
        unranked,
        found.effective_rows,
    )


DEFAULT_FOLDS, SMALL = 5, 1000
"""Tables of fewer rows than `SMALL` are tested in so many folds; of others one such part is for testing."""


def _splits(
    table: Table,
    identities: np.ndarray,
    test_fraction: float | None,
    repeats: int,
    generator: np.random.Generator,
) -> tuple[list[Split], bool]:
    """The splits, and whether they are folds of which each row is a test row once."""
    n_features, units = table.rows.shape[1], Units.of(len(table.rows), table.groups, table.times)
    if test_fraction is None and repeats == 1 and not units.in_time and len(table.rows) < SMALL:
        try:
            return split_in_folds(identities, n_features, DEFAULT_FOLDS, generator, units), True
        except DataError:  # too few groups for so many folds
            pass
    fraction = 1 / DEFAULT_FOLDS if test_fraction is None else test_fraction
    return [split_rows(identities, n_features, fraction, generator, units) for _ in range(repeats)], False


def _judge(
    table: Table,
    splits: Sequence[Split],
    tested: np.ndarray,
    in_folds: bool,
    protocol: Protocol,
    confidence: float,
    generator: np.random.Generator,
) -> Judge:
    """By the rows that were tested and how they hang together."""
    groups, times = (None if labels is None else labels[tested] for labels in (table.groups, table.times))
    share = len(splits[0].test) / (len(splits[0].train) + len(splits[0].validation))
    return Judge(confidence, protocol.interval, share, generator, dependence_of(groups, times), in_folds)


ORDER_LEVEL = 0.001
"""Chance of a warning where the order of the rows means nothing."""


def _note_on_order(
    table: Table, tested: np.ndarray, models: Sequence[ModelResult], protocol: Protocol
) -> Note | None:
    """A warning where neighbouring rows score alike, though nobody has said that they belong together."""
    if protocol.group is not None or protocol.time is not None:
        return None
    places = table.numbers_of(tested)
    found = [likeness_of_neighbours(model.scores, places) for model in models]
    likeness, p_value = min(found, key=lambda one: one[1])
    if p_value * len(models) >= ORDER_LEVEL:
        return None
    return warning(
        f"rows near each other in the file score alike (autocorrelation {likeness:.2f}): if rows belong "
        "together or come in time, intervals are too narrow; say so with --group or --time"
    )


def checked_protocol(protocol: Protocol) -> Protocol:
    """The protocol, if it makes sense.

    Raises
    ------
    SettingError
        If a number is out of range, splits in time are to be repeated, of which there is only one, or their
        rows resampled.
    """
    if protocol.folds is not None:
        check_count("folds", protocol.folds, at_least=2)
    check_count("repeats", protocol.repeats, at_least=1)
    choose("interval", protocol.interval, INTERVALS)
    if protocol.time is not None and protocol.interval == "bca":
        raise SettingError(
            "the bootstrap resamples rows as if they did not hang together in time", "leave --interval out"
        )
    if protocol.time is not None and protocol.repeats > 1:
        raise SettingError(
            "the latest rows are held out once: a split in time has no repeats", "give one of them"
        )
    return protocol


def _tasks(
    table: Table,
    splits: Sequence[Split],
    families: Sequence[Family],
    protocol: Protocol,
    generator: np.random.Generator,
) -> list[Task]:
    """Every family on every split; the families of one split stand together."""
    tasks = []
    for split in splits:
        seed = int(generator.integers(2**31))
        parts = TrainingParts.of(table.rows, split, seed, protocol.folds)
        tasks += [Task(family, parts, table.rows[split.test], seed) for family in families]
    return tasks


def _sorted_out(
    outcomes: Sequence[Outcome], n_families: int
) -> tuple[list[Contestant], tuple[Unranked, ...]]:
    """Models with a trial on every split, and those that failed on one."""
    contestants, unranked = [], []
    for place in range(n_families):
        mine = outcomes[place::n_families]
        failures = [outcome for outcome in mine if isinstance(outcome, Failure)]
        trials = [outcome for outcome in mine if isinstance(outcome, Trial)]
        refusals = [t.normalization for t in trials if t.normalization and t.normalization.refused]
        if failures:
            unranked.append(Unranked(failures[0].name, failures[0].reason))
        elif refusals:
            unranked.append(Unranked(trials[0].name, f"not a density: {refusals[0].reason}"))
        else:
            contestants.append(Contestant(trials))
    if not contestants:
        _raise_the_only(outcomes, unranked)
    return contestants, tuple(unranked)


def _raise_the_only(outcomes: Sequence[Outcome], unranked: Sequence[Unranked]) -> None:
    """The error of the one model there is, else one that names them all."""
    error = outcomes[0].error if isinstance(outcomes[0], Failure) else None
    if len(outcomes) == 1 and isinstance(error, DensimeterError):
        raise error
    told = "; ".join(f"{model.name}: {model.reason}" for model in unranked)
    raise FitError(f"no model is left: {told}", "mend what the reasons name, or try other models") from error


def _notes_on_models(contestants: Sequence[Contestant]) -> list[Note]:
    """What was said in fitting, once for all splits."""
    said = [text for contestant in contestants for text in contestant.said]
    said += [
        f"{trial.name}: it is not certain that its scores are log-densities: {trial.normalization.reason}"
        for contestant in contestants
        for trial in contestant.trials
        if trial.normalization and trial.normalization.verdict is Verdict.UNDECIDED
    ]
    once = {re.sub(r"[0-9.]+", "#", text): text for text in reversed(said)}  # splits differ in numbers only
    return [Note(NoteKind.WARNING, text) for text in reversed(once.values())]


def _notes_on_cache(cache: TrialCache | None) -> list[Note]:
    """What was not taken from it, and why."""
    return [] if cache is None else [Note(NoteKind.WARNING, text) for text in dict.fromkeys(cache.notes)]


def _with_note(table: Table, note: Note | None, announce: bool) -> Table:
    """The table with one more note."""
    if note is None:
        return table
    _announce([note], announce)
    return replace(table, notes=(*table.notes, note))


def _announce(notes: Sequence[Note], announce: bool) -> None:
    """Raise what should worry the user, unless a caller shows the notes."""
    for note in notes:
        if announce and note.kind is NoteKind.WARNING:
            warnings.warn(note.text, DensimeterWarning, stacklevel=4)
