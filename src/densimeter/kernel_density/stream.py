"""A Gaussian estimate of rows that are seen once and not kept: its Fourier summary, in constant memory.

What it cannot keep is the promise in the tails: the series knows the density to an absolute error, and
without the rows there is no exact engine to ask. Where that error is too much for `log_tol`, the error bound
says so, and the value is an upper bound of the log-density.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from densimeter.foundations.errors import DataError, SettingError
from densimeter.kernel_density.columns import in_units, ranges
from densimeter.kernel_density.costs import MOST_GRID_BYTES
from densimeter.kernel_density.direct import DirectEngine
from densimeter.kernel_density.fourier import (
    LARGEST_EXTENT,
    QUERY_MARGIN,
    FourierBox,
    FourierSummary,
    as_log_sums,
)
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums, WeightedRows
from densimeter.kernel_density.profiles import Gaussian

ROOM = 2.0
"""The box is this many times as wide as the first batch."""
MOST_STRAYS = 10_000
"""Rows outside the box are kept; more are an error."""


@dataclass(frozen=True, slots=True)
class StreamedSum:
    """A mergeable summary of rows: their Fourier coefficients on a box, and the few rows outside of it.

    Parameters
    ----------
    centre, scales : ndarray of shape (n_features,)
        Middle of the box and bandwidth of each column.
    summary : FourierSummary
        Of the rows in the box, with their weights as given.
    strays : ndarray of shape (n_strays, n_features)
        Rows outside the box.
    stray_weights : ndarray of shape (n_strays,)
    n_rows : int
    """

    centre: np.ndarray
    scales: np.ndarray
    summary: FourierSummary
    strays: np.ndarray
    stray_weights: np.ndarray
    n_rows: int

    @classmethod
    def around(cls, points: np.ndarray, scales: np.ndarray) -> Self:
        """The summary of no rows, on a box with room around `points`.

        Raises
        ------
        SettingError
            If there are more than three columns, or the grid for this bandwidth would need too much memory.
        """
        n_features = points.shape[1]
        if n_features > 3:
            raise SettingError(
                f"partial_fit works for up to 3 columns, not {n_features}", "give all rows to fit at once"
            )
        low, high = ranges(points)
        centre = low / 2 + high / 2
        half_extent = ROOM * (high / 2 - low / 2) / scales + 4 * QUERY_MARGIN
        box = FourierBox.around(half_extent) if np.all(half_extent < LARGEST_EXTENT) else None
        if box is None or box.memory > MOST_GRID_BYTES:
            raise SettingError(
                "the bandwidth is too small against the rows' range to sum them in constant memory",
                "give all rows to fit at once, or a wider bandwidth",
            )
        nobody = np.empty((0, n_features))
        return cls(centre, scales, FourierSummary.zero(box), nobody, np.empty(0), 0)

    @property
    def weight(self) -> float:
        """Total weight of all rows."""
        return self.summary.weight + float(self.stray_weights.sum())

    def add(self, points: np.ndarray, weights: np.ndarray) -> Self:
        """The summary with further rows.

        Raises
        ------
        DataError
            If too many rows lie outside the box.
        """
        unit_points = in_units(points, self.centre, self.scales)
        inside = self.summary.box.holds(unit_points)
        batch = replace(
            self,
            summary=FourierSummary.of(self.summary.box, unit_points[inside], weights[inside])
            if inside.any()
            else FourierSummary.zero(self.summary.box),
            strays=points[~inside],
            stray_weights=weights[~inside],
            n_rows=len(points),
        )
        return self.merge(batch)

    def merge(self, other: Self) -> Self:
        """The summary of the rows of both, which share their box."""
        strays = np.concatenate([self.strays, other.strays])
        if len(strays) > MOST_STRAYS:
            raise DataError(
                f"{len(strays)} rows lie outside {ROOM:g} times the range of the first batch",
                "shuffle the rows, so that the first batch spans them",
            )
        return replace(
            self,
            summary=self.summary.merge(other.summary),
            strays=strays,
            stray_weights=np.concatenate([self.stray_weights, other.stray_weights]),
            n_rows=self.n_rows + other.n_rows,
        )

    def finish(self) -> Self:
        """Itself: it answers queries as it is."""
        return self

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums with a bound on the error of each; upper bounds where that is infinite."""
        unit_queries = in_units(queries, self.centre, self.scales)
        inside = self.summary.box.answers(unit_queries)
        sums = np.zeros(len(queries))
        if inside.any():
            sums[inside] = self.summary.sums(unit_queries[inside])[0]
        share = self.summary.weight / self.weight
        absolute = share * self.summary.box.absolute_error(self.n_rows)
        sums = np.maximum(sums / self.weight, 0.0)
        if len(self.strays):
            rows = WeightedRows.of(self.strays, self.stray_weights)
            of_strays = DirectEngine(KernelSum(rows, self.scales, Gaussian())).log_sums(queries, log_tol)
            sums += (1 - share) * np.exp(of_strays.values)
        found = as_log_sums(sums, absolute)
        unknown = ~np.isfinite(found.error)
        found.values[unknown] = np.log(sums[unknown] + absolute)
        return found
