"""Log-sums for many bandwidths in one pass over the rows.

Candidates are multiples of one shape. By the direct sum every distance is computed once for all of them. By
Fourier series the rows are transformed once for all candidates within a factor of `WIDEST_GROUP`; each
further transform answers two candidates. In a leave-one-out sum the row's own term is taken out; where that
loses the digits, at isolated rows, the sum without it is taken over the nearest rows, or directly.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from densimeter.foundations.processors import n_processors
from densimeter.kernel_density.accuracy import FINE, LEAN, Accuracy
from densimeter.kernel_density.costs import SECONDS_PER_ROW_IN_TREE, pairs_seconds, points_seconds
from densimeter.kernel_density.direct import scan_directly
from densimeter.kernel_density.fourier import LARGEST_EXTENT, QUERY_MARGIN, as_log_sums
from densimeter.kernel_density.fourier_engine import FourierEngine
from densimeter.kernel_density.kernel_sum import KernelSum
from densimeter.kernel_density.neighbours import NeighbourEngine
from densimeter.kernel_density.profiles import Gaussian

WIDEST_GROUP = 1.8
"""Widest over narrowest bandwidth of a group, which shares one transform of the rows.

A group has the wide box of its widest bandwidth and the fine grid of its narrowest.
"""
ROUNDING_MARGIN = 0.01
"""Bandwidths outside the rows' box where rows as queries may fall, by rounding."""
SECONDS_TO_SHARE = 0.5
"""Groups that take longer use all cores one after the other; several at once would need their memory."""
MOST_WASTED_PAIRS = 1.5e6
"""Pairs that take as long as one more call."""


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
    engines = [
        (group, engine)
        for group in _groups(factors)
        for engine in [_engine(kernel_sum, factors[group], log_tol, leave_one_out)]
        if _fourier_is_faster(engine, len(points))
    ]

    def fill(group_and_engine: tuple[np.ndarray, FourierEngine]) -> None:
        group, engine = group_and_engine
        values[group] = _by_fourier(engine, points, log_tol, leave_one_out)

    with ThreadPoolExecutor(_n_at_once([engine for _, engine in engines])) as pool:
        list(pool.map(fill, engines))
    _complete(kernel_sum, points, factors, log_tol, values, leave_one_out)
    return values


def _engine(kernel_sum: KernelSum, factors: np.ndarray, log_tol: float, leave_one_out: bool) -> FourierEngine:
    """The Fourier series of one group."""
    narrowest = replace(kernel_sum, scales=kernel_sum.scales * factors[0])
    margin = ROUNDING_MARGIN if leave_one_out else QUERY_MARGIN
    return FourierEngine(narrowest, list(factors / factors[0]), _accuracy(narrowest, log_tol), margin)


def _n_at_once(engines: list[FourierEngine]) -> int:
    """How many groups are summed at once: as many as there are cores, if none fills them by itself."""
    if sum(engine.layout.seconds for engine in engines) > SECONDS_TO_SHARE:
        return 1
    return n_processors()


def _groups(factors: np.ndarray) -> list[np.ndarray]:
    """Positions of the ascending `factors` in runs within `WIDEST_GROUP` of their smallest."""
    groups: list[list[int]] = []
    for position, factor in enumerate(factors):
        if not groups or factor > WIDEST_GROUP * factors[groups[-1][0]]:
            groups.append([])
        groups[-1].append(position)
    return [np.array(group) for group in groups]


def _accuracy(kernel_sum: KernelSum, log_tol: float) -> Accuracy:
    """The leaner where it leaves nearly all rows within the budget of `log_tol` for the mean.

    With ``S = p √(2π)^d`` the mean of ``error / S`` over rows of density p is the error times their
    volume in units of ``√(2π)`` bandwidths.
    """
    if not np.all(kernel_sum.half_extent < LARGEST_EXTENT):
        return FINE
    with np.errstate(over="ignore"):  # the volume of wide rows is infinite as a float
        volume = np.prod(1 + 2 * kernel_sum.half_extent / math.sqrt(2 * math.pi))
    error = LEAN.absolute_error(kernel_sum.half_extent, len(kernel_sum.rows))
    return LEAN if error * volume <= log_tol else FINE


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
    missing = np.isnan(values)
    for run in _runs_that_share(missing, MOST_WASTED_PAIRS / len(kernel_sum.rows)):
        which = np.flatnonzero(missing[run].any(axis=0))
        own = which if leave_one_out else None
        found = scan_directly(kernel_sum, points[which], factors[run], log_tol / 2, own)
        here = np.array(run)[:, None], which
        values[here] = np.where(missing[here], found, values[here])


def _runs_that_share(missing: np.ndarray, most_wasted: float) -> list[list[int]]:
    """Positions of factors that miss queries, in runs for which all that one of them misses is computed.

    A run may compute half as many sums again as are missing, or `most_wasted` more.
    """
    runs: list[list[int]] = []
    for position in np.flatnonzero(missing.any(axis=1)):
        longer = [*runs[-1], int(position)] if runs else [int(position)]
        n_computed = len(longer) * missing[longer].any(axis=0).sum()
        n_missing = missing[longer].sum()
        if runs and n_computed - n_missing <= max(n_missing / 2, most_wasted):
            runs[-1] = longer
        else:
            runs.append([int(position)])
    return runs
