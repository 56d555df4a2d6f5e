"""How far a mean of held-out scores may lie from its expectation: each way of knowing is one object.

Each holds the `value` of the mean and gives the `ends` of its interval at any confidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

N_RESAMPLES = 10_000
"""Of the bootstrap; the ends of a 95 % interval then wander by 1 % of its width."""

MOST_RESAMPLED = 10_000
"""More rows than this are resampled in so many random sets of rows: the mean over the sets has the spread and
the skewness of the mean over the rows, and its standard error is estimated to 0.7 %."""

_AT_ONCE = 50


class SamplingError(Protocol):
    """A mean and the distribution of its error."""

    @property
    def value(self) -> float:
        """The mean."""
        ...

    @property
    def method(self) -> str:
        """How the interval is obtained, in a few words."""
        ...

    def ends(self, confidence: float) -> tuple[float, float]:
        """The interval that covers the expectation with this probability."""
        ...

    def widened(self, factor: float, method: str) -> Self:
        """The same mean with an error so many times as large."""
        ...


@dataclass(frozen=True)
class StudentError:
    """Of a mean of n independent scores: ``mean ± t s / sqrt(n)``."""

    value: float
    standard_error: float
    degrees: float
    method: str = "Student t"

    @classmethod
    def of(cls, scores: np.ndarray) -> StudentError:
        """From the scores themselves, shape ``(n_samples,)``; one score alone has an error without bound."""
        n = len(scores)
        spread = float(np.std(scores, ddof=1)) if n > 1 else np.inf
        return cls(float(np.mean(scores)), spread / float(np.sqrt(n)), max(n - 1, 1))

    @classmethod
    def of_repeats(cls, means: np.ndarray, test_share: float) -> StudentError:
        r"""Of the mean over R random splits, whose training and test rows overlap.

        .. math:: \mathrm{var} = \left( \tfrac1R + \tfrac{n_{test}}{n_{train}} \right) s^2

        with the sample variance s² of the R means: the second term stands for what the splits have in
        common.

        Parameters
        ----------
        means : array of shape (n_repeats,)
            Mean score, or mean paired difference, on the test rows of each split.
        test_share : float
            Test rows over the other rows, n_test / n_train.

        Notes
        -----
        Nadeau and Bengio, Inference for the generalization error, Machine Learning 52 (2003), eq. 9.
        """
        n = len(means)
        variance = np.var(means, ddof=1) if n > 1 else np.inf
        error = float(np.sqrt((1 / n + test_share) * variance))
        return cls(float(np.mean(means)), error, max(n - 1, 1), "corrected resampled t")

    def widened(self, factor: float, method: str) -> Self:
        """The same mean with a standard error so many times as large."""
        return replace(self, standard_error=factor * self.standard_error, method=method)

    def ends(self, confidence: float) -> tuple[float, float]:
        """Symmetric about the mean."""
        if self.standard_error == 0:
            return self.value, self.value
        half = float(stats.t.ppf((1 + confidence) / 2, self.degrees)) * self.standard_error
        return self.value - half, self.value + half

    def p_value(self, slack: float = 0.0) -> float:
        """Two-sided, of the hypothesis that the expectation is within `slack` of zero."""
        beyond = max(abs(self.value) - slack, 0.0)
        if beyond == 0:
            return 1.0
        if self.standard_error == 0:
            return 0.0
        return float(2 * stats.t.sf(beyond / self.standard_error, self.degrees))


@dataclass(frozen=True)
class BootstrapError:
    r"""Of a mean, by the bias-corrected and accelerated bootstrap (BCa).

    The end at level u is the quantile of the resampled means at

    .. math:: \Phi\!\left( z_0 + \frac{z_0 + z_u}{1 - a (z_0 + z_u)} \right)

    with the bias :math:`z_0 = \Phi^{-1}(` share of resampled means below the mean :math:`)` and the
    acceleration :math:`a = \sum_i d_i^3 / 6 (\sum_i d_i^2)^{3/2}`, :math:`d_i` the deviations of the scores.

    Notes
    -----
    Efron, Better bootstrap confidence intervals, JASA 82 (1987).
    """

    value: float
    resampled: np.ndarray
    acceleration: float
    method: str = "BCa bootstrap"

    def widened(self, factor: float, method: str) -> Self:
        """The same mean with resampled means so many times as far away."""
        return replace(self, resampled=self.value + factor * (self.resampled - self.value), method=method)

    def ends(self, confidence: float) -> tuple[float, float]:
        """Uneven where the scores are skewed; the mean lies inside."""
        below, ties = np.mean(self.resampled < self.value), np.mean(self.resampled == self.value)
        n = len(self.resampled)
        bias = ndtri(np.clip(below + ties / 2, 0.5 / n, 1 - 0.5 / n))
        shifted = bias + ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
        levels = ndtr(bias + shifted / (1 - self.acceleration * shifted))
        lower, upper = np.quantile(self.resampled, levels)
        return min(float(lower), self.value), max(float(upper), self.value)


def bootstrap_errors(
    columns: np.ndarray, generator: np.random.Generator, clusters: np.ndarray | None = None
) -> list[SamplingError]:
    """The error of the mean of each column; all columns are resampled by the same rows, or groups of rows.

    Cost: `N_RESAMPLES` passes over at most `MOST_RESAMPLED` numbers a column.
    """
    means = columns.mean(axis=0)
    deviations, sizes = columns - means, np.ones(len(columns))
    if clusters is not None:
        group = np.unique(clusters, return_inverse=True)[1]
        sizes = np.bincount(group).astype(np.float64)
        deviations = np.column_stack([np.bincount(group, column) for column in deviations.T])
    squares = (deviations**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        accelerations = np.where(squares > 0, (deviations**3).sum(axis=0) / (6 * squares**1.5), 0.0)
    resampled = means + _resampled_means(deviations, sizes, generator)
    found = zip(means, resampled.T, accelerations, strict=True)
    return [BootstrapError(float(mean), draws, float(a)) for mean, draws, a in found]


def _resampled_means(columns: np.ndarray, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Means of each column over rows, or groups of so many, drawn with replacement: one row a resample."""
    sums, sizes = _in_sets(columns, sizes, generator)
    n = len(sums)
    weighed = np.column_stack([sums, sizes])
    totals = np.empty((N_RESAMPLES, weighed.shape[1]))
    for start in range(0, N_RESAMPLES, _AT_ONCE):
        drawn = generator.integers(n, size=(_AT_ONCE, n)) + n * np.arange(_AT_ONCE)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * _AT_ONCE).reshape(_AT_ONCE, n)
        totals[start : start + _AT_ONCE] = times.astype(np.float64) @ weighed
    return totals[:, :-1] / totals[:, -1:]


def _in_sets(
    columns: np.ndarray, sizes: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over random sets of rows, and their sizes; up to `MOST_RESAMPLED` rows are sets alone."""
    n = len(columns)
    if n <= MOST_RESAMPLED:
        return columns, sizes
    starts, order = (
        np.linspace(0, n, MOST_RESAMPLED, endpoint=False).astype(np.int64),
        generator.permutation(n),
    )
    return np.add.reduceat(columns[order], starts, axis=0), np.add.reduceat(sizes[order], starts)


INTERVALS = {word: word for word in ("student", "bca")}
"""The ways to an interval for a mean, by the user's word."""
