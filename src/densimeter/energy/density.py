"""The fitted density: base times exp of tilt, over Z, in scaled rows; one point at a time."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.base import MixtureBase
from densimeter.energy.tilt import FinishedTilt
from densimeter.foundations.padding import bucket_size, pad_rows
from densimeter.foundations.precision import double_precision

BLOCK = 8192
"""Rows computed at a time."""


class TiltedDensity(eqx.Module):
    """``q(x) exp(t(x))``, unnormalised, for one point x of shape ``(n_features,)`` of the scaled rows."""

    base: MixtureBase
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
    return _in_blocks(_values, density, Z)


def gradients(density: TiltedDensity, Z: np.ndarray) -> np.ndarray:
    """Gradient of the log-density at each of the scaled rows, ``(n, d)``, in float64."""
    return _in_blocks(_gradients, density, Z)


def tilts(density: TiltedDensity, Z: np.ndarray) -> np.ndarray:
    """The tilt at each of the scaled rows, ``(n,)``, nats, in float64."""
    return _in_blocks(_tilts, density, Z)


@eqx.filter_jit
def _tilts(density: TiltedDensity, rows: jax.Array) -> jax.Array:
    return jax.vmap(density.tilt)(rows)


@eqx.filter_jit
def _values(density: TiltedDensity, rows: jax.Array) -> jax.Array:
    return jax.vmap(density.log_prob_above_log_z)(rows)


@eqx.filter_jit
def _gradients(density: TiltedDensity, rows: jax.Array) -> jax.Array:
    return jax.vmap(jax.grad(density.log_prob_above_log_z))(rows)


def _in_blocks(
    function: Callable[[TiltedDensity, jax.Array], jax.Array], density: TiltedDensity, Z: np.ndarray
) -> np.ndarray:
    found = []
    with double_precision():
        for first in range(0, len(Z), BLOCK):
            block = Z[first : first + BLOCK]
            padded = pad_rows(block, min(bucket_size(len(block)), BLOCK))
            found.append(np.asarray(function(density, jnp.asarray(padded)))[: len(block)])
    return np.concatenate(found)
