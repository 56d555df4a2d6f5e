"""Checks of arrays that the room's estimators are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from densimeter.foundations.errors import DataError, SettingError


def check_weights(rows: np.ndarray, sample_weight: ArrayLike | None, relative: bool = True) -> np.ndarray:
    """Weights ``(n,)``, divided by their maximum if `relative`; a view of a single one if there are none."""
    if sample_weight is None:
        return np.broadcast_to(np.ones(1, rows.dtype), len(rows))
    if not np.any(np.asarray(sample_weight)):
        raise DataError("every sample weight is zero", "give at least one row a positive weight")
    weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    return (weights / weights.max() if relative else weights).astype(rows.dtype)


def check_part(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """A finite array of that shape in float64, or None if nothing is given."""
    if given is None:
        return None
    part = np.array(given, np.float64)
    if part.shape != shape or not np.isfinite(part).all():
        raise SettingError(
            f"the parameter '{name}' should have the shape of {shape}, finite, but got {part.shape}",
            f"give {name} with shape {shape}",
        )
    return part
