"""Results in words, the same on the terminal and in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from densimeter.foundations.estimates import Estimate

if TYPE_CHECKING:
    from densimeter.evaluation.results import DataSummary


def describe_split(data: DataSummary, confidence: float) -> str:
    """Where the numbers of a comparison come from, in one line."""
    columns = "1 column" if len(data.columns) == 1 else f"{len(data.columns)} columns"
    return (
        f"{data.source}: {columns}; {data.n_train:,} training, "
        f"{data.n_validation:,} validation, {data.n_test:,} test rows; "
        f"nats per row, {percent(confidence)} intervals"
    )


def percent(share: float) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * share:.6g} %"


def describe_settings(settings: Mapping[str, object]) -> str:
    """Settings in one line, numbers in four digits.

    Examples
    --------
    >>> describe_settings({"bandwidth": 0.61578, "kernel": "gaussian"})
    'bandwidth 0.6158, kernel gaussian'
    """
    return ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in settings.items())


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


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_short(item) for item in value) + ")"
    return str(value)
