"""Regions of highest density: the smallest that hold a given share of a density's mass, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from contourpy import contour_generator


def region_level(density: np.ndarray, share: float) -> float:
    """The density above which `share` of the mass on an even grid lies.

    Examples
    --------
    >>> region_level(np.array([4.0, 3.0, 2.0, 1.0]), 0.7)
    3.0
    """
    heights = np.sort(density, axis=None)[::-1]
    mass = np.cumsum(heights)
    return float(heights[np.searchsorted(mass, share * mass[-1])])


def region_lines(
    xs: np.ndarray, ys: np.ndarray, density: np.ndarray, shares: Sequence[float]
) -> Iterator[tuple[float, np.ndarray]]:
    """Each share with each of the lines around its region, as points ``(n, 2)``.

    `density` has shape ``(len(ys), len(xs))``. A density that is zero all over has no lines.
    """
    if not density.max() > 0:
        return
    generator = contour_generator(xs, ys, density)
    for share in shares:
        for line in generator.lines(region_level(density, share)):
            yield share, np.asarray(line)
