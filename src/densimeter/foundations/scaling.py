"""Centre and scale of columns, and powers of two; the Jacobians keep log-densities in the user's units."""

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
    def of(cls, X: np.ndarray, weights: np.ndarray | None = None) -> ColumnScaling:
        """Mean and standard deviation of each column of `X`, weighted; a constant column keeps scale 1.

        Each column is brought to [-1, 1] before it is squared, so that values near 1e308 and near 1e-308
        give a finite scale.
        """
        X = np.asarray(X, np.float64)
        low, high = X.min(axis=0), X.max(axis=0)
        middle, reach = low / 2 + high / 2, high / 2 - low / 2
        reach = np.where(reach > 0, reach, 1.0)
        unit = (X / 2 - middle / 2) / reach * 2
        mean = np.average(unit, axis=0, weights=weights)
        spread = np.sqrt(np.average((unit - mean) ** 2, axis=0, weights=weights))
        scale = np.where(spread > 0, spread * reach, 1.0)
        return cls(middle + mean * reach, scale)

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


LARGEST_EASY = 2.0**333
"""Magnitudes from its inverse up to this (1e100) have squares, and sums of these, with room to spare."""


@dataclass(frozen=True, slots=True)
class BinaryScaling:
    """The division of each column by a power of two, ``z = x / 2**exponent``, which rounds nothing.

    Rows in units of 1e150 or of 1e-150 have squares at the end of the floating-point range or beyond it;
    divided by a power of two they are the same rows, to the last bit, in another unit. If z has log-density
    ``g``, then ``log p(x) = g(z) + log_jacobian``, in nats.

    Examples
    --------
    >>> scaling = BinaryScaling.of(np.array([[3e200, 0.5], [-1e200, 2.0]]))
    >>> scaling.exponents
    array([666,   0], dtype=int32)
    >>> scaling.apply(np.array([[3e200, 0.5]])).round(3)
    array([[0.98, 0.5 ]])
    """

    exponents: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, *, always: bool = False) -> BinaryScaling:
        """Exponents that bring the largest magnitude of each column of `X` to [1/2, 1).

        Columns whose largest magnitude is no trouble keep exponent zero unless `always`; NaN cells do not
        count.
        """
        X = np.asarray(X, np.float64)
        largest = np.fmax.reduce(np.abs(X), axis=0, initial=0.0)
        easy = (largest <= LARGEST_EASY) & (largest >= 1 / LARGEST_EASY)
        exponents = np.frexp(largest)[1]
        return cls(exponents if always else np.where(easy, 0, exponents).astype(np.int32))

    @property
    def is_identity(self) -> bool:
        """Whether every column is left as it is."""
        return not self.exponents.any()

    @property
    def log_jacobian(self) -> float:
        """What is added to a log-density of the divided rows to get that of the user's rows, in nats."""
        return float(-np.log(2.0) * self.exponents.sum())

    def apply(self, X: np.ndarray) -> np.ndarray:
        """The rows divided, in their dtype."""
        return np.ldexp(np.asarray(X), -self.exponents)

    def invert(self, Z: np.ndarray) -> np.ndarray:
        """The rows that `apply` makes `Z` of."""
        return np.ldexp(np.asarray(Z), self.exponents)
