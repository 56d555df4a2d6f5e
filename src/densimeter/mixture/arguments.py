"""Checks of arrays that the room's estimators are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.checks import check_symmetric
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.rows import check_sample_weight
from densimeter.mixture.families import Family


def check_enough(rows: np.ndarray, n_components: int) -> None:
    """Raise a `DataError` if there are fewer rows than components."""
    if len(rows) < n_components:
        raise DataError(
            f"Expected n_samples >= n_components but got n_components = {n_components}, "
            f"n_samples = {len(rows)}",
            "give more rows or ask for fewer components",
        )


def check_weights(rows: np.ndarray, sample_weight: ArrayLike | None, relative: bool = True) -> np.ndarray:
    """Weights ``(n,)``, divided by their maximum if `relative`; a view of a single one if there are none."""
    if sample_weight is None:
        return np.broadcast_to(np.ones(1, rows.dtype), len(rows))
    weights = check_sample_weight(sample_weight, len(rows))
    return (weights / weights.max() if relative else weights).astype(rows.dtype)


def rows_present(
    rows: np.ndarray, sample_weight: ArrayLike | None, relative: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of positive weight with their weights; the others are not there, whatever they hold."""
    weights = check_weights(rows, sample_weight, relative)
    there = weights > 0
    return (rows, weights) if there.all() else (rows[there], weights[there])


def check_part(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """A finite array of that shape in float64, or None if nothing is given."""
    if given is None:
        return None
    part = np.array(given, np.float64)
    if part.shape != shape:
        raise SettingError(
            f"The parameter '{name}' should have the shape of {shape}, but got {part.shape}",
            f"give {name} with shape {shape}",
        )
    if not np.isfinite(part).all():
        raise SettingError(f"The parameter '{name}' should be finite", "give a number for each place")
    return part


def check_covariance(name: str, given: Any, family: Family, n_features: int) -> np.ndarray | None:
    """One covariance, shaped as a component's of the family, or None if nothing is given."""
    shape = family.shape(n_features, 1)
    covariance = check_part(name, given, shape if family.shared else shape[1:])
    if covariance is None:
        return None
    try:
        if covariance.ndim == 2:
            covariance = check_symmetric(name, covariance)
        family.precision_cholesky(covariance if family.shared else covariance[None])
    except np.linalg.LinAlgError:
        raise SettingError(f"{name} must be symmetric, positive definite", "give a covariance") from None
    return covariance


def check_matrices(name: str, given: Any, family: Family, shape: tuple[int, ...]) -> np.ndarray | None:
    """Covariances or precisions of all components, symmetric where they are matrices; None if not given."""
    part = check_part(name, given, shape)
    return check_symmetric(name, part) if part is not None and family.has_matrices else part
