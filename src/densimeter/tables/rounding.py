"""Rounded and tied columns: finding them, and undoing the rounding with noise (dequantisation).

A density can be made arbitrarily high on a lattice, so the likelihood of rounded rows is unbounded and says
nothing. Adding to each value noise that is uniform over its cell gives rows with a density; their mean
log-density plus the log-volume of the cells is a lower bound on the log-probability of the rounded rows
(Theis, van den Oord and Bethge, "A note on the evaluation of generative models", 2016, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TIED_SHARE = 0.05
"""A column in which more than this share of the rows share their value with another row is called tied."""

_LATTICE_TOLERANCE = 1e-3
"""How far, in steps, a value may lie from the lattice: room for decimals that are no binary fractions."""


@dataclass(frozen=True)
class Rounding:
    """How one column is rounded: its distinct values and the cell that each stands for."""

    name: str
    values: np.ndarray
    below: np.ndarray
    above: np.ndarray
    step: float | None

    def describe(self, n_rows: int) -> str:
        """What the column looks like, in a few words."""
        apart = f", {self.step:.6g} apart" if self.step else ""
        return f"{self.name!r} takes {len(self.values):,} values in {n_rows:,} rows{apart}"

    def dequantize(self, column: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """`column` with noise uniform over the cell of each value."""
        index = np.searchsorted(self.values, column)
        share = generator.random(len(column))
        return column - self.below[index] + share * (self.below[index] + self.above[index])

    def mean_log_cell(self, column: np.ndarray) -> float:
        """Mean of the log of the cells' widths over the rows: what the likelihood's correction adds."""
        index = np.searchsorted(self.values, column)
        return float(np.log(self.below[index] + self.above[index]).mean())


def find_rounding(name: str, column: np.ndarray) -> Rounding | None:
    """The rounding of a column, or None if its values are (nearly) all different.

    Examples
    --------
    >>> find_rounding("waiting", np.array([50.0, 51.0, 51.0, 54.0, 54.0])).step
    1.0
    """
    values, counts = np.unique(column, return_counts=True)
    if len(values) < 2 or counts[counts > 1].sum() <= TIED_SHARE * len(column):
        return None
    step = _lattice_step(values)
    if step is not None:
        half = np.full(len(values), step / 2)
        return Rounding(name, values, half, half, step)
    gaps = np.diff(values)
    below = np.concatenate([gaps[:1], gaps]) / 2
    above = np.concatenate([gaps, gaps[-1:]]) / 2
    return Rounding(name, values, below, above, None)


def _lattice_step(values: np.ndarray) -> float | None:
    """The step of which all differences are multiples, if it is no finer than the data can show."""
    differences = np.diff(values)
    scale = 10.0 ** np.floor(np.log10(differences.min()))
    candidates = [
        differences.min(),
        *(scale * m for m in (5, 2, 1, 0.5, 0.2, 0.1) if scale * m <= differences.min()),
    ]
    for step in candidates:
        in_steps = (values - values[0]) / step
        if np.abs(in_steps - np.round(in_steps)).max() < _LATTICE_TOLERANCE:
            return float(f"{step:.12g}")
    return None
