"""What the values of a column resolve: the lattice on which a rounded one lies, or its closest values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TOLERANCE = 0.05
"""How far, in steps, values may lie from their lattice. Generous, as units are converted after rounding:
whole seconds written as minutes in three digits lie up to 0.04 steps off."""

_STRICT_TOLERANCE, _FEW_VALUES = 1e-3, 12
"""Fewer values than this may lie near some lattice by chance, and have to lie on it."""

_AMBIGUOUS = 0.3
"""From this distance on, in steps, it is open which lattice point a value belongs to."""

_MOST_PARTS = 20
"""Gaps are at most this many steps; ties are rare on sparser lattices."""

_FINEST_STEP = 256
"""In units of the spacing of floating-point numbers, which lie on a lattice themselves."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The points ``origin + k * step`` for whole numbers k."""

    origin: float
    step: float

    def nearest(self, values: np.ndarray) -> np.ndarray:
        """The lattice point nearest to each value."""
        return self.origin + self.step * np.rint((values - self.origin) / self.step)


def find_lattice(values: np.ndarray) -> Lattice | None:
    """The coarsest lattice near which all of the sorted, distinct `values` lie, or None.

    The step is sought among the whole fractions of the median gap and of the smallest. Values closer than a
    few units in their last place, in double or in single precision, count as one.

    Examples
    --------
    >>> find_lattice(np.array([1.5, 1.75, 2.5]))
    Lattice(origin=1.5, step=0.25)
    >>> find_lattice(np.sqrt(np.arange(1.0, 20.0))) is None
    True
    """
    for spacing in _spacings(values):
        merged = values[np.diff(values, prepend=-np.inf) > 4 * spacing]
        if len(merged) < 2:
            continue
        gaps = np.diff(merged)
        for gap in (np.sort(gaps)[len(gaps) // 2], gaps.min()):  # a gap itself, not the mean of two
            for parts in range(1, _MOST_PARTS + 1):
                if gap / parts < _FINEST_STEP * spacing:
                    break
                lattice = _fitted(merged, gap / parts)
                if lattice is not None:
                    return lattice
    return None


_DENSEST, _SHARE_OF_VALUES = 10, 10
"""The closest values are the densest so many gaps that follow each other, or this fraction of them if few."""


def column_resolution(rows: np.ndarray) -> np.ndarray:
    """The smallest difference that each column of `rows` ``(n, d)`` resolves, ``(d,)``; zero if constant.

    It is the step of a rounded column; otherwise the mean gap where values lie densest, ties aside; and never
    less than the spacing of floating-point numbers at the largest value. NaN cells do not count. Anything
    narrower than such a difference is not seen in the rows. Costs a sort of each column.

    Examples
    --------
    >>> column_resolution(np.array([[0.1, 3.0], [0.4, 3.0], [0.2, 3.0]])).round(6)
    array([0.1, 0. ])
    """
    return np.array([_resolution(np.unique(column[np.isfinite(column)])) for column in rows.T])


def _resolution(values: np.ndarray) -> float:
    """Of sorted, distinct values."""
    if len(values) < 2:
        return 0.0
    lattice = find_lattice(values)
    if lattice is not None:
        return lattice.step
    window = min(_DENSEST, max(1, len(values) // _SHARE_OF_VALUES))
    densest = (values[window:] - values[:-window]).min() / window
    return max(float(densest), float(np.spacing(np.abs(values).max())))


def is_single_precision(values: np.ndarray) -> bool:
    """Whether all values are exactly numbers of 32 bits."""
    if np.abs(values).max() > np.finfo(np.float32).max:
        return False
    return bool((values.astype(np.float32) == values).all())


def _spacings(values: np.ndarray) -> list[float]:
    largest = np.abs(values).max()
    spacings = [float(np.spacing(largest))]
    if is_single_precision(values):
        spacings.append(float(np.spacing(np.float32(largest))))
    return spacings


def _fitted(values: np.ndarray, step: float) -> Lattice | None:
    """The lattice nearest to `values` with about this step, refined on ever longer stretches of them."""
    offsets = values - values[0]
    reach, whole = 2 * step, offsets[-1]
    while True:
        near = offsets[: np.searchsorted(offsets, reach, side="right")]
        index = np.rint(near / step)
        if np.abs(near / step - index).max() > _AMBIGUOUS:
            return None
        if index[-1] > 0:
            step = float(near @ index / (index @ index))
        if reach >= whole:
            break
        reach *= 2
    shift = float((offsets - step * np.rint(offsets / step)).mean())
    residual = (offsets - shift) / step
    tolerance = _TOLERANCE if len(values) >= _FEW_VALUES else _STRICT_TOLERANCE
    if np.abs(residual - np.rint(residual)).max() > tolerance:
        return None
    return Lattice(float(values[0] + shift), step)
