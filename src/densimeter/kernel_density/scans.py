"""Log-sums for many bandwidths in one pass over the rows.

Candidates are multiples of one shape. By the direct sum every distance is computed once for all of them. By
Fourier series the rows are transformed once for all candidates within a factor of `WIDEST_GROUP`; each
further transform answers two candidates. In a leave-one-out sum the row's own term is taken out; where that
loses the digits, at isolated rows, the sum without it is computed directly.
"""

from __future__ import annotations

import numpy as np

from densimeter.kernel_density.direct import scan_directly
from densimeter.kernel_density.fourier import QUERY_MARGIN, FourierBox, FourierSummary, as_log_sums
from densimeter.kernel_density.kernel_sum import KernelSum
from densimeter.kernel_density.planner import (
    MOST_GRID_BYTES,
    SECONDS_PER_GAUSSIAN_PAIR,
    transform_seconds,
)
from densimeter.kernel_density.profiles import Gaussian

WIDEST_GROUP = 2.5
"""A wide group has a wide box for its widest bandwidth and a fine grid for its narrowest."""


def log_sums_over(
    kernel_sum: KernelSum, queries: np.ndarray | None, factors: np.ndarray, log_tol: float
) -> np.ndarray:
    """Log-sums for each bandwidth ``factor * scales`` within `log_tol`, ``(n_factors, n_queries)``.

    Without `queries` they are leave-one-out sums: each row's under all others, whose weights are not
    rescaled.
    """
    leave_one_out = queries is None
    points = kernel_sum.rows.points if queries is None else queries
    values = np.full((len(factors), len(points)), np.nan)
    for group in _groups(factors):
        if _fourier_is_faster(kernel_sum, factors[group], len(points)):
            values[group] = _by_fourier(kernel_sum, points, factors[group], log_tol, leave_one_out)
    _complete_directly(kernel_sum, points, factors, log_tol, values, leave_one_out)
    return values


def _groups(factors: np.ndarray) -> list[np.ndarray]:
    """Positions of the ascending `factors` in runs within `WIDEST_GROUP` of their smallest."""
    groups: list[list[int]] = []
    for position, factor in enumerate(factors):
        if not groups or factor > WIDEST_GROUP * factors[groups[-1][0]]:
            groups.append([])
        groups[-1].append(position)
    return [np.array(group) for group in groups]


def _fourier_is_faster(kernel_sum: KernelSum, factors: np.ndarray, n_queries: int) -> bool:
    if not isinstance(kernel_sum.kernel, Gaussian) or kernel_sum.n_features > 3:
        return False
    half_extent = kernel_sum.half_extent / factors[0]
    if not np.all(half_extent < 1e8):
        return False
    box = FourierBox.around(half_extent, factors[-1] / factors[0])
    n_transforms = 1 + len(factors) / 2
    fourier = n_transforms * transform_seconds(box, (len(kernel_sum.rows) + n_queries) / 2)
    direct = n_queries * len(kernel_sum.rows) * SECONDS_PER_GAUSSIAN_PAIR * len(factors)
    return box.memory <= MOST_GRID_BYTES and fourier < direct


def _by_fourier(
    kernel_sum: KernelSum, points: np.ndarray, factors: np.ndarray, log_tol: float, leave_one_out: bool
) -> np.ndarray:
    """Log-sums of one group; NaN where the series cannot promise `log_tol`."""
    widths = factors / factors[0]
    box = FourierBox.around(kernel_sum.half_extent / factors[0], widths[-1])
    weights = kernel_sum.rows.weights
    summary = FourierSummary.of(box, kernel_sum.unit_points / factors[0], weights)
    unit_queries = kernel_sum.in_units(points) / factors[0]
    inside = box.covers(unit_queries, QUERY_MARGIN * float(widths[-1]))
    values = np.full((len(factors), len(points)), np.nan)
    if not inside.any():
        return values
    sums = summary.sums_of_widths(unit_queries[inside], widths)
    if leave_one_out:
        sums = sums - weights[inside]
    logs = as_log_sums(sums, box.absolute_error(len(weights)))
    values[:, inside] = np.where(logs.error <= log_tol, logs.values, np.nan)
    return values


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
            kernel_sum, points[which], factors[same], log_tol, own
        )
