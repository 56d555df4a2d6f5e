"""Noise-contrastive estimation: tell rows from draws of the proposal, log Z learned on the way."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import Base
from densimeter.energy.objectives.contract import Batch, Learned, Step
from densimeter.energy.proposal import effective_share, weighted_draws
from densimeter.energy.tilt import Tilt


class NoiseContrastive(eqx.Module):
    """Logistic regression with logit ``log p(x) - log r(x) - log nu`` (Gutmann and Hyvarinen, 2012, eq. 8).

    r is the proposal, nu the number of its draws per row, and ``log p = log q + t - c`` with c learned.
    """

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, None]:
        """``c = 0``, which is log Z of the untrained tilt."""
        return Learned(tilt, jnp.zeros(())), None

    def loss(self, learned: Learned, memory: None, batch: Batch) -> tuple[jax.Array, Step]:
        """Logistic loss per row, nats."""
        draws, log_weights = weighted_draws(batch.proposal, batch.base, batch.key, batch.n_proposals)
        ratio = batch.n_proposals / batch.rows.shape[0]
        row_weights = jax.vmap(lambda x: batch.proposal.log_weight(batch.base, x))(batch.rows)
        log_w = jax.vmap(learned.tilt)(draws) + log_weights
        on_rows = jax.vmap(learned.tilt)(batch.rows) + row_weights
        shift = learned.extra + math.log(ratio)
        rows_missed = jax.nn.softplus(shift - on_rows).mean()
        draws_missed = jax.nn.softplus(log_w - shift).mean()
        return rows_missed + ratio * draws_missed, Step(memory, effective_share(log_w))
