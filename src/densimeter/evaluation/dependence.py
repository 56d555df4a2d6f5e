"""The error of a mean over rows that may hang together: independent rows, rows in groups, rows in time.

One home for the three: whatever the rows are, a mean has a Student-t error whose degrees of freedom count
what is independent in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from densimeter.evaluation.sampling_errors import StudentError

STRONGEST = 0.97
"""Autocorrelations are taken to be no stronger: beyond, a series is one observation."""


class Dependence(Protocol):
    """How the rows hang together over which a mean is taken."""

    @property
    def clusters(self) -> np.ndarray | None:
        """For each row the number of its group, where these are what is independent."""
        ...

    def error(self, scores: np.ndarray) -> StudentError:
        """Of the mean of the scores of these rows, ``(n_samples,)``, finite."""
        ...


@dataclass(frozen=True)
class Independent:
    """Rows that have nothing to do with each other."""

    clusters: None = None

    def error(self, scores: np.ndarray) -> StudentError:
        """Student's t."""
        return StudentError.of(scores)


@dataclass(frozen=True)
class Clustered:
    r"""Rows that hang together within groups, in any way, and not between them.

    With :math:`u_g` the sum of the deviations in group g, and :math:`w_g` its share of the rows,

    .. math:: \mathrm{var}(\bar x) = \frac{c}{n^2} \sum_g u_g^2

    The factor c and the degrees of freedom are those that make the first two moments of the sum right if rows
    of a group are equally correlated (as strongly as the analysis of variance says); for G groups of one size
    they are :math:`G / (G - 1)` and G - 1, for groups of one row Student's.

    Parameters
    ----------
    labels : array of shape (n_samples,)
        The number of each row's group.

    Notes
    -----
    Liang and Zeger, Biometrika 73 (1986); the moments as in Imbens and Kolesar, Robust standard errors in
    small samples, Rev. Econ. Stat. 98 (2016).
    """

    labels: np.ndarray

    @property
    def clusters(self) -> np.ndarray:
        """The labels."""
        return self.labels

    def error(self, scores: np.ndarray) -> StudentError:
        """By sums over groups; a single group has an error without bound."""
        n, mean = len(scores), float(scores.mean())
        _, group, sizes = np.unique(self.labels, return_inverse=True, return_counts=True)
        if len(sizes) < 2:
            return StudentError(mean, math.inf, 1, "Student t of 1 group")
        sums = np.bincount(group, scores - mean)
        variances = _variances_of_sums(scores - mean, group, sizes, sums)
        expected, degrees = _moments(variances, sizes / n)
        squares = float((sums**2).sum())
        error = math.sqrt(variances.sum() / expected * squares) / n
        return StudentError(mean, error, degrees, f"cluster-robust t, {len(sizes):,} groups")


def _variances_of_sums(
    deviations: np.ndarray, group: np.ndarray, sizes: np.ndarray, sums: np.ndarray
) -> np.ndarray:
    """Of the sum over each group, in any unit, if its rows are equally correlated."""
    n, n_groups = len(deviations), len(sizes)
    if n == n_groups:
        return np.ones(n)
    within = float(((deviations - (sums / sizes)[group]) ** 2).sum()) / (n - n_groups)
    typical_size = (n - float((sizes**2).sum()) / n) / (n_groups - 1)
    between = max((float((sums**2 / sizes).sum()) / (n_groups - 1) - within) / typical_size, 0.0)
    found = between * sizes**2 + within * sizes
    return found / found.max() if found.max() > 0 else sizes / sizes.max()


def _moments(variances: np.ndarray, shares: np.ndarray) -> tuple[float, float]:
    """The expectation of the sum of squared deviations of group sums, and its degrees of freedom."""
    total, crossed, square = variances.sum(), shares @ variances, shares @ shares
    expected = float((variances * (1 - 2 * shares)).sum() + square * total)
    norm = (
        (variances @ variances) * (1 + 2 * square)
        + 2 * crossed**2
        + (total * square) ** 2
        - 4 * (shares @ variances**2)
        + 2 * total * (variances @ shares**2)
        - 4 * total * square * crossed
    )
    return expected, float(expected**2 / norm)


