"""Score matching: fit the gradient of the log-density, in which log Z does not occur."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import Base
from densimeter.energy.objectives.contract import Batch, Learned, Step
from densimeter.energy.tilt import Tilt


class DenoisingScoreMatching(eqx.Module):
    """``mean |noise * s(x + noise e) + e|^2 / 2``, e standard normal (Vincent, 2011, eq. 6).

    s is the gradient of the log-density. What is learned is the density of rows blurred by `noise`, in
    standard deviations of the columns. The relative weight of separate modes is the base's: no score sees it.
    """

    noise: float = eqx.field(static=True, default=0.05)

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, None]:
        """Nothing is learned beside the tilt and nothing remembered."""
        return Learned(tilt), None

    def loss(self, learned: Learned, memory: None, batch: Batch) -> tuple[jax.Array, Step]:
        """Half the mean squared error of the score, in units of the noise."""
        noise = jax.random.normal(batch.key, batch.rows.shape, batch.rows.dtype)
        scores = jax.vmap(_score_of(learned.tilt, batch.base))(batch.rows + self.noise * noise)
        loss = 0.5 * jnp.square(self.noise * scores + noise).sum(axis=1).mean()
        return loss, Step(memory, jnp.ones(()))


class SlicedScoreMatching(eqx.Module):
    """``mean v^T (ds/dx) v + |s|^2 / 2`` with random signs v (Song et al., 2019, eq. 8).

    Needs an activation with a second derivative: with relu the first term is zero almost everywhere.
    """

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, None]:
        """Nothing is learned beside the tilt and nothing remembered."""
        return Learned(tilt), None

    def loss(self, learned: Learned, memory: None, batch: Batch) -> tuple[jax.Array, Step]:
        """Fisher divergence up to a constant."""
        signs = jax.random.rademacher(batch.key, batch.rows.shape, batch.rows.dtype)
        score = _score_of(learned.tilt, batch.base)

        def at(x: jax.Array, v: jax.Array) -> jax.Array:
            s, slope = jax.jvp(score, (x,), (v,))
            return v @ slope + 0.5 * s @ s

        return jax.vmap(at)(batch.rows, signs).mean(), Step(memory, jnp.ones(()))


def _score_of(tilt: Tilt, base: Base) -> Callable[[jax.Array], jax.Array]:
    return jax.grad(lambda x: base.log_prob(x) + tilt(x))
