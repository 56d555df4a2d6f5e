"""Where the Fourier series is worth its grid: one box around all rows, or several around the dense places.

A grid costs by its volume, however empty it is: one far row would stretch it beyond any memory. When the box
of all rows would be mostly empty, a sample of the rows is cut in two at the middle of its box, each half is
shrunk to the rows it holds, and so on; the cheapest of the series, of an exact engine and of a further cut is
kept for each piece. Queries in a patch are answered by the rows within the reach of its accuracy; the others,
all together, add at most ``exp(-reach²/2)``. Queries outside all patches are for an exact engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from densimeter.kernel_density.accuracy import FINE, Accuracy
from densimeter.kernel_density.columns import in_units, ranges
from densimeter.kernel_density.costs import (
    MOST_GRID_BYTES,
    SECONDS_PER_GAUSSIAN_PAIR,
    SECONDS_PER_NEIGHBOUR,
    SECONDS_PER_NEIGHBOUR_QUERY,
    SECONDS_PER_TRANSFORM,
    grid_seconds,
    points_seconds,
    transform_seconds,
)
from densimeter.kernel_density.fourier import LARGEST_EXTENT, QUERY_MARGIN, FourierBox
from densimeter.kernel_density.kernel_sum import KernelSum

SAMPLE_SIZE = 2**13
LEAST_TO_CUT = 32
"""Rows of the sample; fewer are not cut further."""
MOST_CUTS = 40
"""One after the other, which halves the box each time."""
SECONDS_TO_PLAN = 0.2
"""What the search for patches takes; a box of all rows that takes less is not improved."""
SECONDS_PER_POINT_TO_FIND = 3e-9
ROWS_TO_COUNT_AT, ROWS_TO_COUNT = 4, 1024
NEAR = 7.6
"""Bandwidths within which rows matter to an isolated query."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A Fourier box about a centre, in the columns' units.

    Parameters
    ----------
    centre, scales : ndarray of shape (n_features,)
    box : FourierBox
    is_whole : bool
        Whether the box holds all rows.
    """

    centre: np.ndarray
    scales: np.ndarray
    box: FourierBox
    is_whole: bool = False

    def in_units(self, points: np.ndarray) -> np.ndarray:
        """Points in bandwidths from the centre."""
        return in_units(points, self.centre, self.scales)

    def rows_among(self, points: np.ndarray) -> np.ndarray:
        """Positions of the rows that matter to the patch's queries."""
        if self.is_whole:  # the outermost row must not fall to rounding
            return np.arange(len(points))
        return _within(points, self.centre, self.box.row_extent * self.scales)

    def queries_among(self, points: np.ndarray) -> np.ndarray | slice:
        """Positions of the points that the patch answers."""
        reach = self.box.query_extent * self.scales
        low, high = ranges(points)
        if np.all(self.centre - low <= reach) and np.all(high - self.centre <= reach):
            return slice(None)
        return _within(points, self.centre, reach)


def _within(points: np.ndarray, centre: np.ndarray, reach: np.ndarray) -> np.ndarray:
    chosen = np.flatnonzero(np.abs(points[:, 0] - centre[0]) <= reach[0])
    for j in range(1, points.shape[1]):
        chosen = chosen[np.abs(points[chosen, j] - centre[j]) <= reach[j]]
    return chosen


@dataclass(frozen=True, slots=True)
class Layout:
    """Patches, and what it costs to answer as many queries as rows, lying like them, for every width.

    Parameters
    ----------
    patches : tuple of Patch
    seconds : float
        Infinite where an exact engine alone is faster.
    """

    patches: tuple[Patch, ...]
    seconds: float

    @classmethod
    def of(
        cls,
        kernel_sum: KernelSum,
        widths: Sequence[float] = (1.0,),
        accuracy: Accuracy = FINE,
        query_margin: float = QUERY_MARGIN,
    ) -> Self:
        """The layout for bandwidths that are `widths`, from one up, times the kernel sum's."""
        widest, per_query = max(widths), math.ceil(len(widths) / 2)  # a transform answers two widths
        whole = _whole(kernel_sum, widest, accuracy, query_margin)
        n_rows, n_features = len(kernel_sum.rows), kernel_sum.n_features
        if whole is not None:
            seconds = (1 + per_query) * transform_seconds(whole.box, n_rows)
            is_full = grid_seconds(whole.box) < 2 * points_seconds(n_features, n_rows)
            if is_full or seconds < SECONDS_TO_PLAN:
                return cls((whole,), seconds)
        points = kernel_sum.rows.points
        chosen = np.random.default_rng(0).integers(n_rows, size=SAMPLE_SIZE)
        sample = points[chosen] if n_rows > SAMPLE_SIZE else points
        plan = _Plan(kernel_sum.scales, widths, accuracy, n_rows, n_rows / len(sample))
        region = np.full((2, n_features), [[-np.inf], [np.inf]])
        seconds, patches = plan.cheapest(sample, sample, region, 0)
        if patches:
            return cls(tuple(patches), seconds)
        return cls(() if whole is None else (whole,), np.inf)


