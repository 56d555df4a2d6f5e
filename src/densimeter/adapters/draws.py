"""Rows from any fitted model that can be sampled, whatever its ``sample`` looks like."""

from __future__ import annotations

import copy
from inspect import signature
from typing import Any

import numpy as np

from densimeter.foundations.errors import FitError
from densimeter.foundations.randomness import RandomState, generator_from


def can_sample(model: Any) -> bool:
    """Whether `model` has a ``sample``."""
    return callable(getattr(model, "sample", None))


def draw_rows(model: Any, n_samples: int, random_state: RandomState = None) -> np.ndarray:
    """Independent rows ``(n_samples, n_features)`` of a fitted model, float64; the same seed, the same rows.

    scikit-learn's mixtures return rows and labels, and are seeded by a parameter of the estimator; its
    kernel estimates return rows and are seeded by the call. Mixtures give rows in the order of their
    components, so rows are shuffled.

    Raises
    ------
    FitError
        If the rows are not a table of finite numbers.

    Examples
    --------
    >>> from sklearn.mixture import GaussianMixture
    >>> model = GaussianMixture(2).fit([[0.0], [1.0], [5.0], [6.0]])
    >>> rows = draw_rows(model, 3, random_state=0)
    >>> rows.shape, bool((rows == draw_rows(model, 3, random_state=0)).all())
    ((3, 1), True)
    """
    generator = generator_from(random_state)
    seed = int(generator.integers(2**31))
    if "random_state" in signature(model.sample).parameters:
        drawn = model.sample(n_samples, random_state=seed)
    else:
        drawn = _seeded(model, seed).sample(n_samples)
    rows = np.asarray(drawn[0] if isinstance(drawn, tuple) else drawn, np.float64)
    if rows.ndim != 2 or len(rows) != n_samples or not np.isfinite(rows).all():
        raise FitError(
            f"sample({n_samples}) of {type(model).__name__} gave no table of {n_samples} finite rows",
            "check the model's sample method",
        )
    return generator.permutation(rows)


def _seeded(model: Any, seed: int) -> Any:
    """A copy of the fitted model, sharing its arrays, with the seed as its parameter."""
    if not hasattr(model, "get_params") or "random_state" not in model.get_params(deep=False):
        return model
    return copy.copy(model).set_params(random_state=seed)
