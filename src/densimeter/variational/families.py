"""Families of approximating densities, and how a gradient flows through their samples.

Each member is a `PointDensity` (``log_prob(x)`` of one point, ``sample(key, n)``), and so a proposal for
`densimeter.partition`, and besides can write an expectation as a weighted sum over points that depend
smoothly on its parameters, which is what the reparameterised gradient needs. Parameters may be NumPy arrays:
they take the precision of the scope they are used in.
"""

from __future__ import annotations

import math
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.densities import LOG_TWO_PI, inverse_of_triangle


class Approximation(Protocol):
    """A member of a family."""

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point ``(n_features,)``."""
        ...

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows ``(n_samples, n_features)``."""
        ...

    def expectation_points(self, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """Points ``(m, d)`` and weights ``(m,)``: ``sum w f(points)`` has mean E_q[f], differentiably."""
        ...


class MeanField(eqx.Module):
    """A Gaussian with independent coordinates."""

    mean: jax.Array | np.ndarray
    log_scale: jax.Array | np.ndarray

    @classmethod
    def start(cls, centre: jax.Array, scale: jax.Array, means: jax.Array) -> MeanField:
        """At the centre, as wide as the scale."""
        return cls(centre, jnp.log(scale))

    @property
    def cholesky(self) -> jax.Array:
        """Diagonal factor of the covariance."""
        return jnp.diag(jnp.exp(self.log_scale))

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point."""
        z = (x - self.mean) * jnp.exp(-self.log_scale)
        return -0.5 * (z @ z) - jnp.sum(self.log_scale) - 0.5 * z.size * LOG_TWO_PI

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows."""
        noise = jax.random.normal(key, (n_samples, self.mean.size))
        return jnp.asarray(self.mean) + jnp.exp(self.log_scale) * noise

    def expectation_points(self, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """The samples, equally weighted."""
        return self.sample(key, n_samples), jnp.full(n_samples, 1 / n_samples)


class FullRank(eqx.Module):
    """A Gaussian with any covariance: the Cholesky factor's lower triangle and the logs of its diagonal."""

    mean: jax.Array | np.ndarray
    log_diagonal: jax.Array | np.ndarray
    below: jax.Array | np.ndarray

    @classmethod
    def start(cls, centre: jax.Array, scale: jax.Array, means: jax.Array) -> FullRank:
        """At the centre, as wide as the scale, without correlation."""
        return cls(centre, jnp.log(scale), jnp.zeros((centre.size, centre.size), centre.dtype))

    @property
    def cholesky(self) -> jax.Array:
        """Lower triangular factor of the covariance."""
        return jnp.tril(self.below, -1) + jnp.diag(jnp.exp(self.log_diagonal))

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point."""
        z = inverse_of_triangle(self.cholesky) @ (x - self.mean)
        return -0.5 * (z @ z) - jnp.sum(self.log_diagonal) - 0.5 * z.size * LOG_TWO_PI

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows."""
        noise = jax.random.normal(key, (n_samples, self.mean.size))
        return jnp.asarray(self.mean) + noise @ self.cholesky.T

    def expectation_points(self, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """The samples, equally weighted."""
        return self.sample(key, n_samples), jnp.full(n_samples, 1 / n_samples)


class Mixture(eqx.Module):
    """A mixture of Gaussians: logits ``(K,)``, and a `FullRank` whose leaves have K in front."""

    logits: jax.Array | np.ndarray
    components: FullRank

    @classmethod
    def start(cls, centre: jax.Array, scale: jax.Array, means: jax.Array) -> Mixture:
        """Components at the means, so narrow that together they have the volume of the scale."""
        n_components, size = means.shape
        narrow = jnp.broadcast_to(jnp.log(scale) - math.log(n_components) / size, means.shape)
        below = jnp.zeros((n_components, size, size), means.dtype)
        return cls(jnp.zeros(n_components, means.dtype), FullRank(means, narrow, below))

    @classmethod
    def of(cls, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> Mixture:
        """The mixture of weights ``(K,)``, means ``(K, d)`` and covariances ``(K, d, d)``, all positive.

        Examples
        --------
        >>> pair = Mixture.of([0.5, 0.5], [[-5.0], [10.0]], [[[5.0]], [[3.0]]])
        >>> round(float(pair.log_prob(jnp.array([10.0]))), 3)
        -2.161
        """
        factors = np.linalg.cholesky(np.asarray(covariances, np.float64))
        diagonal = np.diagonal(factors, axis1=1, axis2=2)
        parts = (np.asarray(means, np.float64), np.log(diagonal), np.tril(factors, -1))
        return cls(np.log(np.asarray(weights, np.float64)), FullRank(*parts))

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point."""
        # one component after the other: XLA may cut a batch of factorisations into tasks, and wait for them
        each = jax.lax.map(lambda component: component.log_prob(x), self.components)
        return jax.nn.logsumexp(jax.nn.log_softmax(self.logits) + each)

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows."""
        label_key, noise_key = jax.random.split(key)
        labels = jax.random.categorical(label_key, self.logits, shape=(n_samples,))
        noise = jax.random.normal(noise_key, (n_samples, self.components.mean.shape[1]))
        factors = jax.vmap(lambda component: component.cholesky)(self.components)
        return jnp.asarray(self.components.mean)[labels] + jnp.einsum("nij,nj->ni", factors[labels], noise)

    def expectation_points(self, key: jax.Array, n_samples: int) -> tuple[jax.Array, jax.Array]:
        """As many samples of each component, weighted by its weight, so that the weights have a gradient."""
        n_components = self.logits.size
        each = -(-n_samples // n_components)
        keys = jax.random.split(key, n_components)
        points = jax.vmap(lambda component, k: component.sample(k, each))(self.components, keys)
        weights = jnp.repeat(jax.nn.softmax(self.logits) / each, each)
        return points.reshape(n_components * each, -1), weights


FAMILIES: dict[str, type[MeanField] | type[FullRank] | type[Mixture]] = {
    "mean-field": MeanField,
    "full-rank": FullRank,
    "mixture": Mixture,
}
"""What a user's word for the family stands for."""
