"""The function every engine computes: ``q -> log Σ_i w_i k(‖(q - x_i) / h‖)``, and what an engine returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from densimeter.kernel_density.columns import in_units, ranges
from densimeter.kernel_density.profiles import Kernel


@dataclass(frozen=True, slots=True)
class WeightedRows:
    """Rows ``(n_rows, n_features)``, float64, and log-weights ``(n_rows,)`` whose exponentials sum to one."""

    points: np.ndarray
    log_weights: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, weights: np.ndarray | None = None) -> WeightedRows:
        """All rows of `X` with weights proportional to `weights`, or equal.

        Examples
        --------
        >>> np.exp(WeightedRows.of(np.array([[1.0], [2.0]]), np.array([1.0, 3.0])).log_weights)
        array([0.25, 0.75])
        """
        points = np.ascontiguousarray(X, np.float64)
        if weights is None:
            return cls(points, np.full(len(points), -np.log(len(points))))
        logs = np.log(np.asarray(weights, np.float64))
        logs -= logs.max()
        return cls(points, logs - np.log(np.exp(logs).sum()))

    @property
    def weights(self) -> np.ndarray:
        """The weights, summing to one."""
        return np.exp(self.log_weights)

    def distinct(self) -> WeightedRows:
        """Tied rows made one, their weights added."""
        if np.all(np.diff(np.sort(self.points[:, 0])) > 0):
            return self
        order = np.lexsort(self.points.T[::-1])
        ordered = self.points[order]
        is_new = np.concatenate([[True], np.any(ordered[1:] != ordered[:-1], axis=1)])
        if is_new.all():
            return self
        summed = np.bincount(np.cumsum(is_new) - 1, self.weights[order])
        return WeightedRows.of(ordered[is_new], summed)

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class KernelSum:
    """Weighted rows, a bandwidth per column of them, and a kernel.

    Parameters
    ----------
    rows : WeightedRows
    scales : ndarray of shape (n_features,)
        Bandwidth of each column.
    kernel : Kernel
    """

    rows: WeightedRows
    scales: np.ndarray
    kernel: Kernel

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.rows.points.shape[1]

    @cached_property
    def ranges(self) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and the largest value of each column."""
        return ranges(self.rows.points)

    @cached_property
    def centre(self) -> np.ndarray:
        """The middle of the rows, from which unit coordinates are measured."""
        low, high = self.ranges
        return low / 2 + high / 2

    def in_units(self, points: np.ndarray) -> np.ndarray:
        """Points in bandwidths from the centre; beyond the range of floats they are infinite."""
        return in_units(points, self.centre, self.scales)

    @cached_property
    def unit_points(self) -> np.ndarray:
        """The rows in bandwidths from the centre."""
        return self.in_units(self.rows.points)

    @cached_property
    def half_extent(self) -> np.ndarray:
        """Half of the rows' range in each column, in bandwidths."""
        low, high = self.in_units(np.stack(self.ranges))
        return np.maximum(high, -low)


@dataclass(frozen=True, slots=True)
class LogSums:
    """Log-sums at the queries and a bound on the error of each, infinite where nothing is known."""

    values: np.ndarray
    error: np.ndarray


class Engine(Protocol):
    """A way to compute a `KernelSum` at queries."""

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums at `queries`, shape ``(n_queries, n_features)``, aiming at an error below `log_tol`."""
        ...
