"""Checks of parameters at the edge: each returns the value it was given, or raises a `SettingError`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, TypeVar

from densimeter.foundations.errors import SettingError, did_you_mean

if TYPE_CHECKING:  # commands check their options before NumPy is needed
    import numpy as np

Variant = TypeVar("Variant")


def check_number(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
) -> float:
    """A finite real number, strictly above `above`, not less than `at_least`, strictly below `below`.

    Raises
    ------
    SettingError
        If it is not a finite real number or lies outside.

    Examples
    --------
    >>> check_number("confidence", 0.95, above=0, below=1)
    0.95
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise SettingError(f"{name} must be a finite number, got {value!r}", f"give {name} as a number")
    number = float(value)
    if number <= above or number < at_least or number >= below:
        limits = [
            f"{words} {limit:g}"
            for words, limit in (("above", above), ("at least", at_least), ("below", below))
            if math.isfinite(limit)
        ]
        raise SettingError(f"{name} is {value!r}, out of range", f"give a number {' and '.join(limits)}")
    return number


def check_count(name: str, value: object, *, at_least: int = 1) -> int:
    """A whole number not less than `at_least`.

    Raises
    ------
    SettingError
        If it is not one.

    Examples
    --------
    >>> check_count("n_components", 10)
    10
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < at_least:
        raise SettingError(
            f"{name} must be a whole number of at least {at_least}, got {value!r}",
            f"give {name} as {at_least} or more",
        )
    return int(value)


def choose(name: str, value: object, variants: Mapping[str, Variant]) -> Variant:
    """The object that a user's word stands for; the one place where strings turn into objects.

    Raises
    ------
    SettingError
        If the word is not known; the advice names the nearest that is.

    Examples
    --------
    >>> choose("criterion", "bic", {"bic": 1, "aic": 2})
    1
    """
    if not isinstance(value, str) or value not in variants:
        raise SettingError(f"{name} has no variant {value!r}", did_you_mean(str(value), list(variants)))
    return variants[value]


ASYMMETRY = 1e-6
"""Times the roots of the two variances: matrices rounded to 32 bits differ from their transpose by less."""


def check_symmetric(name: str, matrices: np.ndarray) -> np.ndarray:
    """Matrices ``(d, d)`` or ``(K, d, d)`` made symmetric to the last bit, if they are but for rounding.

    Raises
    ------
    SettingError
        If one is not: names it, and the largest difference of two opposite entries.

    Examples
    --------
    >>> import numpy as np
    >>> check_symmetric("covariances", np.array([[2.0, 1.0], [1.0 + 1e-9, 2.0]])).tolist()
    [[2.0, 1.0000000005], [1.0000000005, 2.0]]
    """
    import numpy as np

    transposed = np.swapaxes(matrices, -1, -2)
    roots = np.sqrt(np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)))
    gaps = np.abs(matrices - transposed)
    wrong = gaps > ASYMMETRY * roots[..., :, None] * roots[..., None, :]
    if not wrong.any():
        return matrices / 2 + transposed / 2
    *place, row, column = np.unravel_index(np.argmax(np.where(wrong, gaps, 0)), gaps.shape)
    which = f"{name} of component {place[0]}" if place else name
    upper, lower = matrices[(*place, row, column)], matrices[(*place, column, row)]
    raise SettingError(
        f"{which} is not symmetric: [{row}, {column}] is {upper:.6g}, [{column}, {row}] is {lower:.6g}, "
        f"{abs(upper - lower):.3g} apart",
        "give symmetric matrices; (A + A.T) / 2 is one, if the difference does not matter",
    )
