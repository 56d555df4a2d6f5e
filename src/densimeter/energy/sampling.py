"""Samples of the model: exact rejection from the base, for which the tilt must be bounded."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.density import TiltedDensity
from densimeter.foundations.precision import double_precision

BLOCK = 8192
"""Draws of the base at a time."""


@dataclass(frozen=True)
class Drawn:
    """Rows ``(n_samples, n_features)`` and the share of the base's draws that became rows."""

    rows: np.ndarray
    acceptance: float


def draw(density: TiltedDensity, key: jax.Array, n_samples: int) -> Drawn:
    """Exact draws by rejection from the base, in float64.

    A draw x of the base stays with probability ``exp(t(x) - ceiling)``, where ``t(x) <= ceiling`` everywhere
    (von Neumann, 1951). Expected cost: ``n_samples exp(ceiling) / Z`` draws of the base.
    """
    kept: list[np.ndarray] = []
    n_kept = n_blocks = 0
    with double_precision():
        while n_kept < n_samples:
            points, accepted = _propose(density, jax.random.fold_in(key, n_blocks))
            kept.append(np.asarray(points)[np.asarray(accepted)])
            n_kept += len(kept[-1])
            n_blocks += 1
    return Drawn(np.concatenate(kept)[:n_samples], n_kept / (n_blocks * BLOCK))


@eqx.filter_jit
def _propose(density: TiltedDensity, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    for_points, for_coins = jax.random.split(key)
    points = density.base.sample(for_points, BLOCK)
    log_coins = jnp.log1p(-jax.random.uniform(for_coins, (BLOCK,), points.dtype))
    tilts = jax.vmap(density.tilt)(points)
    return points, log_coins <= tilts - density.tilt.ceiling
