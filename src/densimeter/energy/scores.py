"""The mean log-density of rows with its two errors: of the rows being few, and of log Z being estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from densimeter.foundations.errors import SettingError
from densimeter.foundations.estimates import Estimate, Guarantee, SampleMean


@dataclass(frozen=True)
class ScoreEstimate:
    """A score, nats per row, with each error alone and both together.

    Attributes
    ----------
    test_set : Estimate
        The score, its interval for the rows alone (Student's t), as if log Z were known.
    log_normalizer : Estimate
        The score, its interval for log Z alone, as if these rows were all there are.
    total : Estimate
        Both together. The chances of missing add up, so this one holds at the confidence asked for.
    """

    test_set: Estimate
    log_normalizer: Estimate
    total: Estimate


def score_estimate(log_density: np.ndarray, log_z: Estimate, confidence: float) -> ScoreEstimate:
    """From the log-density of rows ``(n,)``, nats, that contains the value of `log_z`.

    Raises
    ------
    SettingError
        If log Z is known with less than the confidence asked for.
    """
    mean = float(log_density.mean())
    below, above = log_z.upper - log_z.value, log_z.value - log_z.lower
    left = (1 - confidence) - (1 - log_z.confidence)
    if left <= 0 < below + above:
        raise SettingError(
            f"confidence is {confidence:g}, and log Z is known at {log_z.confidence:g} only",
            "ask for less, or fit with a higher log_z_confidence",
        )
    of_log_z = Estimate(mean, mean - below, mean + above, log_z.confidence, log_z.method, log_z.guarantee)
    rows_alone = _mean_of_rows(log_density, 1 - left if below + above > 0 else confidence)
    both = rows_alone.widen(below, above, "Student's t over the rows, and " + log_z.method)
    total = Estimate(both.value, both.lower, both.upper, confidence, both.method, both.guarantee)
    return ScoreEstimate(_mean_of_rows(log_density, confidence), of_log_z, total)


def _mean_of_rows(values: np.ndarray, confidence: float) -> Estimate:
    mean, n_rows = float(values.mean()), len(values)
    if n_rows < 2:
        return Estimate(mean, -math.inf, math.inf, confidence, "a single row", Guarantee.NONE)
    return SampleMean.of([(1.0, values)], confidence).estimate(confidence, f"Student's t, {n_rows} rows")
