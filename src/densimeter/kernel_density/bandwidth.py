"""What one bandwidth unit is: the frame in which the kernel has one width per column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from densimeter.foundations.errors import SettingError

SMALLEST, LARGEST = 1e-300, 1e300
"""Bandwidths outside would overflow when divided by."""


class Bandwidth(Protocol):
    """The map from rows to the frame in which the kernel's axes are the columns."""

    @property
    def scales(self) -> np.ndarray:
        """Bandwidth of each column of the frame."""
        ...

    @property
    def log_volume(self) -> float:
        """Log of the volume of one bandwidth cell: log-densities per cell lose it to be per unit."""
        ...

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """Rows in the frame."""
        ...

    def gradient_from_frame(self, gradients: np.ndarray) -> np.ndarray:
        """Gradients with respect to the rows, from those with respect to the frame."""
        ...

    def spread(self, draws: np.ndarray) -> np.ndarray:
        """Draws from the kernel of width one, stretched to this bandwidth in the users' columns."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnBandwidth:
    """One positive bandwidth per column, in the units of the columns; the frame is the rows themselves.

    Examples
    --------
    >>> h = ColumnBandwidth(np.array([0.5, 0.5]))
    >>> round(h.log_volume, 4)
    -1.3863
    """

    scales: np.ndarray

    @property
    def log_volume(self) -> float:
        """Sum of the logs of the bandwidths."""
        return float(np.log(self.scales).sum())

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """The rows as they are: differences taken before the division lose no digits."""
        return points

    def gradient_from_frame(self, gradients: np.ndarray) -> np.ndarray:
        """The gradients as they are."""
        return gradients

    def spread(self, draws: np.ndarray) -> np.ndarray:
        """Each column times its bandwidth."""
        return draws * self.scales


@dataclass(frozen=True, slots=True)
class MatrixBandwidth:
    """A bandwidth matrix ``H = L Lᵀ``, the square of a width: ``H = h² I`` is the number h.

    The frame is ``L⁻¹ (x - origin)``.

    Examples
    --------
    >>> h = MatrixBandwidth.of(np.array([[4.0, 1.0], [1.0, 1.0]]), origin=np.zeros(2))
    >>> round(h.log_volume, 4)  # half the log of the determinant
    0.5493
    """

    lower: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray, origin: np.ndarray) -> MatrixBandwidth:
        """The bandwidth of a symmetric positive definite matrix.

        Raises
        ------
        SettingError
            If it is not one.
        """
        width = np.sqrt(np.abs(np.diag(matrix)))
        try:
            if not (np.all(width > 0) and np.allclose(matrix, matrix.T, rtol=1e-10, atol=0)):
                raise np.linalg.LinAlgError
            # scaled to a unit diagonal first, so that columns of very different units lose nothing
            lower = cholesky(matrix / width / width[:, None], lower=True) * width[:, None]
        except np.linalg.LinAlgError:
            raise SettingError(
                "the bandwidth matrix is not symmetric positive definite", "give a covariance-like matrix"
            ) from None
        return cls(lower, np.asarray(origin, np.float64))

    @property
    def scales(self) -> np.ndarray:
        """All one: the frame is in bandwidths."""
        return np.ones(len(self.lower))

    @property
    def log_volume(self) -> float:
        """Half the log of the determinant of H."""
        return float(np.log(np.diag(self.lower)).sum())

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """``L⁻¹ (x - origin)`` of each row."""
        return np.ascontiguousarray(solve_triangular(self.lower, (points - self.origin).T, lower=True).T)

    def gradient_from_frame(self, gradients: np.ndarray) -> np.ndarray:
        """``L⁻ᵀ g`` of each row."""
        return solve_triangular(self.lower, gradients.T, lower=True, trans=1).T

    def spread(self, draws: np.ndarray) -> np.ndarray:
        """``L z`` of each row."""
        return draws @ self.lower.T


def bandwidth_from(value: object, n_features: int, origin: np.ndarray) -> Bandwidth:
    """The bandwidth a user gave as a number, one per column, or a full matrix.

    Raises
    ------
    SettingError
        If it is not positive, not finite, or has the wrong shape.
    """
    try:
        given = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise SettingError(f"bandwidth {value!r} is not a number", "give a positive number") from None
    if given.shape not in ((), (n_features,), (n_features, n_features)):
        raise SettingError(
            f"bandwidth has shape {given.shape} for {n_features} columns",
            "give one number, one per column, or a square matrix",
        )
    if given.ndim == 2 and np.all(np.isfinite(given)):
        return MatrixBandwidth.of(given, origin)
    if not np.all((given >= SMALLEST) & (given <= LARGEST)):
        raise SettingError(
            f"bandwidth {value!r} is out of range",
            f"give positive numbers between {SMALLEST:g} and {LARGEST:g}",
        )
    return ColumnBandwidth(np.broadcast_to(given, (n_features,)).copy())
