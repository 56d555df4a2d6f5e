"""What every known density offers, and the arithmetic they share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.errors import DataError
from densimeter.foundations.randomness import RandomState

LOG_2_PI = float(np.log(2 * np.pi))


class KnownDensity(Protocol):
    """A density whose logarithm is known exactly and that can be sampled exactly."""

    def log_prob(self, X: ArrayLike) -> np.ndarray:
        """Normalised log-density of each row of `X`, in nats, shape ``(n_samples,)``."""
        ...

    def sample(self, n_samples: int, random_state: RandomState = None) -> np.ndarray:
        """Independent rows, shape ``(n_samples, n_features)``."""
        ...


def as_points_of_the_plane(X: ArrayLike) -> np.ndarray:
    """`X` as float64 rows of two columns.

    Raises
    ------
    DataError
        If it has another shape.
    """
    points = np.asarray(X, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise DataError(
            f"the density lives on the plane, the rows have shape {points.shape}",
            "give an array of shape (n_samples, 2)",
        )
    return points
