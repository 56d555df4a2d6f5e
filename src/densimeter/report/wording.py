"""Results in words, the same on the terminal and in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from densimeter.foundations.estimates import Estimate

if TYPE_CHECKING:
    from densimeter.evaluation.results import Comparison, DataSummary


def describe_split(data: DataSummary, confidence: float) -> str:
    """Where the numbers of a comparison come from, in one line."""
    columns = "1 column" if len(data.columns) == 1 else f"{len(data.columns)} columns"
    if data.protocol.test_folds is not None:
        return (
            f"{data.source}: {columns}; {data.n_test:,} rows, each a test row in one of "
            f"{data.protocol.test_folds} folds ({data.n_train:,} training, {data.n_validation:,} validation "
            f"rows); nats per row, {percent(confidence)} intervals"
        )
    return (
        f"{data.source}: {columns}; {data.n_train:,} training, "
        f"{data.n_validation:,} validation, {data.n_test:,} test rows; "
        f"nats per row, {percent(confidence)} intervals"
    )


def describe_protocol(data: DataSummary) -> str:
    """How rows were divided and settings chosen, where that is not the default; else nothing."""
    protocol, told = data.protocol, []
    if protocol.folds is not None:
        told.append(f"settings by {protocol.folds}-fold cross-validation")
    if protocol.repeats > 1:
        told.append(f"means over {protocol.repeats} random splits")
    if protocol.group is not None:
        told.append(f"rows of one {protocol.group!r} kept together, intervals by groups")
    if protocol.time is not None:
        told.append(f"the latest rows by {protocol.time!r} held out, intervals robust to autocorrelation")
    return "; ".join(told)


FEWEST_FOR_A_VERDICT = 30
"""Independent test rows, or as many others as tell as much."""


def describe_verdict(comparison: Comparison) -> str:
    """Which model to believe, in one sentence.

    All pairs of models are asked at once, with Holm's correction; fewer rows than `FEWEST_FOR_A_VERDICT` are
    not asked.
    """
    if len(comparison.models) > 1 and comparison.effective_rows < FEWEST_FOR_A_VERDICT:
        return (
            f"Too few rows to tell: the {comparison.data.n_test:,} test rows are worth "
            f"{comparison.effective_rows:.0f} independent ones, and a verdict needs {FEWEST_FOR_A_VERDICT}."
        )
    best, level = comparison.best.name, percent(comparison.confidence)
    if len(comparison.models) == 1:
        return f"{best} is the only model ranked."
    tied = next((run for run in comparison.indistinguishable if best in run), (best,))
    if len(tied) == 1:
        return f"Believe {best}: it is better than every other model ({level}, all pairs asked at once)."
    names = f"{', '.join(tied[:-1])} and {tied[-1]}"
    return f"{names} cannot be told apart on these rows ({level}, all pairs asked at once)."


def describe_heavy_tails(comparison: Comparison) -> list[str]:
    """A line for each model whose mean score hangs on a few rows, with a robust middle beside it."""
    lines = []
    for model in comparison.models:
        if model.tail is None or not model.tail.heavy:
            continue
        if model.tail.n_excluded:
            why = f"it excludes {model.tail.n_excluded:,} test rows altogether"
        else:
            heavy = f"so heavy that their mean may have no variance (Pareto shape {model.tail.shape:.2f})"
            why = f"the lower tail of its scores is {heavy}"
        mean, median = map(describe_estimate, (model.tail.trimmed_mean, model.tail.median))
        lines.append(f"{model.name}: {why}; trimmed mean {mean}, median {median}")
    return lines


def percent(share: float) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * share:.6g} %"


def describe_settings(settings: Mapping[str, object]) -> str:
    """Settings in one line, numbers in four digits; of many values how many there are, and their range.

    Examples
    --------
    >>> describe_settings({"bandwidth": 0.61578, "kernel": "gaussian"})
    'bandwidth 0.6158, kernel gaussian'
    >>> describe_settings({"bandwidth": [0.11, 0.4, 3.2, 0.5]})
    '4 bandwidths, 0.11 to 3.2'
    """
    return ", ".join(_setting(name.replace("_", " "), value) for name, value in settings.items())


def describe_estimate(estimate: Estimate) -> str:
    """The value with half the width of its interval; with both ends where they lie unevenly.

    Examples
    --------
    >>> describe_estimate(Estimate(-5.13, -5.16, -5.10, 0.95, "Student t"))
    '-5.130 ± 0.030'
    """
    if estimate.lower == estimate.upper:
        return f"{estimate.value:.3f}"
    below, above = estimate.value - estimate.lower, estimate.upper - estimate.value
    if math.isclose(below, above, rel_tol=0.05, abs_tol=5e-4):
        return f"{estimate.value:.3f} ± {max(below, above):.3f}"
    return str(estimate)


MOST_VALUES = 3
"""Of one setting, that are told one by one."""


def _setting(name: str, value: object) -> str:
    if not isinstance(value, list | tuple) or len(value) <= MOST_VALUES:
        return f"{name} {_short(value)}"
    counted = f"{len(value)} {name if name.endswith('s') else name + 's'}"
    if not all(isinstance(item, int | float) for item in value):
        return counted
    low, high = _short(float(min(value))), _short(float(max(value)))
    return f"{counted}, {low} to {high}" if low != high else f"{counted}, each {low}"


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_short(item) for item in value) + ")"
    return str(value)
