"""The two directions of the divergence that a fit can make small.

* reverse, ``KL(q || p)``: an average over q. It seeks modes: q must not be where p is not.
* forward, ``KL(p || q)``: an average over p. It covers mass: q must be wherever p is.

Each is a loss for one batch of random numbers, up to the constant that the normaliser of p adds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.foundations.densities import StudentT
from densimeter.variational.families import Approximation

LogProb = Callable[[jax.Array], jax.Array]


class Direction(Protocol):
    """A loss to be made small."""

    def loss(self, q: Approximation, key: jax.Array, n_samples: int) -> jax.Array:
        """An estimate of it, whose gradient in q points uphill on average; nats."""
        ...


class Reverse(eqx.Module):
    """``E_q[log q - log p]``, minus the ELBO.

    The gradient flows through the points alone, not through the parameters of log q: what is left out has
    mean zero, and without it the gradient's noise vanishes as q comes to equal p (Roeder, Wu and Duvenaud,
    "Sticking the landing", 2017).
    """

    log_prob: LogProb

    def loss(self, q: Approximation, key: jax.Array, n_samples: int) -> jax.Array:
        """By reparameterised samples of q."""
        points, weights = q.expectation_points(key, n_samples)
        fixed = jax.lax.stop_gradient(q)
        terms = jax.vmap(lambda x: fixed.log_prob(x) - self.log_prob(x))(points)
        return weights @ terms


class ForwardFromSamples(eqx.Module):
    """``-E_p[log q]`` over given rows of p: maximum likelihood."""

    rows: jax.Array

    def loss(self, q: Approximation, key: jax.Array, n_samples: int) -> jax.Array:
        """By rows drawn from them."""
        chosen = jax.random.randint(key, (n_samples,), 0, len(self.rows))
        return -jax.vmap(q.log_prob)(self.rows[chosen]).mean()


class ForwardByImportance(eqx.Module):
    """``-E_p[log q]`` where p cannot be sampled: self-normalised importance sampling.

    Half of the points come from q as it is, half from a broad, heavy-tailed density, so that a mode q has
    left can still be found (Bornschein and Bengio, "Reweighted wake-sleep", 2015).
    """

    log_prob: LogProb
    broad: StudentT

    def loss(self, q: Approximation, key: jax.Array, n_samples: int) -> jax.Array:
        """By weighted points of both."""
        fixed = jax.lax.stop_gradient(q)
        near_key, far_key = jax.random.split(key)
        half = -(-n_samples // 2)
        points = jnp.concatenate([fixed.sample(near_key, half), self.broad.sample(far_key, half)])

        def log_weight(x: jax.Array) -> jax.Array:
            return self.log_prob(x) - jnp.logaddexp(fixed.log_prob(x), self.broad.log_prob(x))

        weights = jax.nn.softmax(jax.vmap(log_weight)(points))
        return -(jax.lax.stop_gradient(weights) @ jax.vmap(q.log_prob)(points))
