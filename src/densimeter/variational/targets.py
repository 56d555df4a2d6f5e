"""What is known of a target, where the search for it begins, and in which direction it can be sought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from sklearn.cluster import kmeans_plusplus

from densimeter.foundations.checks import check_count
from densimeter.foundations.densities import StudentT
from densimeter.foundations.errors import SettingError
from densimeter.foundations.tracing import check_point_function
from densimeter.variational.densities import as_density, traced_by_jax
from densimeter.variational.directions import (
    Direction,
    ForwardByImportance,
    ForwardFromSamples,
    LogProb,
    Reverse,
)

N_ROWS = 2**14
"""Rows drawn from a target that can be sampled."""


class Target(NamedTuple):
    """Its log-density for one point, if JAX can trace it; rows of it, if it can be sampled; its width."""

    log_prob: LogProb | None
    rows: np.ndarray | None
    n_features: int


class Start(NamedTuple):
    """Centre and scale of the search ``(n_features,)``, and means ``(n_components, n_features)``."""

    centre: np.ndarray
    scale: np.ndarray
    means: np.ndarray


def known_of(given: Any, n_features: int | None, generator: np.random.Generator) -> Target:
    """A density, or a function of one point with its `n_features`, as a `Target`."""
    if hasattr(given, "sample") or hasattr(given, "rvs"):
        density = as_density(given, "the target")
        traced = given.log_prob if traced_by_jax(given) else None
        return Target(traced, density.sample(N_ROWS, generator), density.n_features)
    if not callable(given) or n_features is None:
        raise SettingError(
            "the target is neither a density nor a function with n_features",
            "give a function of one point and its n_features",
        )
    n_features = check_count("n_features", n_features)
    check_point_function(given, n_features, "the target", gradient=True)
    return Target(cast(LogProb, given), None, n_features)


def where_to_begin(
    target: Target,
    centre: ArrayLike | None,
    scale: ArrayLike | None,
    n_components: int,
    generator: np.random.Generator,
) -> Start:
    """The places given, or else those of the target's rows, or else the standard normal's."""
    middle, width = np.zeros(target.n_features), np.ones(target.n_features)
    if target.rows is not None:
        middle, width = target.rows.mean(axis=0), target.rows.std(axis=0)
    middle = middle if centre is None else _checked("centre", centre, target.n_features)
    width = width if scale is None else _checked("scale", scale, target.n_features)
    if not (width > 0).all():
        raise SettingError("scale is not positive", "give the width of the region where the search begins")
    means = middle + width * generator.standard_normal((n_components, target.n_features))
    if target.rows is not None:
        seed = int(generator.integers(2**31))
        means, _ = kmeans_plusplus(target.rows, n_components, random_state=seed)
    return Start(middle, width, means)


def _checked(name: str, given: ArrayLike, n_features: int) -> np.ndarray:
    values = np.asarray(given, np.float64)
    if values.shape not in ((), (n_features,)) or not np.isfinite(values).all():
        raise SettingError(
            f"{name} has shape {values.shape} for {n_features} features", "give one number, or one each"
        )
    return np.broadcast_to(values, (n_features,)).copy()


def _reverse(target: Target, start: Start) -> Direction:
    if target.log_prob is None:
        raise SettingError(
            "a reverse fit needs the gradient of the target's log-density",
            "give log_prob as a function of one point that JAX can trace, or direction='forward'",
        )
    return Reverse(target.log_prob)


def _forward(target: Target, start: Start) -> Direction:
    if target.rows is not None:
        return ForwardFromSamples(jnp.asarray(target.rows))
    assert target.log_prob is not None  # a target without rows is a function
    broad = StudentT(jnp.asarray(start.centre), jnp.diag(jnp.asarray(2 * start.scale)), 3)
    return ForwardByImportance(target.log_prob, broad)


DIRECTIONS: dict[str, Callable[[Target, Start], Direction]] = {"reverse": _reverse, "forward": _forward}
"""What a user's word for the direction stands for."""
