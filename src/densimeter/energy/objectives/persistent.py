"""Persistent contrastive divergence: the gradient of log Z from chains that go on from step to step."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import Base
from densimeter.energy.objectives.contract import Batch, Learned, Step
from densimeter.energy.proposal import effective_share
from densimeter.energy.tilt import Tilt
from densimeter.energy.transitions import TARGET_ACCEPTANCE, mala


class Chains(eqx.Module):
    """Positions of each fold's chains ``(n_folds, n_chains, d)`` and the log of the step size."""

    positions: jax.Array
    log_step: jax.Array


class Persistent(eqx.Module):
    """``-mean t(x) + mean t(y)``, y the chains after a few more MALA steps (Tieleman, 2008).

    The base draws too: in every step a share of the chains begins anew at draws of the base, resampled by
    their weights ``exp t``, so that no chain is stuck in a mode for long and none drifts away.
    """

    n_chains: int = eqx.field(static=True, default=512)
    n_transitions: int = eqx.field(static=True, default=4)
    renewed: float = eqx.field(static=True, default=0.05)

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, Chains]:
        """Chains at exact draws of each fold's base."""
        n_folds = jax.tree.leaves(bases)[0].shape[0]
        keys = jax.random.split(key, n_folds)
        positions = jax.vmap(lambda base, k: base.sample(k, self.n_chains))(bases, keys)
        return Learned(tilt), Chains(positions, jnp.log(jnp.asarray(1e-2, positions.dtype)))

    def loss(self, learned: Learned, memory: Chains, batch: Batch) -> tuple[jax.Array, Step]:
        """A number whose gradient estimates that of minus the log-likelihood per row, nats."""
        frozen = jax.lax.stop_gradient(learned.tilt)
        for_renewal, for_moves = jax.random.split(batch.key)
        at, share = self._renew(memory.positions[batch.fold], frozen, batch.base, for_renewal)
        moved, acceptance = mala(
            lambda x: batch.base.log_prob(x) + frozen(x),
            at,
            jnp.exp(memory.log_step),
            for_moves,
            self.n_transitions,
        )
        moved = jax.lax.stop_gradient(moved)
        log_step = memory.log_step + 0.05 * (acceptance - TARGET_ACCEPTANCE)
        chains = Chains(memory.positions.at[batch.fold].set(moved), jax.lax.stop_gradient(log_step))
        difference = jax.vmap(learned.tilt)(moved).mean() - jax.vmap(learned.tilt)(batch.rows).mean()
        return difference, Step(chains, share)

    def _renew(
        self, positions: jax.Array, tilt: Tilt, base: Base, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        for_draws, for_choice, for_coins = jax.random.split(key, 3)
        draws = base.sample(for_draws, self.n_chains)
        log_w = jax.vmap(tilt)(draws)
        chosen = draws[jax.random.categorical(for_choice, log_w, shape=(self.n_chains,))]
        renewed = jax.random.uniform(for_coins, (self.n_chains, 1)) < self.renewed
        return jnp.where(renewed, chosen, positions), effective_share(log_w)
