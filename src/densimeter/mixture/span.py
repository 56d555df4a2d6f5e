"""Fewer rows than columns: a fit in the few directions that the rows span, without loss.

Beyond the span of the rows every component is the same: its mean is that of the rows, and its covariance is
the floor. In columns divided by the roots of the floor that is the identity, which no rotation changes. So a
mixture of n rows in d columns is one in about n columns, and a unit normal in the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.mixture.families import LOG_TWO_PI, Family, Floor, Parameters
from densimeter.mixture.frame import Frame

WIDER = 2
"""How many times more columns than rows there are where the change of columns is worth it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Rows in a frame as ``z = location + roots * (basis @ y)``, and the frame and floor of the new ones.

    `basis` ``(d, r)`` has orthonormal columns. The rows y all have one scale, that of `frame`.
    """

    location: np.ndarray
    roots: np.ndarray
    basis: np.ndarray
    frame: Frame
    floor: Floor

    @classmethod
    def of(cls, rows: np.ndarray, floor: Floor) -> Span | None:
        """The span of rows ``(n, d)`` in the frame of their `floor`; None if d is not much more than n."""
        n, d = rows.shape
        width = bucket_size(n)
        lowest = floor.added if floor.least is None else floor.least
        if WIDER * width > d or not (lowest > 0).all():
            return None
        location, roots = rows.mean(axis=0), np.sqrt(lowest)
        unit = (rows - location) / roots
        basis = np.linalg.qr(np.hstack([unit.T, np.eye(d, width - n)]))[0]
        scale = np.full(width, max(1.0, math.sqrt(np.square(unit @ basis).mean(axis=0).max())))
        squares = 1 / scale**2
        new = Floor(squares) if floor.least is None else Floor(np.zeros(width), squares)
        return cls(location, roots, basis, Frame(np.zeros(width), scale, scale), new)

    @property
    def log_density_beyond(self) -> float:
        """What is added to log-densities of y to get those of z, in nats."""
        d, r = self.basis.shape
        return -(d - r) / 2 * LOG_TWO_PI - float(np.log(self.roots).sum())

    def narrow(self, rows: np.ndarray) -> np.ndarray:
        """Rows z ``(n, d)`` as y in their frame ``(n, r)``."""
        return self.frame.apply(self.project(rows))

    def project(self, rows: np.ndarray) -> np.ndarray:
        """Rows z ``(n, d)`` as y ``(n, r)``."""
        return (rows - self.location) / self.roots @ self.basis

    def widen(self, family: Family, narrow: Parameters) -> Parameters:
        """The parameters of y as those of z."""
        weights, means, covariances = narrow
        d, r = self.basis.shape
        beyond = self.basis @ (covariances - np.eye(r)) @ self.basis.T
        return Parameters(
            weights,
            self.location + self.roots * (means @ self.basis.T),
            family.rescale(beyond + np.eye(d), self.roots),
        )
