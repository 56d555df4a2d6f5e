"""Columns that other columns determine in every row: no density exists then, whatever is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

_SCREENED_ROWS = 20_000
"""Rows that decide whether a column is looked at in all of them."""

_SUSPECT, _MOST_DECIMALS = 0.15, 6
"""Share of a column's spread that others leave unexplained at most; digits that count as rounding."""

_SPREAD_IN_STEPS = 20
"""A rounded column must spread over so many times what rounding leaves open, or chance may explain it."""

_SPARE_ROWS = 10

_DENOMINATORS = (1, 12, 1000)
"""Of the fractions tried for the numbers in a relation, the simplest first."""


@dataclass(frozen=True)
class Relation:
    """A column as an affine function of earlier ones, true in every row but for rounding.

    Parameters
    ----------
    column : int
        The place of the column that is determined.
    coefficients : dict of int to float
        Of the others, by their places.
    constant : float
    is_exact : bool
        Whether nothing but the spacing of floating-point numbers is left.
    """

    column: int
    coefficients: dict[int, float]
    constant: float
    is_exact: bool

    def describe(self, names: Sequence[str]) -> str:
        """The relation in a few words, as ``c = a + b in every row``."""
        text = ""
        for place, number in self.coefficients.items():
            size = abs(number)
            factor = "" if size == 1 else f"{_written(size)} "
            sign = "-" if number < 0 else "+"
            term = f"{factor}{names[place]}"
            text += f" {sign} {term}" if text else f"{'-' * (number < 0)}{term}"
        if self.constant:
            text += f" {'-' if self.constant < 0 else '+'} {_written(abs(self.constant))}"
        return f"{names[self.column]} = {text} in every row" + ("" if self.is_exact else ", within rounding")


def find_relations(rows: np.ndarray) -> list[Relation]:
    """The columns that those before them determine, each with its relation.

    Each column is projected on those before it that are not determined themselves (Gram and Schmidt, twice);
    what little is left must be explained by the spacing of floating-point numbers or by the decimals to which
    the columns are written. Coefficients are cleaned to zero or to simple fractions where the relation stays
    true. Columns must have spread; where there are hardly more rows than columns nothing can be said.

    Cost: ``O(n d^2)``.

    Parameters
    ----------
    rows : array of shape (n_samples, n_features)
        Finite; rows with missing cells are to be left out before.

    Examples
    --------
    >>> a, b = np.random.default_rng(0).normal(size=(2, 50))
    >>> [found.describe("abc") for found in find_relations(np.column_stack([a, b, a + b]))]
    ['c = a + b in every row']
    """
    shift, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    steps = np.array([_step(column) for column in rows.T])
    screened = (rows[:: max(1, len(rows) // _SCREENED_ROWS)] - shift) / scale
    screened -= screened.mean(axis=0)
    basis, kept, found = np.empty((len(screened), 0)), list[int](), list[Relation]()
    for j in range(rows.shape[1]):
        left = screened[:, j] - basis @ (basis.T @ screened[:, j])
        left -= basis @ (basis.T @ left)
        size = np.linalg.norm(left)
        suspect = size < _SUSPECT * np.linalg.norm(screened[:, j])
        relation = None
        if kept and suspect and len(np.unique(screened, axis=0)) >= len(kept) + _SPARE_ROWS:
            relation = _relation(rows, j, kept, steps)
        if relation is not None:
            found.append(relation)
        elif size > 0:
            kept.append(j)
            basis = np.column_stack([basis, left / size])
    return found


def _step(column: np.ndarray) -> float:
    """Ten to the power of minus the decimals to which a column is written; 0 if they are too many to tell."""
    for decimals in range(_MOST_DECIMALS + 1):
        if np.allclose(np.round(column, decimals), column, rtol=4 * np.finfo(float).eps, atol=0):
            return 10.0**-decimals
    return 0.0


def _relation(rows: np.ndarray, j: int, kept: Sequence[int], steps: np.ndarray) -> Relation | None:
    shift = rows[:, kept].mean(axis=0)
    scale = rows[:, kept].std(axis=0)
    design = np.column_stack([(rows[:, kept] - shift) / scale, np.ones(len(rows))])
    fitted = np.linalg.lstsq(design, rows[:, j], rcond=None)[0]
    slopes = fitted[:-1] / scale
    negligible = np.abs(slopes) * scale < 1e-3 * rows[:, j].std()
    for largest in (*_DENOMINATORS, None):
        tried = np.where(negligible & (largest is not None), 0.0, _simple(slopes, largest))
        constant = np.median(rows[:, j] - rows[:, kept] @ tried)
        for offset in (float(_simple(np.array([constant]), largest)[0]), float(constant)):
            verdict = _holds(rows, j, kept, tried, offset, steps)
            if verdict is not None:
                used = {k: float(b) for k, b in zip(kept, tried, strict=True) if b}
                return Relation(j, used, offset, verdict) if used else None
    return None


def _holds(
    rows: np.ndarray, j: int, kept: Sequence[int], slopes: np.ndarray, constant: float, steps: np.ndarray
) -> bool | None:
    """Whether the relation is exact (True) or true within rounding (False); None if it is neither."""
    worst = np.abs(rows[:, j] - rows[:, kept] @ slopes - constant).max()
    sizes = np.abs(rows).max(axis=0)
    terms = sizes[j] + np.abs(slopes) @ sizes[kept] + abs(constant)
    if worst <= 64 * np.finfo(float).eps * terms:
        return True
    open_ = (steps[j] + np.abs(slopes) @ steps[kept]) / 2
    plain = steps[j] > 0 and all(step > 0 for step, slope in zip(steps[kept], slopes, strict=True) if slope)
    enough = len(rows) >= 2 * np.count_nonzero(slopes) + _SPARE_ROWS
    if plain and enough and worst <= 1.001 * open_ and _SPREAD_IN_STEPS * open_ <= np.ptp(rows[:, j]):
        return False
    return None


def _simple(numbers: np.ndarray, largest: int | None) -> np.ndarray:
    """The fractions of denominators up to `largest` that are nearest; the numbers themselves for None."""
    if largest is None:
        return numbers
    return np.array([float(Fraction(number).limit_denominator(largest)) for number in numbers])


def _written(number: float) -> str:
    fraction = Fraction(number).limit_denominator(1000)
    exact = abs(float(fraction) - number) <= 1e-12 * number
    decimal = f"{number:.6g}"
    return f"{fraction}" if exact and float(decimal) != number else decimal
