"""The rows of an estimate: distinct, with weights that sum to one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
        return cls(points, logs - np.logaddexp.reduce(logs))

    @property
    def weights(self) -> np.ndarray:
        """The weights, summing to one."""
        return np.exp(self.log_weights)

    def distinct(self) -> WeightedRows:
        """Tied rows made one, their weights added."""
        points, inverse = np.unique(self.points, axis=0, return_inverse=True)
        if len(points) == len(self.points):
            return self
        summed = np.bincount(inverse.ravel(), self.weights, minlength=len(points))
        return WeightedRows.of(points, summed)

    def __len__(self) -> int:
        return len(self.points)
