"""Where a density is high, and how narrow it is there; found without derivatives.

Low-discrepancy points over the whole box (and the caller's hints) are ranked among their neighbours; from the
best, a compass search climbs to the top, all starts at once; then each top is measured along the axes. All
this is done twice, the second time with four times the points and the infinite axes mapped around the bulk
that was found. A spike whose basin holds none of the points is missed: no method that only evaluates can
exclude one narrower than the distance between the points (`resolution`). Hints are the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from densimeter.foundations.cubature.axes import Axis, axis_between

N_PROBES = (2**14, 2**16)
"""Points spread over the box, in the first and in the second round."""
_MOST_RANKED = 2**13
_MOST_PEAKS = 48
_HEAVY = 5.0
"""Peaks whose log mass lies that close (nats) to the heaviest one's are part of the bulk."""
_NEGLIGIBLE = 50.0
"""A peak whose log mass lies that far (nats) below the best one's cannot be seen in double precision."""

LogDensity = Callable[[np.ndarray], np.ndarray]


class Peaks(NamedTuple):
    """Tops ``(n, d)``, heaviest first, half-widths ``(n, d)`` at which they fall by e, rough log masses."""

    points: np.ndarray
    widths: np.ndarray
    mass: np.ndarray


def find_peaks(
    log_density: LogDensity, lower: np.ndarray, upper: np.ndarray, hints: np.ndarray | None = None
) -> Peaks | None:
    """Peaks of `log_density` inside the box, or None where it is -inf at every point tried."""

    def inside(rows: np.ndarray) -> np.ndarray:
        """The log-density; -inf outside the open box and where it is not finite: no place to climb to."""
        values = np.full(len(rows), -math.inf)
        kept = ((rows > lower) & (rows < upper)).all(axis=1)
        if kept.any():
            found = log_density(rows[kept])
            values[kept] = np.where(np.isfinite(found), found, -math.inf)
        return values

    peaks = None
    for n_probes in N_PROBES:
        starts = _starts(inside, bulk_axes(lower, upper, peaks), n_probes)
        known = [rows for rows in (None if peaks is None else peaks.points, hints) if rows is not None]
        starts = np.concatenate([starts, *(_some(inside, rows) for rows in known)])
        starts = starts[inside(starts) > -math.inf]
        if len(starts):
            points, heights = _climb(inside, starts, _length(starts, lower, upper) / 32)
            widths = _widths(inside, points, heights, _length(points, lower, upper))
            peaks = _distinct(points, widths, heights + np.log(widths).sum(axis=1))
    return peaks


def bulk_axes(lower: np.ndarray, upper: np.ndarray, peaks: Peaks | None) -> list[Axis]:
    """The maps of all coordinates, adapted to the broadest of the heavy peaks if any is known."""
    if peaks is None:
        return [axis_between(*ends) for ends in zip(lower, upper, strict=True)]
    volume = np.log(peaks.widths).sum(axis=1)
    broadest = int(np.argmax(np.where(peaks.mass >= peaks.mass[0] - _HEAVY, volume, -math.inf)))
    bulk = zip(lower, upper, peaks.points[broadest], peaks.widths[broadest], strict=True)
    return [axis_between(*numbers) for numbers in bulk]


def resolution(axes: Sequence[Axis]) -> float:
    """Distance between the points of the second round, in the middle of the box."""
    spacing = N_PROBES[-1] ** (-1 / len(axes))
    middles = [(axis.start + axis.stop) / 2 for axis in axes]
    slopes = [math.exp(float(axis.log_jacobian(np.array(z)))) for axis, z in zip(axes, middles, strict=True)]
    return max(spacing * (a.stop - a.start) * slope for a, slope in zip(axes, slopes, strict=True))


