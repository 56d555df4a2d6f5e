"""Log-sums for many bandwidths in one pass over the rows.

Candidates are multiples of one shape. By the direct sum every distance is computed once for all of them. By
Fourier series the rows are transformed once for all candidates within a factor of `WIDEST_GROUP`; each
further transform answers two candidates. In a leave-one-out sum the row's own term is taken out; where that
loses the digits, at isolated rows, the sum without it is taken over the nearest rows, or directly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from densimeter.kernel_density.costs import SECONDS_PER_ROW_IN_TREE, pairs_seconds, points_seconds
from densimeter.kernel_density.direct import scan_directly
from densimeter.kernel_density.fourier import as_log_sums
from densimeter.kernel_density.fourier_engine import FourierEngine
from densimeter.kernel_density.kernel_sum import KernelSum
from densimeter.kernel_density.neighbours import NeighbourEngine
from densimeter.kernel_density.profiles import Gaussian

WIDEST_GROUP = 1.7
"""Widest over narrowest bandwidth of a group, which shares one transform of the rows.

A group has the wide box of its widest bandwidth and the fine grid of its narrowest. One group for all of 20
candidates from 0.05 to 1 takes eleven times longer (10,000 rows, 2 columns: 1.69 against 0.15 CPU seconds),
and would save 4 of 15 transforms.
"""


def log_sums_over(
    kernel_sum: KernelSum, queries: np.ndarray | None, factors: np.ndarray, log_tol: float
) -> np.ndarray:
    """Log-sums for each bandwidth ``factor * scales``, ``(n_factors, n_queries)``.

    The mean of their errors is below `log_tol`, for each bandwidth; means are what candidates are judged on.
    Without `queries` they are leave-one-out sums: each row's under all others, whose weights are not
    rescaled, and the mean is that with the rows' weights.
    """
    leave_one_out = queries is None
    points = kernel_sum.rows.points if queries is None else queries
    values = np.full((len(factors), len(points)), np.nan)
    for group in _groups(factors):
        widths = factors[group] / factors[group[0]]
        engine = FourierEngine(
            replace(kernel_sum, scales=kernel_sum.scales * factors[group[0]]), list(widths)
        )
        if _fourier_is_faster(engine, len(points)):
            values[group] = _by_fourier(engine, points, log_tol, leave_one_out)
    _complete(kernel_sum, points, factors, log_tol, values, leave_one_out)
    return values


def _groups(factors: np.ndarray) -> list[np.ndarray]:
    """Positions of the ascending `factors` in runs within `WIDEST_GROUP` of their smallest."""
    groups: list[list[int]] = []
    for position, factor in enumerate(factors):
        if not groups or factor > WIDEST_GROUP * factors[groups[-1][0]]:
            groups.append([])
        groups[-1].append(position)
    return [np.array(group) for group in groups]


def _fourier_is_faster(engine: FourierEngine, n_queries: int) -> bool:
    kernel_sum = engine.kernel_sum
    if not isinstance(kernel_sum.kernel, Gaussian) or kernel_sum.n_features > 3:
        return False
    n_rows = len(kernel_sum.rows)
    direct = len(engine.widths) * pairs_seconds(kernel_sum.kernel, kernel_sum.n_features, n_queries * n_rows)
    # the layout is not planned where the least it could cost is too much
    if points_seconds(kernel_sum.n_features, n_rows + n_queries) > direct:
        return False
    return engine.layout.seconds * max(n_queries / n_rows, 0.3) < direct


def _by_fourier(engine: FourierEngine, points: np.ndarray, log_tol: float, leave_one_out: bool) -> np.ndarray:
    """Log-sums of one group; NaN where the errors of the series would exceed the budget."""
    sums, errors = engine.sums(points)
    shares = np.full(len(points), 1 / len(points))
    if leave_one_out:
        shares = engine.kernel_sum.rows.weights
        sums = sums - shares
    logs = as_log_sums(sums, errors)
    for values, error in zip(logs.values, logs.error, strict=True):
        values[_beyond_budget(error, shares, log_tol / 2)] = np.nan
    return logs.values


def _beyond_budget(error: np.ndarray, shares: np.ndarray, budget: float) -> np.ndarray:
    """Positions of the largest errors, so many that the mean of the others is within `budget`."""
    large = np.flatnonzero(~(error <= budget / 2))
    large = large[np.argsort(error[large])]
    with np.errstate(invalid="ignore"):
        spent = np.cumsum(shares[large] * error[large])
    return large[~(spent <= budget / 2)]


def _complete(
    kernel_sum: KernelSum,
    points: np.ndarray,
    factors: np.ndarray,
    log_tol: float,
    values: np.ndarray,
    leave_one_out: bool,
) -> None:
    """Fill what is NaN: from the nearest rows where that pays, and by the direct sum."""
    n_missing = int(np.isnan(values).sum())
    direct = pairs_seconds(kernel_sum.kernel, kernel_sum.n_features, n_missing * len(kernel_sum.rows))
    if direct > 0.1 + len(kernel_sum.rows) * SECONDS_PER_ROW_IN_TREE:
        _complete_from_neighbours(kernel_sum, points, factors, log_tol, values, leave_one_out)
    _complete_directly(kernel_sum, points, factors, log_tol, values, leave_one_out)


def _complete_from_neighbours(
    kernel_sum: KernelSum,
    points: np.ndarray,
    factors: np.ndarray,
    log_tol: float,
    values: np.ndarray,
    leave_one_out: bool,
) -> None:
    engine = NeighbourEngine(kernel_sum)
    for group in _groups(factors):  # factors near each other miss nearly the same and share their neighbours
        missing = np.isnan(values[group])
        which = np.flatnonzero(missing.any(axis=0))
        own = which if leave_one_out else None
        found, known = engine.scan(points[which], factors[group], log_tol / 2, own)
        filled = np.where(known & missing[:, which], found, values[np.ix_(group, which)])
        values[np.ix_(group, which)] = filled


def _complete_directly(
    kernel_sum: KernelSum,
    points: np.ndarray,
    factors: np.ndarray,
    log_tol: float,
    values: np.ndarray,
    leave_one_out: bool,
) -> None:
    """Fill what is NaN by the direct sum: factors that miss the same queries share their distances."""
    alike: dict[bytes, list[int]] = {}
    for position, missing in enumerate(np.isnan(values)):
        if missing.any():
            alike.setdefault(missing.tobytes(), []).append(position)
    for same in alike.values():
        which = np.flatnonzero(np.isnan(values[same[0]]))
        own = which if leave_one_out else None
        values[np.array(same)[:, None], which] = scan_directly(
            kernel_sum, points[which], factors[same], log_tol / 2, own
        )
