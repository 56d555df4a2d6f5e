"""Scores and samples of a fitted model in blocks, for tables that need not fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densimeter.evaluation.intervals import interval_of, outside_the_support
from densimeter.evaluation.sampling_errors import StudentError
from densimeter.foundations.errors import DataError
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.randomness import RandomState, generator_from

ROWS_AT_ONCE = 2**16
"""Rows that are drawn together."""


@dataclass(frozen=True)
class ScoreSummary:
    """Number, mean and scatter of scores, and how many rows have none; summaries of parts merge.

    Examples
    --------
    >>> parts = ScoreSummary.of(np.array([1.0, 2.0])), ScoreSummary.of(np.array([3.0, 4.0, np.nan]))
    >>> whole = parts[0].merge(parts[1])
    >>> whole.n_scored, whole.n_missing
    (4, 1)
    >>> print(whole.interval(0.95))
    2.500 [0.446, 4.554]
    """

    n_scored: int = 0
    mean: float = 0.0
    scatter: float = 0.0
    n_missing: int = 0

    @classmethod
    def of(cls, scores: np.ndarray) -> ScoreSummary:
        """The summary of scores ``(n,)``, NaN where a row has none."""
        known = scores[~np.isnan(scores)]
        n_missing = len(scores) - len(known)
        if not len(known):
            return cls(n_missing=n_missing)
        mean = float(known.mean())
        scatter = float(np.square(known - mean).sum()) if math.isfinite(mean) else math.inf
        return cls(len(known), mean, scatter, n_missing)

    def merge(self, other: ScoreSummary) -> ScoreSummary:
        """The summary of the rows of both (Chan, Golub and LeVeque, 1983, eq. 1.5)."""
        n, n_missing = self.n_scored + other.n_scored, self.n_missing + other.n_missing
        if not self.n_scored or not other.n_scored:
            mine = self if self.n_scored else other
            return ScoreSummary(n, mine.mean, mine.scatter, n_missing)
        mean = self.mean * (self.n_scored / n) + other.mean * (other.n_scored / n)
        if not math.isfinite(mean):
            return ScoreSummary(n, mean, math.inf, n_missing)
        between = (other.mean - self.mean) ** 2 * (self.n_scored * other.n_scored / n)
        return ScoreSummary(n, mean, self.scatter + other.scatter + between, n_missing)

    def interval(self, confidence: float, *log_normalizers: Estimate) -> Estimate:
        """The mean with its interval, as `mean_interval` gives it for the scores themselves.

        Raises
        ------
        DataError
            If no row has a score.
        """
        if not self.n_scored:
            raise DataError("no row has a log-density", "give rows without missing cells")
        if not math.isfinite(self.mean):
            return outside_the_support(self.mean, confidence)
        degrees = self.n_scored - 1
        spread = math.sqrt(self.scatter / degrees) if degrees else math.inf
        error = StudentError(self.mean, spread / math.sqrt(self.n_scored), max(degrees, 1))
        return interval_of(error, confidence, *log_normalizers)


def score_blocks(
    estimator: Any, blocks: Iterable[np.ndarray], names: Sequence[str], missing_is_error: bool
) -> Iterator[np.ndarray]:
    """Log-densities of each block of rows, nats, ``(n,)``, in order; NaN for a row that lacks a finite cell.

    Raises
    ------
    DataError
        If a row lacks a finite cell and `missing_is_error`; it names the row and the column.
    """
    n_before = 0
    for rows in blocks:
        finite = np.isfinite(rows)
        whole = finite.all(axis=1)
        if missing_is_error and not whole.all():
            first = int(np.argmin(whole))
            name = names[int(np.argmin(finite[first]))]
            raise DataError(
                f"row {n_before + first + 1:,} has no finite number in {name!r}",
                "leave such rows without a log-density with --missing drop",
            )
        scores = np.full(len(rows), np.nan)
        if whole.any():
            scores[whole] = estimator.score_samples(rows[whole])
        n_before += len(rows)
        yield scores


def draw_blocks(estimator: Any, n_samples: int, random_state: RandomState) -> Iterator[np.ndarray]:
    """Blocks of rows drawn from a model, `n_samples` in all, in random order.

    The same seed gives the same rows.
    """
    generator = generator_from(random_state)
    for start in range(0, n_samples, ROWS_AT_ONCE):
        found = estimator.sample(min(ROWS_AT_ONCE, n_samples - start), random_state=generator)
        rows = found[0] if isinstance(found, tuple) else found
        # a mixture gives its rows component by component
        yield generator.permutation(np.asarray(rows, np.float64))