def _starts(inside: LogDensity, axes: Sequence[Axis], n_probes: int) -> np.ndarray:
    """The highest points that exceed all their neighbours, and the single best."""
    cube = np.clip(_spread_points(n_probes, len(axes)), 1e-9, 1 - 1e-9)
    rows = np.column_stack(
        [axis.to_x(axis.start + u * (axis.stop - axis.start)) for axis, u in zip(axes, cube.T, strict=True)]
    )
    values = inside(rows)
    ranked = np.argsort(values)[::-1][:_MOST_RANKED]
    _, neighbours = KDTree(cube).query(cube[ranked], k=2 * len(axes) + 3)
    highest_neighbour = values[np.asarray(neighbours)[:, 1:]].max(axis=1)
    summits = ranked[values[ranked] > highest_neighbour]
    return rows[np.append(summits[:_MOST_PEAKS], ranked[0])]


def _spread_points(n_points: int, n_features: int) -> np.ndarray:
    """Points ``(n, d)`` spread over the unit cube: the Kronecker sequence of the root of x^(d+1) = x + 1.

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018).
    """
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (n_features + 1))
    steps = root ** -np.arange(1.0, n_features + 1)
    return (0.5 + np.arange(n_points)[:, None] * steps) % 1


def _some(inside: LogDensity, rows: np.ndarray) -> np.ndarray:
    """The highest rows and as many at random, so that a high peak does not hide a low one."""
    if len(rows) <= 2 * _MOST_PEAKS:
        return rows
    shuffled = np.random.default_rng(0).permutation(rows)
    highest = shuffled[np.argsort(inside(shuffled))[::-1][:_MOST_PEAKS]]
    return np.concatenate([highest, shuffled[:_MOST_PEAKS]])


def _length(points: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """A length to begin with on each axis: the box's own, or the distance from the origin and more."""
    return np.where(np.isfinite(upper - lower), upper - lower, 1 + np.abs(points))


def _climb(
    inside: LogDensity, points: np.ndarray, steps: np.ndarray, n_rounds: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Compass search from all points at once: the best of the 2d neighbours and twice the steps, or half."""
    points, steps = points.copy(), steps.copy()
    n, d = points.shape
    directions = np.concatenate([np.eye(d), -np.eye(d)])
    heights = inside(points)
    for _ in range(n_rounds):
        tried = points[:, None, :] + steps[:, None, :] * directions
        values = inside(tried.reshape(-1, d)).reshape(n, 2 * d)
        best = values.argmax(axis=1)
        up = values.max(axis=1) > heights
        points[up] = tried[up, best[up]]
        heights[up] = values.max(axis=1)[up]
        steps *= np.where(up, 2.0, 0.5)[:, None]
        if (steps <= 1e-15 * np.abs(points)).all():
            break
    return points, heights


def _widths(inside: LogDensity, points: np.ndarray, heights: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Smallest distance at which the log-density has fallen by 1 on both sides, over a grid of octaves."""
    n, d = points.shape
    octaves = 2.0 ** np.arange(-60, 41)
    widths = np.empty((n, d))
    for axis in range(d):
        offsets = np.zeros((n, len(octaves), d))
        offsets[:, :, axis] = lengths[:, [axis]] * octaves
        sides = [inside((points[:, None, :] + sign * offsets).reshape(-1, d)) for sign in (1, -1)]
        fallen = np.maximum(*sides).reshape(n, -1) < heights[:, None] - 1
        first = np.where(fallen.any(axis=1), np.argmax(fallen, axis=1), -1)
        widths[:, axis] = lengths[:, axis] * octaves[first]
    return np.maximum(widths, 4 * np.spacing(np.abs(points)))


def _distinct(points: np.ndarray, widths: np.ndarray, mass: np.ndarray) -> Peaks:
    """Heaviest first, without those that lie within the width of a heavier one or weigh nothing."""
    kept: list[int] = []
    for index in np.argsort(mass)[::-1]:
        if kept and mass[index] < mass[kept[0]] - _NEGLIGIBLE:
            break
        gaps = np.abs(points[kept] - points[index]) / np.minimum(widths[kept], widths[index])
        if not kept or (gaps.max(axis=1) > 1).all():
            kept.append(int(index))
    return Peaks(points[kept], widths[kept], mass[kept])