def _whole(kernel_sum: KernelSum, widest: float, accuracy: Accuracy, query_margin: float) -> Patch | None:
    """The box of all rows, if it fits."""
    if not np.all(kernel_sum.half_extent < LARGEST_EXTENT):
        return None
    box = FourierBox.around(kernel_sum.half_extent, widest, accuracy, query_margin)
    return Patch(kernel_sum.centre, kernel_sum.scales, box, True) if box.memory <= MOST_GRID_BYTES else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The search for the cheapest patches of a sample of the rows."""

    scales: np.ndarray
    widths: Sequence[float]
    accuracy: Accuracy
    n_rows: int
    rows_per_sampled: float

    @property
    def widest(self) -> float:
        """The largest of the widths."""
        return max(self.widths)

    def cheapest(
        self, inside: np.ndarray, near: np.ndarray, region: np.ndarray, n_cuts: int
    ) -> tuple[float, list[Patch]]:
        """Seconds and patches for the sampled rows `inside` a region, where only those `near` can matter."""
        low, high = ranges(inside)
        patch = self._patch(
            np.maximum(low - self._margin, region[0]), np.minimum(high + self._margin, region[1])
        )
        best = (self._exact_seconds(inside, near), list[Patch]())
        if best[0] < 2 * SECONDS_PER_TRANSFORM + self._finding_seconds:
            return best  # no series is cheaper
        if patch is not None:
            near = near[patch.rows_among(near)]
            seconds = self._fourier_seconds(patch.box, len(inside), len(near))
            best = min(best, (seconds, [patch]), key=lambda option: option[0])
            points = points_seconds(len(self.scales), self.rows_per_sampled * len(inside))
            if best[1] and grid_seconds(patch.box) < points:
                return best  # cuts save no more than the grid
        if len(inside) >= LEAST_TO_CUT and n_cuts < MOST_CUTS:
            best = min(best, self._cut(inside, near, region, n_cuts), key=lambda option: option[0])
        return best

    @property
    def _margin(self) -> np.ndarray:
        return QUERY_MARGIN * self.widest * self.scales

    def _patch(self, low: np.ndarray, high: np.ndarray) -> Patch | None:
        centre = low / 2 + high / 2
        with np.errstate(over="ignore"):
            half_extent = (high / 2 - low / 2) / self.scales
        if not np.all(half_extent < LARGEST_EXTENT):
            return None
        box = FourierBox.within(half_extent, self.widest, self.accuracy)
        return Patch(centre, self.scales, box) if box.memory <= MOST_GRID_BYTES else None

    def _exact_seconds(self, inside: np.ndarray, near: np.ndarray) -> float:
        """Of a search for neighbours, whose number is counted for a few rows, or of the direct sum."""
        some = inside[:: -(-len(inside) // ROWS_TO_COUNT_AT)]
        counted = near[:: -(-len(near) // ROWS_TO_COUNT)]
        with np.errstate(over="ignore"):
            gaps = np.abs((counted[None] - some[:, None]) / self.scales)
        rows_per_counted = self.rows_per_sampled * len(near) / len(counted)
        n_neighbours = rows_per_counted * np.all(gaps <= NEAR, axis=2).sum(axis=1)
        search = SECONDS_PER_NEIGHBOUR_QUERY + SECONDS_PER_NEIGHBOUR * n_neighbours
        each = float(np.minimum(search, self.n_rows * SECONDS_PER_GAUSSIAN_PAIR).mean())
        return self.rows_per_sampled * len(inside) * len(self.widths) * each

    def _fourier_seconds(self, box: FourierBox, n_inside: int, n_near: int) -> float:
        rows, queries = self.rows_per_sampled * n_near, self.rows_per_sampled * n_inside
        per_query = math.ceil(len(self.widths) / 2)
        transforms = transform_seconds(box, rows) + per_query * transform_seconds(box, queries)
        return self._finding_seconds + transforms

    @property
    def _finding_seconds(self) -> float:
        """Of finding a patch's rows and queries."""
        return 2 * self.n_rows * SECONDS_PER_POINT_TO_FIND

    def _cut(
        self, inside: np.ndarray, near: np.ndarray, region: np.ndarray, n_cuts: int
    ) -> tuple[float, list[Patch]]:
        """Both halves of the widest column; each holds a row, as the cut is between the outermost two."""
        low, high = ranges(inside)
        with np.errstate(over="ignore"):
            column = int(np.argmax((high / 2 - low / 2) / self.scales))
        if not low[column] < high[column]:
            return np.inf, []
        middle = low[column] / 2 + high[column] / 2
        is_left = inside[:, column] < middle
        if is_left.all() or not is_left.any():  # neighbouring floats
            return np.inf, []
        left, right = region.copy(), region.copy()
        left[1, column] = right[0, column] = middle
        halves = [
            self.cheapest(inside[is_left], near, left, n_cuts + 1),
            self.cheapest(inside[~is_left], near, right, n_cuts + 1),
        ]
        return halves[0][0] + halves[1][0], halves[0][1] + halves[1][1]
