"""Predicted times: numbers of operations times rates measured once on two ordinary cores.

Only their ratios matter: they choose among engines, all of which keep the promise.
"""

from __future__ import annotations

from densimeter.kernel_density.accuracy import FINE
from densimeter.kernel_density.fourier import FourierBox
from densimeter.kernel_density.profiles import Gaussian, Kernel

MOST_GRID_BYTES = 2**30
"""A Fourier grid that would need more memory is not considered."""
SECONDS_PER_CALL = 2e-3
SECONDS_PER_GAUSSIAN_PAIR = 0.6e-9
SECONDS_PER_PAIR = 3e-9
SECONDS_PER_POINT_AND_CELL = 0.8e-9
SECONDS_PER_GRID_NUMBER = 5e-8
SECONDS_PER_TRANSFORM = 1e-3
SECONDS_PER_NEIGHBOUR_QUERY = 4e-6
SECONDS_PER_NEIGHBOUR = 3e-7
SECONDS_PER_ROW_IN_TREE = 3e-7


def pairs_seconds(kernel: Kernel, n_features: int, n_pairs: float) -> float:
    """Of the direct sum."""
    each = SECONDS_PER_GAUSSIAN_PAIR if isinstance(kernel, Gaussian) else SECONDS_PER_PAIR
    return SECONDS_PER_CALL + n_pairs * each * (1 + n_features / 20)


def points_seconds(n_features: int, n_points: float) -> float:
    """Of the part of a transform that its points cause."""
    return n_points * (FINE.n_cells**n_features + 60) * SECONDS_PER_POINT_AND_CELL  # 60: sorting


def grid_seconds(box: FourierBox) -> float:
    """Of the part of a transform that its grid causes."""
    n_cells = box.n_coefficients * box.accuracy.upsampling ** len(box.n_modes)
    return SECONDS_PER_TRANSFORM + n_cells * SECONDS_PER_GRID_NUMBER


def transform_seconds(box: FourierBox, n_points: float) -> float:
    """Of one transform of `n_points` points on `box`."""
    return points_seconds(len(box.n_modes), n_points) + grid_seconds(box)
