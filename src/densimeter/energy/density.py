"""The fitted density: base times exp of tilt, over Z, in scaled rows; one point at a time."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.base import Base
from densimeter.energy.tilt import FinishedTilt
from densimeter.foundations.padding import bucket_size, pad_rows
from densimeter.foundations.precision import double_precision

BLOCK = 8192
"""Rows computed at a time, if the base has few parts."""

MOST_TERMS = 2**23
"""Rows times terms of the base computed at a time, as gradients keep them all."""


class TiltedDensity(eqx.Module):
    """``q(x) exp(t(x))``, unnormalised, for one point x of shape ``(n_features,)`` of the scaled rows."""

    base: Base
    tilt: FinishedTilt

    def log_prob_above_log_z(self, x: jax.Array) -> jax.Array:
        """``log q(x) + t(x)``, nats: the log-density plus log Z."""
        return self.base.log_prob(x) + self.tilt(x)

    def in_double_precision(self) -> TiltedDensity:
        """The same density with float64 leaves, so that everything computed from it is float64."""
        with double_precision():
            return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, np.float64)), self)


def values(density: TiltedDensity, Z: np.ndarray) -> np.ndarray:
    """Log-density plus log Z of each of the scaled rows ``(n, d)``, in float64; memory one block."""
    return density.base.log_probs(Z) + tilts(density, Z)


def gradients(density: TiltedDensity, Z: np.ndarray) -> np.ndarray:
    """Gradient of the log-density at each of the scaled rows, ``(n, d)``, in float64."""
    n_terms = max(leaf.shape[0] for leaf in jax.tree.leaves(density.base) if leaf.ndim)
    return _in_blocks(_gradients, density, Z, block=min(BLOCK, bucket_size(MOST_TERMS // n_terms)))


def tilts(density: TiltedDensity, Z: np.ndarray) -> np.ndarray:
    """The tilt at each of the scaled rows, ``(n,)``, nats, in float64."""
    return _in_blocks(_tilts, density, Z)


@eqx.filter_jit
def _tilts(density: TiltedDensity, rows: jax.Array) -> jax.Array:
    return jax.vmap(density.tilt)(rows)


@eqx.filter_jit
def _gradients(density: TiltedDensity, rows: jax.Array) -> jax.Array:
    return jax.vmap(jax.grad(density.log_prob_above_log_z))(rows)


def _in_blocks(
    function: Callable[[TiltedDensity, jax.Array], jax.Array],
    density: TiltedDensity,
    Z: np.ndarray,
    block: int = BLOCK,
) -> np.ndarray:
    found = []
    with double_precision():
        for first in range(0, len(Z), block):
            rows = Z[first : first + block]
            padded = pad_rows(rows, min(bucket_size(len(rows)), block))
            found.append(np.asarray(function(density, jnp.asarray(padded)))[: len(rows)])
    return np.concatenate(found)
