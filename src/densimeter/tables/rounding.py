"""Rounded and tied columns: finding them, and undoing the rounding with noise (dequantisation).

A density can be made arbitrarily high on a lattice, so the likelihood of rounded rows is unbounded and says
nothing. Adding to each value noise that is uniform over its cell gives rows with a density; their mean
log-density plus the log-volume of the cells is a lower bound on the log-probability of the rounded rows
(Theis, van den Oord and Bethge, "A note on the evaluation of generative models", 2016, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from densimeter.foundations.lattice import find_lattice, is_single_precision

TIED_SHARE = 0.05
"""A column in which more than this share of the rows share their value with another row is called tied."""

ATOM_SHARE, FEWEST_IN_ATOM, ATOM_EXCESS = 0.01, 10, 5
"""A value is a point mass if this share of the rows, this many rows and this multiple of the mean have it."""

_CROWDED_SHARE = 0.5
"""Ties by the precision of the numbers themselves do no harm until they are the rule."""


@dataclass(frozen=True)
class Ties:
    """The distinct values of a column and how often each occurs."""

    values: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, column: np.ndarray) -> Ties:
        """The ties of a column; -0.0 and 0.0 are the same value."""
        return cls(*np.unique(column, return_counts=True))

    @property
    def share(self) -> float:
        """The share of the rows whose value occurs more than once."""
        return float(self.counts[self.counts > 1].sum() / self.counts.sum())

    @property
    def atom(self) -> tuple[float, float] | None:
        """The commonest value and its share of the rows, where it stands out as a point mass."""
        n_rows, largest = self.counts.sum(), self.counts.max()
        stands_out = largest * len(self.counts) >= ATOM_EXCESS * n_rows
        if largest < max(FEWEST_IN_ATOM, ATOM_SHARE * n_rows) or not stands_out:
            return None
        return float(self.values[self.counts.argmax()]), float(largest / n_rows)


@dataclass(frozen=True)
class Rounding:
    """How one column is rounded: its distinct values, and the ends of the cell that each stands for."""

    name: str
    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    step: float | None
    atom: tuple[float, float] | None

    def describe(self, n_rows: int) -> str:
        """What the column looks like, in a few words."""
        apart = f", {self.step:.6g} apart" if self.step else ""
        often = f", {self.atom[0]:.6g} in {self.atom[1]:.0%} of them" if self.atom else ""
        return f"{self.name!r} takes {len(self.values):,} values in {n_rows:,} rows{apart}{often}"

    def dequantize(self, column: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """`column` with each value replaced by a number uniform over its cell."""
        index = np.searchsorted(self.values, column)
        lower, upper = self.lower[index], self.upper[index]
        return np.minimum(lower + generator.random(len(column)) * (upper - lower), upper)

    def mean_log_cell(self, column: np.ndarray) -> float:
        """Mean of the log of the cells' widths over the rows: what the likelihood's correction adds."""
        return float(np.log(self.upper - self.lower)[np.searchsorted(self.values, column)].mean())


def find_rounding(
    name: str, column: np.ndarray, distinct: Callable[[], np.ndarray] | None = None
) -> Rounding | None:
    """The rounding of a column, or None if it could come from a density.

    Parameters
    ----------
    name : str
    column : array of shape (n_samples,)
        Finite.
    distinct : callable, optional
        Gives the column in the distinct rows of the table: ties that whole repeated rows explain are no
        rounding. For a table of one column, leave it out.

    Examples
    --------
    >>> find_rounding("waiting", np.array([50.0, 51.0, 51.0, 54.0, 54.0])).step
    1.0
    """
    ties = Ties.of(column)
    if len(ties.values) < 2 or (ties.share <= TIED_SHARE and ties.atom is None):
        return None
    lattice = find_lattice(ties.values)
    if lattice is not None and not _is_precision(lattice.step, ties):
        centres = lattice.nearest(ties.values)
        half = lattice.step / 2
        return Rounding(name, ties.values, centres - half, centres + half, lattice.step, ties.atom)
    if ties.atom is None and not _is_tied_without_lattice(ties, lattice is not None, distinct):
        return None
    middles = ties.values[:-1] / 2 + ties.values[1:] / 2
    lower = np.concatenate([2 * ties.values[:1] - middles[:1], middles])
    upper = np.concatenate([middles, 2 * ties.values[-1:] - middles[-1:]])
    return Rounding(name, ties.values, lower, upper, None, ties.atom)


RARE = 0.01
"""Coincidences that are expected in a column, below which one cannot be chance."""


def repeats_may_be_chance(names: Sequence[str], rows: np.ndarray, identities: np.ndarray) -> bool:
    """Whether rows may be equal because every column is rounded or counted.

    Parameters
    ----------
    names : sequence of str
    rows : array of shape (n_samples, n_features)
        Finite.
    identities : array of shape (n_samples,)
        A number for each row that equal rows share.

    Examples
    --------
    >>> visits = np.random.default_rng(0).poisson(0.3, size=(200, 1)).astype(float)
    >>> copied = np.tile(np.random.default_rng(0).normal(size=(100, 1)), (2, 1))
    >>> repeats_may_be_chance(["visits"], visits, visits[:, 0])
    True
    >>> repeats_may_be_chance(["copied"], copied, copied[:, 0])
    False
    """
    distinct = rows[np.unique(identities, return_index=True)[1]]
    several = len(names) > 1
    return all(
        expected_coincidences(distinct[:, j]) >= RARE
        or find_rounding(
            name, rows[:, j], partial(distinct.__getitem__, (slice(None), j)) if several else None
        )
        for j, name in enumerate(names)
    )


def expected_coincidences(column: np.ndarray) -> float:
    r"""How many pairs of equal values a smooth density makes in a column that is written with such digits.

    With the step s to which a value is known and the k-th nearest values on the line,
    :math:`\sum_i k s_i / 2 (x_{(i+k)} - x_{(i)})` estimates :math:`\tfrac12 n^2 \int p^2 s`.

    Examples
    --------
    >>> x = np.random.default_rng(0).random(2000)
    >>> expected_coincidences(x.round(3)) > 500, expected_coincidences(x) < 1e-6
    (True, True)
    """
    values = np.unique(column)
    k = max(1, math.isqrt(len(values)) // 2)
    if len(values) <= k:
        return math.inf
    apart = values[k:] - values[:-k]
    return float((k * _steps(values)[:-k] / (2 * apart)).sum()) * (len(column) / len(values)) ** 2


def _steps(values: np.ndarray) -> np.ndarray:
    """To what each value is known: the last decimal place that all need, or the spacing of its floats."""
    if is_single_precision(values):
        finest = np.spacing(np.abs(values).astype(np.float32)).astype(np.float64)
    else:
        finest = np.spacing(np.abs(values))
    for places in range(-6, 16):
        scaled = values * 10.0**places
        if np.abs(scaled - np.rint(scaled)).max() <= 8 * np.spacing(np.abs(scaled).max()):
            return np.maximum(finest, 10.0**-places)
    return finest


def _is_precision(step: float, ties: Ties) -> bool:
    """Whether a lattice is only that of the 32-bit numbers which the values once were."""
    largest = np.float32(np.abs(ties.values).max())
    finest = step <= 1.01 * float(np.spacing(largest))
    return finest and is_single_precision(ties.values) and ties.share <= _CROWDED_SHARE


def _is_tied_without_lattice(
    ties: Ties, is_precision: bool, distinct: Callable[[], np.ndarray] | None
) -> bool:
    if is_precision:
        return False
    if is_single_precision(ties.values) and ties.share <= _CROWDED_SHARE:
        return False
    if distinct is not None:
        return Ties.of(distinct()).share > TIED_SHARE
    # one column alone: a few repeats of each row are resampling, many are a discrete variable
    return ties.counts.mean() >= ATOM_EXCESS
