"""Maximum likelihood, the gradient of log Z by self-normalised importance sampling."""

from __future__ import annotations

import math

import equinox as eqx
import jax

from densimeter.energy.base import Base
from densimeter.energy.objectives.contract import Batch, Learned, Step
from densimeter.energy.proposal import effective_share, weighted_draws
from densimeter.energy.tilt import Tilt


class Importance(eqx.Module):
    """``-mean t(x) + log mean exp(t(y) + log weight(y))``, x the rows and y drawn from the proposal.

    The gradient of the second term is ``sum w grad t / sum w``, the self-normalised estimate of
    ``E_p[grad t]``, which is the gradient of log Z (identity ``E_p[f] = E_q[f w] / E_q[w]``).
    """

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, None]:
        """Nothing is learned beside the tilt and nothing remembered."""
        return Learned(tilt), None

    def loss(self, learned: Learned, memory: None, batch: Batch) -> tuple[jax.Array, Step]:
        """Minus the log-likelihood per row of the batch above the base's, nats."""
        points, log_weights = weighted_draws(batch.proposal, batch.base, batch.key, batch.n_proposals)
        log_w = jax.vmap(learned.tilt)(points) + log_weights
        log_z = jax.nn.logsumexp(log_w) - math.log(batch.n_proposals)
        return log_z - jax.vmap(learned.tilt)(batch.rows).mean(), Step(memory, effective_share(log_w))
