"""Columns that other columns determine in every row: no density exists then, whatever is fitted."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from densimeter.foundations.errors import DensimeterWarning

_SCREENED_ROWS, _GLANCED_ROWS = 20_000, 2_000
"""Rows that decide whether a column is looked at in all of them: of a table to be cleaned, of a fit's."""

_SUSPECT, _MOST_DECIMALS = 0.15, 6
"""Share of a column's spread that others leave unexplained at most; digits that count as rounding."""

_SPREAD_IN_STEPS = 20
"""A rounded column must spread over so many times what rounding leaves open, or chance may explain it."""

_MOST_ROUNDED, _NEARLY_EXACT = 64, 1e-4
"""Beyond so many columns only exact relations are looked for: what leaves this share of the spread."""

_SPARE_ROWS, _LARGEST = 10, 1e150
"""Rows beyond the number of columns, or chance explains everything; sizes that can still be squared."""

_MOST_TERMS = 8
"""Terms of a relation that are written out."""

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

    def of_columns(self, places: Sequence[int]) -> Relation:
        """The relation of a table's columns at these places, for one found among them alone."""
        coefficients = {places[place]: number for place, number in self.coefficients.items()}
        return replace(self, column=places[self.column], coefficients=coefficients)

    def describe(self, names: Sequence[str]) -> str:
        """The relation in a few words, as ``c = a + b in every row``."""
        text, n_more = "", len(self.coefficients) - _MOST_TERMS
        for place, number in list(self.coefficients.items())[:_MOST_TERMS]:
            size = abs(number)
            factor = "" if size == 1 else f"{_written(size)} "
            sign = "-" if number < 0 else "+"
            term = f"{factor}{names[place]}"
            text += f" {sign} {term}" if text else f"{'-' * (number < 0)}{term}"
        if n_more > 0:
            text += f" + {n_more} more terms"
        if self.constant:
            text += f" {'-' if self.constant < 0 else '+'} {_written(abs(self.constant))}"
        return f"{names[self.column]} = {text} in every row" + ("" if self.is_exact else ", within rounding")


def find_relations(rows: np.ndarray) -> list[Relation]:
    """The columns that those before them determine, each with its relation.

    A QR decomposition tells what those before it leave of each column; where that is little, it must be
    explained by the spacing of floating-point numbers or by the decimals to which the columns are written.
    Coefficients are cleaned to zero or to simple fractions where the relation stays true. Columns must have
    spread; where there are hardly more rows than columns nothing can be said.

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
    screened = _standardised(rows[:: max(1, len(rows) // _SCREENED_ROWS)])
    suspects = _suspects(screened)
    if not suspects:
        return []
    n_distinct = len(np.unique(screened, axis=0))
    steps = np.array([_step(column) for column in rows.T])
    found = dict[int, Relation]()
    for j in suspects:
        kept = [k for k in range(j) if k not in found and screened[:, k].any()]
        relation = None
        if kept and n_distinct >= len(kept) + _SPARE_ROWS:
            relation = _relation(rows, j, kept, steps)
        if relation is not None:
            found[j] = relation
    return list(found.values())


def warn_of_relations(estimator: Any, rows: np.ndarray) -> None:
    """A `DensimeterWarning` where columns determine each other, by the names `estimator` was fitted with.

    A few thousand rows tell whether there may be such columns; these are then looked at in all rows. Nothing
    is said inside `relations_untold`, nor where there are hardly more rows than columns.
    """
    if _UNTOLD.get() or rows.shape[1] < 2 or len(rows) < rows.shape[1] + _SPARE_ROWS:
        return
    glance = _complete(rows[:: max(1, len(rows) // _GLANCED_ROWS)])
    if len(glance) < rows.shape[1] + _SPARE_ROWS or np.abs(glance).max() > _LARGEST:
        return
    found = find_relations(glance)
    if found and len(rows) > len(glance):
        places = sorted({place for one in found for place in (one.column, *one.coefficients)})
        found = [one.of_columns(places) for one in find_relations(_complete(rows[:, places]))]
    if not found:
        return
    names = getattr(estimator, "feature_names_in_", [f"column {j}" for j in range(rows.shape[1])])
    n_more = len(found) - 1
    more = f", and {n_more} more relation{'s' * (n_more > 1)}" if n_more else ""
    warnings.warn(
        f"{found[0].describe(names)}{more}: there is no density\nleave out columns that others determine",
        DensimeterWarning,
        stacklevel=_calls_inside(),
    )


def _calls_inside() -> int:
    """The level of the stack, seen from the caller, at which the package was called."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("densimeter."):
        frame, level = frame.f_back, level + 1
    return level


_UNTOLD: ContextVar[bool] = ContextVar("relations_untold", default=False)


@contextmanager
def relations_untold() -> Iterator[None]:
    """Fits inside the block, parts of another that looked before, say nothing of relations."""
    token = _UNTOLD.set(True)
    try:
        yield
    finally:
        _UNTOLD.reset(token)


def _complete(rows: np.ndarray) -> np.ndarray:
    """The rows without missing cells, in float64."""
    return np.asarray(rows[np.isfinite(rows).all(axis=1)], np.float64)


def _standardised(rows: np.ndarray) -> np.ndarray:
    """Columns less their mean, over their standard deviation; zero where they have one value."""
    spreads = np.ptp(rows, axis=0)
    centred = np.where(spreads > 0, (rows - rows[0]) / np.where(spreads > 0, spreads, 1.0), 0.0)
    centred -= centred.mean(axis=0)
    deviations = centred.std(axis=0)
    return centred / np.where(deviations > 0, deviations, 1.0)


def _suspects(screened: np.ndarray) -> list[int]:
    """The columns of which those before them leave little, by one QR decomposition."""
    norms, left = np.linalg.norm(screened, axis=0), np.zeros(screened.shape[1])
    factor = np.linalg.qr(screened, mode="r")
    left[: len(factor)] = np.abs(np.diagonal(factor))
    shares = np.where(np.arange(len(left)) <= _MOST_ROUNDED, _SUSPECT, _NEARLY_EXACT)
    return [int(j) for j in np.flatnonzero((norms > 0) & (left < shares * norms))]


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
