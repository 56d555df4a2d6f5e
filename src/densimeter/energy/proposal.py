"""Proposals: where the points that estimate log Z come from, and what each of them weighs."""

from __future__ import annotations

import math
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import Base
from densimeter.foundations.densities import StudentT


class Proposal(Protocol):
    """A density r near the base q: ``E_q[f] = mean(f(y) exp(log_weight(y)))`` over draws y of r."""

    def sample(self, base: Base, key: jax.Array, n_samples: int) -> jax.Array:
        """Draws ``(n_samples, n_features)``."""
        ...

    def log_weight(self, base: Base, x: jax.Array) -> jax.Array:
        """``log q(x) - log r(x)`` of one point, nats."""
        ...


class FromBase(eqx.Module):
    """The base itself: every weight is one."""

    def sample(self, base: Base, key: jax.Array, n_samples: int) -> jax.Array:
        """Exact draws of the base."""
        return base.sample(key, n_samples)

    def log_weight(self, base: Base, x: jax.Array) -> jax.Array:
        """Zero."""
        return jnp.zeros((), x.dtype)


class Defensive(eqx.Module):
    """``r = (1 - share) q + share h`` with h broad and heavy-tailed (Hesterberg, 1995).

    h is a multivariate Student t with 3 degrees of freedom and scale `spread` in every direction; rows are
    standardised, so it covers them whatever the base has missed. No weight exceeds ``1 / (1 - share)``.
    """

    share: float = eqx.field(static=True, default=0.1)
    spread: float = eqx.field(static=True, default=1.5)
    freedom: int = eqx.field(static=True, default=3)

    def sample(self, base: Base, key: jax.Array, n_samples: int) -> jax.Array:
        """Draws of the mixture of base and broad part."""
        for_base, for_broad, for_choice = jax.random.split(key, 3)
        from_base = base.sample(for_base, n_samples)
        from_broad = self._broad(from_base[0]).sample(for_broad, n_samples).astype(from_base.dtype)
        is_broad = jax.random.uniform(for_choice, (n_samples, 1)) < self.share
        return jnp.where(is_broad, from_broad, from_base)

    def log_weight(self, base: Base, x: jax.Array) -> jax.Array:
        """``log q(x) - log((1 - share) q(x) + share h(x))``, nats."""
        log_base = base.log_prob(x)
        log_broad = self._broad(x).log_prob(x)
        return log_base - jnp.logaddexp(math.log1p(-self.share) + log_base, math.log(self.share) + log_broad)

    def _broad(self, like: jax.Array) -> StudentT:
        return StudentT(
            jnp.zeros_like(like), self.spread * jnp.eye(like.size, dtype=like.dtype), self.freedom
        )


def weighted_draws(
    proposal: Proposal, base: Base, key: jax.Array, n_samples: int
) -> tuple[jax.Array, jax.Array]:
    """Draws ``(n_samples, n_features)`` and their log weights ``(n_samples,)``."""
    points = proposal.sample(base, key, n_samples)
    return points, jax.vmap(lambda x: proposal.log_weight(base, x))(points)


def effective_share(log_weights: jax.Array) -> jax.Array:
    """Kish's effective sample size over the sample size, ``(sum w)^2 / (n sum w^2)``, in (0, 1]."""
    twice = 2 * jax.nn.logsumexp(log_weights) - jax.nn.logsumexp(2 * log_weights)
    return jax.lax.stop_gradient(jnp.exp(twice) / log_weights.shape[0])


PROPOSALS: dict[str, Proposal] = {"base": FromBase(), "defensive": Defensive()}
"""What a user's word for the proposal stands for."""
