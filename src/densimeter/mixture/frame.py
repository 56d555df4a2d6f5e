"""The centred and scaled coordinates in which EM runs, and the way back to the user's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np

from densimeter.foundations.errors import DataError
from densimeter.foundations.lattice import column_resolution
from densimeter.mixture.families import Family, Floor, Parameters
from densimeter.mixture.sources import Batches

AUTOMATIC = "auto"
"""The word for a floor that follows what the rows resolve."""

LARGEST_SPREAD = 1e153
"""A spread above this, or below its inverse, has a square that floating point holds with no room to spare."""


@dataclass(frozen=True, slots=True)
class ColumnMoments:
    """Weight, mean, squared deviation and range of each column's cells that are not missing; mergeable."""

    weight: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray
    low: np.ndarray
    high: np.ndarray
    complete: bool

    @classmethod
    def of(cls, X: np.ndarray, weights: np.ndarray) -> ColumnMoments:
        """The moments of the rows with positive weight."""
        X, weights = np.asarray(X, np.float64), np.asarray(weights, np.float64)
        if not (weights > 0).all():
            X, weights = X[weights > 0], weights[weights > 0]
        seen = ~np.isnan(X)
        mass = weights @ seen
        safe = np.where(mass > 0, mass, 1.0)
        filled = np.where(seen, X, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = weights @ filled / safe
            deviation = np.where(seen, X - mean, 0.0)
            correction = weights @ deviation / safe  # second pass: rounding of the first mean
            scatter = weights @ (deviation - np.where(seen, correction, 0.0)) ** 2
        low = np.where(seen, X, np.inf).min(axis=0, initial=np.inf)
        high = np.where(seen, X, -np.inf).max(axis=0, initial=-np.inf)
        return cls(mass, mean + correction, scatter, low, high, bool(seen.all()))

    def merge(self, other: ColumnMoments) -> ColumnMoments:
        """The moments of the rows of both (Chan, Golub and LeVeque, 1983, eq. 1.5)."""
        weight = self.weight + other.weight
        share = other.weight / np.where(weight > 0, weight, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            step = other.mean - self.mean
            scatter = self.scatter + other.scatter + step * step * self.weight * share
            mean = self.mean + step * share
        return ColumnMoments(
            weight,
            mean,
            scatter,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.complete and other.complete,
        )

    @property
    def spread(self) -> np.ndarray:
        """Weighted standard deviations; one where a column is constant."""
        deviation = np.sqrt(self.scatter / np.where(self.weight > 0, self.weight, 1.0))
        return np.where(self.high > self.low, deviation, 1.0)


def column_moments(batches: Batches) -> ColumnMoments:
    """The moments of all batches.

    Raises
    ------
    DataError
        If there is no row of positive weight, a column has no value, or a spread is out of range.
    """
    parts = [ColumnMoments.of(rows, weights) for rows, weights in batches()]
    if not parts or not (moments := reduce(ColumnMoments.merge, parts)).weight.any():
        raise DataError("no row of positive weight has a cell with a value", "give rows to fit to")
    if not (moments.weight > 0).all():
        raise DataError(
            f"column {int(np.argmin(moments.weight))} has no value, every cell is missing",
            "leave the column out",
        )
    spread = moments.spread
    in_range = (spread < LARGEST_SPREAD) & (spread > 1 / LARGEST_SPREAD)
    if not in_range.all():
        column = int(np.argmin(in_range))
        raise DataError(
            f"column {column} has a spread of {spread[column]:.1e}, whose square is out of range",
            "change the unit of the column",
        )
    return moments


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
    def of(cls, moments: ColumnMoments, family: Family, dtype: np.dtype) -> Frame:
        """The frame in which columns have mean 0 and variance at most 1, both to the precision of `dtype`."""
        location = moments.mean.astype(dtype).astype(np.float64)
        return cls(location, family.common_scale(moments.spread), moments.spread)

    @property
    def log_jacobian(self) -> float:
        """What is added to log-densities of z to get those of x, in nats."""
        return float(-np.log(self.scale).sum())

    def floor(self, reg_covar: float | str, sample: np.ndarray | None = None) -> Floor:
        """The floor of covariances in these coordinates: `reg_covar` times the variance of each column added.

        `AUTOMATIC` stands for no variance below that of rounding to what the columns of a `sample` of the
        rows resolve, a twelfth of its square; a constant column, which resolves nothing, keeps one of 1e-6.
        Without a sample it is what eight digits of the spread resolve.
        """
        if not isinstance(reg_covar, str):
            return Floor(reg_covar * (self.spread / self.scale) ** 2)
        if sample is None:
            return Floor(np.zeros(len(self.scale)), (1e-8 * self.spread / self.scale) ** 2)
        resolution = column_resolution(sample)
        rounding = np.where(
            resolution > 0, resolution / self.scale / math.sqrt(12), 1e-3 * self.spread / self.scale
        )
        return Floor(np.zeros(len(rounding)), rounding**2)

    def apply(self, X: np.ndarray) -> np.ndarray:
        """The rows in these coordinates, in float64."""
        return (np.asarray(X, np.float64) - self.location) / self.scale

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
