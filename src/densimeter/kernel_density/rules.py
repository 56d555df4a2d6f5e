"""Bandwidths from a formula, per column: Scott's and Silverman's normal reference, Botev's plug-in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.fft import dct
from scipy.optimize import brentq

from densimeter.foundations.errors import DataError, FitError
from densimeter.kernel_density.kernel_sum import WeightedRows

Rule = Callable[[WeightedRows], np.ndarray]


def scott(rows: WeightedRows) -> np.ndarray:
    """Standard deviation of each column × ``n_eff^(-1/(d+4))``, shape ``(n_features,)``.

    ``n_eff = 1 / Σ w²`` is the effective number of rows, and the variance is the unbiased one,
    ``Σ w (x - mean)² / (1 - Σ w²)``: the numbers of `scipy.stats.gaussian_kde`. Scott, Multivariate Density
    Estimation (1992), eq. 6.42.

    Raises
    ------
    DataError
        If a column is constant: no rule can give it a width.

    Examples
    --------
    >>> scott(WeightedRows.of(np.array([[-1.0], [1.0]])))  # √2 × 2^(-1/5)
    array([1.23114...])
    """
    return _spread(rows) / math.sqrt(1 - 1 / _effective_number(rows)) * _factor(rows)


def silverman(rows: WeightedRows) -> np.ndarray:
    """Scott's rule × ``(4 / (d + 2))^(1/(d+4))``: optimal for normal columns.

    Silverman, Density Estimation (1986), eq. 4.14.
    """
    n_features = rows.points.shape[1]
    return scott(rows) * (4 / (n_features + 2)) ** (1 / (n_features + 4))


def reference_widths(rows: WeightedRows) -> np.ndarray:
    """Scott's rule with tied rows counted once: the unit of searches, which leave tied rows out together.

    Repeating rows and weighting them is then the same, to the last candidate.
    """
    rows = rows.distinct()
    return _spread(rows) * _factor(rows)


def _factor(rows: WeightedRows) -> float:
    return _effective_number(rows) ** (-1 / (rows.points.shape[1] + 4))


def improved_sheather_jones(rows: WeightedRows) -> np.ndarray:
    """The plug-in bandwidth of each column by itself, that assumes no normal reference.

    The fixed point ``t = ξ γ(t)`` of Botev, Grotowski and Kroese, "Kernel density estimation via diffusion",
    Annals of Statistics 38 (2010), eq. 29-31, with seven stages, on the cosine transform of 2^14 bins. The
    bandwidth is √t. It was made for one column; for several it is a rule per column, narrower than the
    optimum.

    Raises
    ------
    DataError
        If a column is constant.
    FitError
        If a column has no fixed point, as happens with few or heavily tied rows.
    """
    rows = rows.distinct()
    _spread(rows)
    columns = range(rows.points.shape[1])
    return np.array([_botev_width(rows.points[:, j], rows.weights, j) for j in columns])


def _spread(rows: WeightedRows) -> np.ndarray:
    """The weighted standard deviation of each column."""
    middle = rows.points[0]
    centred = rows.points - middle
    reach = np.abs(centred).max(axis=0)
    constant = np.flatnonzero(~(reach > 0))
    if len(constant):
        raise DataError(
            f"column {constant[0]} is constant, so n_samples={len(rows)} rows give it no bandwidth",
            "leave the column out, or give bandwidth as a number",
        )
    unit = centred / reach
    mean = rows.weights @ unit
    return np.sqrt(rows.weights @ (unit - mean) ** 2) * reach


def _effective_number(rows: WeightedRows) -> float:
    return float(1 / np.sum(rows.weights**2))


def _botev_width(column: np.ndarray, weights: np.ndarray, index: int, n_bins: int = 2**14) -> float:
    low, high = column.min(), column.max()
    margin = (high - low) / 10
    low, width = low - margin, high - low + 2 * margin
    distinct, inverse = np.unique(column, return_inverse=True)
    merged = np.bincount(inverse, weights)
    n_effective = 1 / np.sum(merged**2)
    bins = np.minimum(((distinct - low) / width * n_bins).astype(int), n_bins - 1)
    shares = np.bincount(bins, merged, minlength=n_bins)
    squares = (np.asarray(dct(shares, type=2))[1:] / 2) ** 2
    frequencies = np.arange(1, n_bins, dtype=np.float64) ** 2

    def excess(t: float) -> float:
        return t - _next_stage(t, n_effective, frequencies, squares)

    grid = np.geomspace(1e-10, 0.1, 60)
    signs = np.sign([excess(t) for t in grid])
    crossings = np.flatnonzero((signs[:-1] < 0) & (signs[1:] > 0))
    if len(crossings) == 0:
        raise FitError(
            f"the plug-in bandwidth of column {index} has no fixed point", "choose bandwidth='likelihood'"
        )
    first = crossings[0]
    root: Any = brentq(excess, grid[first], grid[first + 1])
    return math.sqrt(root) * width


def _next_stage(t: float, n_effective: float, frequencies: np.ndarray, squares: np.ndarray) -> float:
    """``ξ γ(t)``: from the norm of the seventh derivative down to that of the second."""
    norm = _derivative_norm(7, t, frequencies, squares)
    for s in range(6, 1, -1):
        odd = math.prod(range(1, 2 * s, 2)) / math.sqrt(2 * math.pi)
        constant = (1 + 0.5 ** (s + 0.5)) / 3
        time = (2 * constant * odd / (n_effective * norm)) ** (2 / (3 + 2 * s))
        norm = _derivative_norm(s, time, frequencies, squares)
    return (2 * n_effective * math.sqrt(math.pi) * norm) ** (-2 / 5)


def _derivative_norm(order: int, t: float, frequencies: np.ndarray, squares: np.ndarray) -> float:
    """Squared norm of the derivative of `order` of the estimate at diffusion time t, on the unit interval."""
    decay = np.exp(-frequencies * math.pi**2 * t)
    norm = 2 * math.pi ** (2 * order) * float(np.sum(frequencies**order * squares * decay))
    return max(norm, np.finfo(float).tiny)


RULES: Mapping[str, Rule] = {
    "scott": scott,
    "silverman": silverman,
    "isj": improved_sheather_jones,
}
"""The rules by name."""
