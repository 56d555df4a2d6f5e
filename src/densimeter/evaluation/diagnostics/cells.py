"""Samples of a density against a rounded column: both counted in the column's cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from densimeter.tables.rounding import Rounding, find_rounding


class Matched(NamedTuple):
    """Rows' values and samples that can be compared, and the rounding that was put on both, if any."""

    values: np.ndarray
    drawn: np.ndarray
    rounding: Rounding | None


def matched(values: np.ndarray, drawn: np.ndarray) -> Matched:
    """Both as they are; as numbers of cells where the values are rounded, so that ties are ties.

    A rounded column is no sample of any density, and against a continuous one each of its empirical
    distances is at least the share of its commonest value.

    Examples
    --------
    >>> pair = matched(np.array([0.1, 0.2, 0.2, 0.3, 0.3]), np.array([0.22, 0.31]))
    >>> pair.values.tolist(), pair.drawn.tolist()
    ([0.0, 1.0, 1.0, 2.0, 2.0], [1.0, 2.0])
    """
    rounding = find_rounding("", values)
    if rounding is None:
        return Matched(values, drawn, None)
    return Matched(_cells(values, rounding), _cells(drawn, rounding), rounding)


def _cells(column: np.ndarray, rounding: Rounding) -> np.ndarray:
    """Number of the cell of each value, from the smallest; on a lattice also beyond both ends."""
    if rounding.step is not None:
        return np.rint((column - (rounding.lower[0] + rounding.upper[0]) / 2) / rounding.step)
    return np.searchsorted(np.append(rounding.lower, rounding.upper[-1]), column, side="right") - 1.0
