"""Maximum likelihood with log Z as a parameter: an unbiased gradient from any number of draws."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import Base
from densimeter.energy.objectives.contract import Batch, Learned, Step
from densimeter.energy.proposal import effective_share, weighted_draws
from densimeter.energy.tilt import Tilt


class SelfNormalized(eqx.Module):
    """``-mean t(x) + b + exp(-b) Z - 1``, Z the mean weight of the draws, minimised over t and b.

    Since ``log Z <= b + exp(-b) Z - 1`` with equality at ``b = log Z``, this bounds minus the log-likelihood
    from above, touches it at the optimum, and is linear in Z, so that its gradient is unbiased
    (arXiv 2503.07021, "self-normalised log-likelihood").
    """

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, None]:
        """``b = 0``, which is log Z of the untrained tilt."""
        return Learned(tilt, jnp.zeros(())), None

    def loss(self, learned: Learned, memory: None, batch: Batch) -> tuple[jax.Array, Step]:
        """The upper bound on minus the log-likelihood per row above the base's, nats."""
        points, log_weights = weighted_draws(batch.proposal, batch.base, batch.key, batch.n_proposals)
        log_w = jax.vmap(learned.tilt)(points) + log_weights
        log_z = learned.extra
        bound = log_z + jnp.exp(log_w - log_z).mean() - 1
        return bound - jax.vmap(learned.tilt)(batch.rows).mean(), Step(memory, effective_share(log_w))