@dataclass(frozen=True)
class Serial:
    r"""Rows that hang together with those near them in time.

    The long-run variance of the deviations, summed over the rows of each of T moments, is that of their
    residuals from a first-order autoregression, :math:`\omega^2 = \hat\omega_e^2 / (1 - \hat a)^2`, with the
    bias of :math:`\hat a` taken off; :math:`\hat\omega_e^2` is the mean of the squares of the first B cosine
    transforms of the residuals, :math:`B = 0.4 T^{2/3}`. Its degrees of freedom are B, less what is unknown
    of :math:`\hat a`: :math:`1 / \nu = 1 / B + (1 + \hat a) / (1 - \hat a) T`.

    Parameters
    ----------
    moments : array of shape (n_samples,)
        The place of each row in time; equal numbers are one moment.

    Notes
    -----
    Prewhitening: Andrews and Monahan, Econometrica 60 (1992). Cosines and t: Lazarus, Lewis, Stock and
    Watson, HAR inference, J. Bus. Econ. Stat. 36 (2018). Bias: Kendall, Biometrika 41 (1954).
    """

    moments: np.ndarray
    clusters: None = None

    def error(self, scores: np.ndarray) -> StudentError:
        """By sums over moments; fewer than eight have an error without bound."""
        n, mean = len(scores), float(scores.mean())
        moment = np.unique(self.moments, return_inverse=True)[1]
        deviations = np.bincount(moment, scores - mean)
        length = len(deviations)
        method = f"autocorrelation-robust t, {length:,} moments"
        if length < 8:
            return StudentError(mean, math.inf, 1, method)
        square = float(deviations @ deviations)
        if square == 0:
            return StudentError(mean, 0.0, length - 1, method)
        raw = float(deviations[1:] @ deviations[:-1]) / square
        slope = min(max(raw + (1 + 3 * raw) / length, 0.0), STRONGEST)
        residuals = deviations[1:] - slope * deviations[:-1] if slope > 0 else deviations
        n_cosines = max(int(0.4 * length ** (2 / 3)), 4)
        long_run = _low_frequency_power(residuals - residuals.mean(), n_cosines) / (1 - slope) ** 2
        unknown_slope = (1 + slope) / ((1 - slope) * length) if slope > 0 else 0.0
        degrees = max(1 / (1 / n_cosines + unknown_slope), 1.0)
        return StudentError(mean, math.sqrt(long_run * length) / n, degrees, method)


def _low_frequency_power(series: np.ndarray, n_cosines: int) -> float:
    """Mean square of the first cosine transforms, each of unit length."""
    places = (np.arange(len(series)) + 0.5) / len(series)
    squares = [
        float(np.cos(np.pi * frequency * places) @ series) ** 2 for frequency in range(1, n_cosines + 1)
    ]
    return 2 / len(series) * float(np.mean(squares))


def dependence_of(groups: np.ndarray | None, moments: np.ndarray | None) -> Dependence:
    """What rows with these labels are, where there are labels."""
    if moments is not None:
        return Serial(moments)
    return Independent() if groups is None else Clustered(groups)


LAGS = 5
"""Neighbours in file order whose scores are compared."""


def likeness_of_neighbours(scores: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    """Autocorrelation of the scores' normal ranks in the order of the rows' places, and its p-value.

    One-sided, by the mean over the first `LAGS` lags, which is normal with variance ``1 / n LAGS`` where the
    order means nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=500)
    >>> likeness_of_neighbours(noise, rng.permutation(500))[1] > 0.001
    True
    >>> likeness_of_neighbours(np.cumsum(noise), np.arange(500))[1] < 1e-6
    True
    """
    n = len(scores)
    if n < 20:
        return 0.0, 1.0
    ordered = ndtri((rankdata(scores[np.argsort(places, kind="stable")]) - 0.5) / n)
    square = float(ordered @ ordered)
    if square == 0:
        return 0.0, 1.0
    likeness = [float(ordered[lag:] @ ordered[:-lag]) / square for lag in range(1, LAGS + 1)]
    mean = float(np.mean(likeness)) + 1 / n  # ranks add up to nothing, which lowers each by so much
    return likeness[0], float(ndtr(-mean * math.sqrt(n * LAGS)))
