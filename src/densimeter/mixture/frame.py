"""The centred and scaled coordinates in which EM runs, and the way back to the user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.foundations.errors import DataError
from densimeter.mixture.families import Family, Parameters


@dataclass(frozen=True, slots=True)
class Frame:
    """The map ``z = (x - location) / scale`` with a scale that the covariance family allows.

    `spread` is the weighted standard deviation of each column (1 where it is zero), `scale` the spread for
    families that know columns apart and its maximum for spherical ones.
    """

    location: np.ndarray
    scale: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, weights: np.ndarray, family: Family) -> Frame:
        """The frame in which `X`, shape ``(n, d)``, has weighted mean 0 and variance 1 or less.

        Raises
        ------
        DataError
            If the range of a column, or the square of its spread, leaves the range of floating point.
        """
        X = np.asarray(X, np.float64)[weights > 0]
        weights = weights[weights > 0] / weights.max()
        low, high = X.min(axis=0), X.max(axis=0)
        reach = high / 2 - low / 2
        reach = np.where(reach > 0, reach, 1.0)
        middle = low / 2 + high / 2
        unit = (X / 2 - middle / 2) / reach * 2
        mean = weights @ unit / weights.sum()
        deviation = np.sqrt(weights @ (unit - mean) ** 2 / weights.sum())
        spread = np.where(high > low, deviation * reach, 1.0)
        if not ((spread < 1e150) & (spread > 1e-150)).all():
            column = int(np.argmax(np.abs(np.log(spread))))
            raise DataError(
                f"column {column} has a spread of {spread[column]:.1e}, whose square is out of range",
                "change the unit of the column",
            )
        return cls(middle + mean * reach, family.common_scale(spread), spread)

    @property
    def log_jacobian(self) -> float:
        """What is added to log-densities of z to get those of x, in nats."""
        return float(-np.log(self.scale).sum())

    def floor(self, reg_covar: float) -> np.ndarray:
        """`reg_covar` times the variance of each column, in these coordinates."""
        return reg_covar * (self.spread / self.scale) ** 2

    def apply(self, X: np.ndarray) -> np.ndarray:
        """The rows in these coordinates, in their own dtype, computed in float64."""
        return ((X.astype(np.float64) - self.location) / self.scale).astype(X.dtype)

    def inward(self, family: Family, parameters: Parameters) -> Parameters:
        """Parameters in the user's coordinates, brought into these."""
        weights, means, covariances = parameters
        return Parameters(
            weights, (means - self.location) / self.scale, family.rescale(covariances, 1 / self.scale)
        )

    def outward(self, family: Family, parameters: Parameters) -> Parameters:
        """Parameters in these coordinates, brought into the user's."""
        weights, means, covariances = parameters
        return Parameters(
            weights, means * self.scale + self.location, family.rescale(covariances, self.scale)
        )
