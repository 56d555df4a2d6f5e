"""Markov transitions that leave a density as it is: Metropolis-adjusted Langevin steps by blackjax."""

from __future__ import annotations

from collections.abc import Callable

import blackjax
import jax

TARGET_ACCEPTANCE = 0.574
"""The best share of accepted MALA steps in many dimensions (Roberts and Rosenthal, 1998)."""


def mala(
    log_density: Callable[[jax.Array], jax.Array],
    positions: jax.Array,
    step_size: jax.Array,
    key: jax.Array,
    n_steps: int,
) -> tuple[jax.Array, jax.Array]:
    """Chains at `positions` ``(n_chains, d)`` after `n_steps` steps each, and their mean acceptance.

    A step proposes ``x + step_size grad log p(x) + sqrt(2 step_size) e`` (Besag, 1994).
    """
    kernel = blackjax.mala.build_kernel()

    def step(states, key):  # type: ignore[no-untyped-def]
        keys = jax.random.split(key, positions.shape[0])
        states, told = jax.vmap(lambda k, s: kernel(k, s, log_density, step_size))(keys, states)
        return states, told.acceptance_rate.mean()

    states = jax.vmap(lambda x: blackjax.mala.init(x, log_density))(positions)
    states, acceptance = jax.lax.scan(step, states, jax.random.split(key, n_steps))
    return states.position, acceptance.mean()
