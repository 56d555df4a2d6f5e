"""Derivatives of functions that act on each number by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from densimeter.foundations.errors import FitError, SettingError

Function = Callable[[np.ndarray], np.ndarray]

_FACTOR = 8.0
_STEPS = _FACTOR ** -np.arange(1, 17)
"""Steps of the differences, in units of the size of the numbers; from 12 % down to the rounding."""
_FOURTH_ORDER = _FACTOR**4
"""By how much the error of a slope falls from one step to the next."""
_TRUSTED_ERROR = 1e-3
"""Relative error of a slope, so nats of one row, beyond which it is refused; the usual one is 1e-11. Close to
the end of a function's domain the row's own rounding is as large."""


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A strictly monotone function of the open interval ``(lower, upper)`` whose derivative is known.

    `log_slope` is the log of the absolute derivative; `onto` says whether the image is the whole line.
    """

    log_slope: Function
    lower: float = -math.inf
    upper: float = math.inf
    onto: bool = True

    def log_derivative(self, x: np.ndarray) -> np.ndarray:
        """``log |f'(x)|``, -inf outside the interval."""
        with np.errstate(all="ignore"):
            return np.where((x > self.lower) & (x < self.upper), self.log_slope(x), -np.inf)


KNOWN: Mapping[Function, Elementwise] = {
    np.log: Elementwise(lambda x: -np.log(x), 0),
    np.log2: Elementwise(lambda x: -np.log(x) - math.log(math.log(2)), 0),
    np.log10: Elementwise(lambda x: -np.log(x) - math.log(math.log(10)), 0),
    np.log1p: Elementwise(lambda x: -np.log1p(x), -1),
    np.exp: Elementwise(lambda x: x, onto=False),
    np.expm1: Elementwise(lambda x: x, onto=False),
    np.sqrt: Elementwise(lambda x: -0.5 * np.log(x) - math.log(2), 0, onto=False),
    np.sinh: Elementwise(lambda x: np.logaddexp(x, -x) - math.log(2)),
    np.arcsinh: Elementwise(lambda x: -np.log(np.hypot(x, 1))),
    np.tanh: Elementwise(lambda x: 2 * (math.log(2) - np.logaddexp(x, -x)), onto=False),
    np.arctanh: Elementwise(lambda x: -np.log1p(-x) - np.log1p(x), -1, 1),
    special.logit: Elementwise(lambda x: -np.log(x) - np.log1p(-x), 0, 1),
    special.expit: Elementwise(lambda x: -np.logaddexp(0, x) - np.logaddexp(0, -x), onto=False),
    np.negative: Elementwise(np.zeros_like),
    np.positive: Elementwise(np.zeros_like),
}
"""The usual ones by their functions."""


def check_elementwise(function: Function, rows: np.ndarray, name: str) -> None:
    """Refuse a function that mixes columns, tried at the first of the rows ``(n, d)``."""
    point = np.array(rows[:1], np.float64)
    before = np.asarray(function(point.copy()))
    if before.shape != point.shape:
        raise SettingError(
            f"{name} changes the number of columns, so it has no inverse",
            "leave the step out of the pipeline",
        )
    for column in range(point.shape[1]):
        moved = point.copy()
        moved[:, column] += 1e-3 * (1 + np.abs(moved[:, column]))
        others = np.arange(point.shape[1]) != column
        if not np.array_equal(np.asarray(function(moved))[:, others], before[:, others], equal_nan=True):
            raise SettingError(
                f"{name} mixes columns, and its Jacobian is not known",
                "give a transformer with a method log_abs_det_jacobian(X)",
            )


def log_derivative(function: Function, x: np.ndarray, name: str) -> np.ndarray:
    """``log |f'(x)|`` of each number of ``(n, d)`` by fourth-order differences; -inf where f is not finite.

    Of a ladder of steps the one with the smallest error is believed, number by number. The error is the
    change since the step before, but no less than the rounding, nor than what the previous change leaves
    behind: two slopes may agree by chance.

    Raises
    ------
    FitError
        Where no step is good enough.
    """
    size = np.maximum(np.abs(x), x.std(axis=0) + np.finfo(np.float64).tiny)
    with np.errstate(all="ignore"):
        centre = np.asarray(function(x.copy()), np.float64)
        slopes = np.stack([_slope(function, x, step * size) for step in _STEPS])
        changes = np.abs(np.diff(slopes, axis=0))
        left_behind = np.concatenate([np.zeros_like(changes[:1]), changes[:-1] / _FOURTH_ORDER])
        rounding = 4 * np.finfo(np.float64).eps * np.abs(centre) / (_STEPS[1:, None, None] * size)
        errors = (np.maximum(changes, left_behind) + rounding) / np.abs(slopes[1:])
        errors = np.where(np.isfinite(errors), errors, np.inf)
    best = errors.argmin(axis=0)[None]
    inside = np.isfinite(centre)
    doubtful = inside & (np.take_along_axis(errors, best, axis=0)[0] > _TRUSTED_ERROR)
    if doubtful.any():
        row, column = np.argwhere(doubtful)[0]
        raise FitError(
            f"{name} could not be differentiated at {x[row, column]:g}",
            "give a transformer with a method log_abs_det_jacobian(X)",
        )
    slope = np.where(inside, np.take_along_axis(slopes, best + 1, axis=0)[0], 1.0)
    return np.where(inside, np.log(np.abs(slope)), -np.inf)


def _slope(function: Function, x: np.ndarray, step: np.ndarray) -> np.ndarray:
    near = (np.asarray(function(x + step)) - np.asarray(function(x - step))) / (2 * step)
    far = (np.asarray(function(x + 2 * step)) - np.asarray(function(x - 2 * step))) / (4 * step)
    return (4 * near - far) / 3
