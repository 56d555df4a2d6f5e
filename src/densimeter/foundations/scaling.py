"""Centre and scale of columns, with the Jacobian that keeps log-densities in the user's units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class ColumnScaling:
    """The affine map ``z = (x - location) / scale`` of each column.

    If z has log-density ``g``, then ``log p(x) = g(z) + log_jacobian`` with
    ``log_jacobian = -sum_j log scale_j``, in nats.

    Examples
    --------
    >>> scaling = ColumnScaling.of(np.array([[0.0, 0.0], [2.0, 20.0]]))
    >>> scaling.apply(np.array([[2.0, 20.0]]))
    array([[1., 1.]])
    >>> round(scaling.log_jacobian, 4)
    -2.3026
    """

    location: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray) -> ColumnScaling:
        """Mean and standard deviation of each column of `X`; a constant column keeps scale 1.

        Each column is brought to [-1, 1] before it is squared, so that values near 1e308 and near 1e-308
        give a finite scale.
        """
        X = np.asarray(X, np.float64)
        low, high = X.min(axis=0), X.max(axis=0)
        middle, reach = low / 2 + high / 2, high / 2 - low / 2
        reach = np.where(reach > 0, reach, 1.0)
        unit = (X / 2 - middle / 2) / reach * 2
        spread = unit.std(axis=0)
        scale = np.where(spread > 0, spread * reach, 1.0)
        return cls(middle + unit.mean(axis=0) * reach, scale)

    @property
    def log_jacobian(self) -> float:
        """What is added to a log-density of the scaled rows to get that of the user's rows, in nats."""
        return float(-np.log(self.scale).sum())

    def apply(self, X: np.ndarray) -> np.ndarray:
        """The scaled rows."""
        return (np.asarray(X, np.float64) - self.location) / self.scale

    def invert(self, Z: np.ndarray) -> np.ndarray:
        """The rows whose scaled image is `Z`."""
        return np.asarray(Z) * self.scale + self.location
