"""Integrands written as ``exp(log_scale) * factor``, so that densities neither overflow nor vanish."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from densimeter.foundations.errors import NonFiniteError

Integrand: TypeAlias = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Rows ``(n, d)`` to ``(log_scale, factor)``, both ``(n,)``; a factor beside -inf is ignored."""


def checked(integrand: Integrand) -> Integrand:
    """`integrand`, zero outside its support, that raises `NonFiniteError` where it is NaN or infinite."""

    def evaluate(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_scale, factor = (np.asarray(column, np.float64) for column in integrand(rows))
        factor = np.where(np.isneginf(log_scale), 0.0, factor)
        bad = np.isnan(log_scale) | np.isposinf(log_scale) | ~np.isfinite(factor)
        if bad.any():
            raise NonFiniteError(
                f"the integrand is not finite at {rows[np.argmax(bad)]}", "leave such points out of the box"
            )
        return log_scale, factor

    return evaluate
