"""How accurate a Fourier series is made: where it is cut off, how its transforms run, what error is left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

ROUNDING_PER_BANDWIDTH = 1e-15
"""Coordinates far from the centre are rounded; the worst seen is 3e-16 for each bandwidth of extent."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A choice of all that the error and the cost of a Gaussian's Fourier series depend on.

    Parameters
    ----------
    reach : float
        Distance in bandwidths at which a periodic image is forgotten.
    highest_frequency : float
        In radians per bandwidth.
    tolerance : float
        Asked of finufft.
    upsampling : float
        How much finer than the frequencies need is finufft's grid, in each column.
    n_cells : int
        Cells in each column over which finufft spreads a point.
    transform_error : float
        Bound on the error that both transforms of one row of weight one leave in the sum at any query.

    Notes
    -----
    A coarser grid makes the transforms wrong at the highest frequencies first, which the Gaussian damps: with
    upsampling 1.25 the sums are a hundred times better than finufft's own tolerance.
    """

    reach: float
    highest_frequency: float
    tolerance: float
    upsampling: float
    n_cells: int
    transform_error: float

    @property
    def left_out(self) -> float:
        """Bound on what rows of total weight one, all beyond `reach`, add to a sum."""
        return math.exp(-0.5 * self.reach**2)

    def absolute_error(self, extent: np.ndarray, n_rows: int) -> float:
        """Bound on the error of the sums of `n_rows` rows within ±`extent` whose weights sum to one."""
        d = len(extent)
        images = 4 * d * self.left_out
        truncation = 2 * d * float(ndtr(-self.highest_frequency))
        rounding = ROUNDING_PER_BANDWIDTH * extent.max() + np.finfo(float).eps * math.sqrt(n_rows)
        return images + truncation + self.transform_error + float(rounding)


FINE = Accuracy(8.3, 7.8, tolerance=1e-13, upsampling=2.0, n_cells=14, transform_error=3e-13)
"""For log-densities: 4 exp(-8.3²/2) = 4e-15, 2 (1 - Φ(7.8)) = 6e-15; the transforms' worst seen is 6e-14."""
LEAN = Accuracy(7.5, 7.0, tolerance=1e-9, upsampling=1.25, n_cells=15, transform_error=6e-11)
"""For means of log-densities, where few rows are so isolated that it shows: a grid of a third of the cells.

4 exp(-7.5²/2) = 2e-12, 2 (1 - Φ(7)) = 3e-12; the transforms' worst seen is 2e-11.
"""
