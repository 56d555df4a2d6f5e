"""Proposals: where the points that estimate log Z come from, and what each of them weighs."""

from __future__ import annotations

import math
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import MixtureBase


class Proposal(Protocol):
    """Draws y with weights, so that ``E_q[f] = mean(f(y) exp(log_weight))`` for the base q."""

    def draw(self, base: MixtureBase, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """Points ``(n_samples, n_features)`` and log weights ``log q(y) - log proposal(y)``, nats."""
        ...


class FromBase(eqx.Module):
    """The base itself: every weight is one."""

    def draw(self, base: MixtureBase, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """Exact draws of the base."""
        points = base.sample(key, n_samples)
        return points, jnp.zeros(n_samples, points.dtype)


class Defensive(eqx.Module):
    """``(1 - share) q + share h`` with h broad and heavy-tailed (Hesterberg, 1995).

    h is a multivariate Student t with 3 degrees of freedom and the scale matrix `spread` squared times the
    identity; rows are standardised, so it covers them whatever the base has missed. Weights never exceed
    ``1 / (1 - share)``.
    """

    share: float = eqx.field(static=True, default=0.1)
    spread: float = eqx.field(static=True, default=1.5)
    degrees: float = eqx.field(static=True, default=3.0)

    def draw(self, base: MixtureBase, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """Draws of the mixture of base and broad part, and their log weights."""
        for_base, for_broad, for_choice = jax.random.split(key, 3)
        from_base = base.sample(for_base, n_samples)
        from_broad = self._sample_broad(for_broad, n_samples, base.n_features, from_base.dtype)
        broad = jax.random.uniform(for_choice, (n_samples, 1)) < self.share
        points = jnp.where(broad, from_broad, from_base)
        log_base = jax.vmap(base.log_prob)(points)
        log_broad = jax.vmap(self.log_prob_broad)(points)
        log_proposal = jnp.logaddexp(math.log1p(-self.share) + log_base, math.log(self.share) + log_broad)
        return points, log_base - log_proposal

    def log_prob_broad(self, x: jax.Array) -> jax.Array:
        """Log h(x) of one point, nats."""
        d, nu = x.shape[0], self.degrees
        constant = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - d / 2 * math.log(nu * math.pi)
        squared = jnp.square(x / self.spread).sum()
        return constant - d * math.log(self.spread) - (nu + d) / 2 * jnp.log1p(squared / nu)

    def _sample_broad(self, key: jax.Array, n_samples: int, n_features: int, dtype: jnp.dtype) -> jax.Array:
        for_normal, for_scale = jax.random.split(key)
        normal = jax.random.normal(for_normal, (n_samples, n_features), dtype)
        chi_square = 2 * jax.random.gamma(for_scale, self.degrees / 2, (n_samples, 1), dtype)
        return self.spread * normal * jnp.sqrt(self.degrees / chi_square)


PROPOSALS: dict[str, Proposal] = {"base": FromBase(), "defensive": Defensive()}
"""What a user's word for the proposal stands for."""
