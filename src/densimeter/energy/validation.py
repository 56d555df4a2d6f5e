"""What validation rows say of a tilt, at full strength and weakened."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.base import Base, sample
from densimeter.energy.tilt import Tilt
from densimeter.foundations.padding import bucket_size, pad_rows

STRENGTHS = np.linspace(0, 1, 11)
"""The factors by which validation rows may weaken a tilt."""

N_POINTS = 2**14
"""Draws that stand for the base: the same in every round, so that rounds compare without their noise."""


class Validation(NamedTuple):
    """Rows that base and tilt have not seen ``(n, d)``, weights (0 for padding), draws of the base."""

    rows: jax.Array
    weights: jax.Array
    points: jax.Array

    @classmethod
    def of(cls, Z: np.ndarray, base: Base, key: jax.Array) -> Validation:
        """From scaled rows and a base that was fitted without them, in float32."""
        size = bucket_size(len(Z))
        single = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), base)
        return cls(
            jnp.asarray(pad_rows(Z, size), jnp.float32),
            jnp.asarray(np.arange(size) < len(Z), jnp.float32),
            sample(single, key, N_POINTS),
        )


class Verdict(NamedTuple):
    """How strongly validation rows support a tilt, in [0, 1], and by how many nats per row."""

    strength: float
    gain: float


def judge(tilt: Tilt, validation: Validation) -> Verdict:
    """The strength with the best validation likelihood, shrunk by the noise of a finite validation set.

    A tilt of strength a gains ``a mean t(x) - log E_q[exp(a t)]`` nats per row over its base, x the
    validation rows. Its slope at a = 0, over its standard error, says how sure it is that the tilt gains
    at all; with z that ratio, strength and gain are multiplied by ``max(0, 1 - 2 / z^2)``, as the
    positive-part estimator of James and Stein (1961) shrinks. So a tilt that learned only noise leaves the
    base as it is.
    """
    on_rows, on_points = (np.asarray(t, np.float64) for t in _tilts(tilt, validation))
    on_rows = on_rows[np.asarray(validation.weights) > 0]
    gains = STRENGTHS * on_rows.mean() - _log_mean_exp(STRENGTHS[:, None] * on_points)
    best = int(np.argmax(gains))
    kept = _shrinkage(on_rows, float(on_points.mean()))
    return Verdict(kept * float(STRENGTHS[best]), kept * float(gains[best]))


def _shrinkage(on_rows: np.ndarray, mean_on_points: float) -> float:
    slope = float(on_rows.mean()) - mean_on_points
    if len(on_rows) < 2 or slope <= 0:
        return 0.0
    error = float(on_rows.std(ddof=1)) / math.sqrt(len(on_rows))
    return max(0.0, 1 - 2 * (error / slope) ** 2)


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(values, axis=1) - math.log(values.shape[1])


@eqx.filter_jit
def _tilts(tilt: Tilt, validation: Validation) -> tuple[jax.Array, jax.Array]:
    return jax.vmap(tilt)(validation.rows), jax.vmap(tilt)(validation.points)
