"""Densities as JAX sees them: one point in, nats out; the small ones that every room needs."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

LOG_TWO_PI = math.log(2 * math.pi)


@runtime_checkable
class PointDensity(Protocol):
    """A normalised density that can be sampled exactly, traceable by JAX.

    It computes in the dtype of its input and of the scope it is called in, and is a pytree (an Equinox
    module) where its parameters should not be compiled in.
    """

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point of shape ``(n_features,)``."""
        ...

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows ``(n_samples, n_features)``."""
        ...


FULL_COVARIANCES = {
    "full": lambda c, k, d: c,
    "tied": lambda c, k, d: np.broadcast_to(c, (k, d, d)),
    "diag": lambda c, k, d: c[:, :, None] * np.eye(d),
    "spherical": lambda c, k, d: c[:, None, None] * np.eye(d),
}
"""Covariances of a mixture in each family's shape, components and columns, to matrices ``(K, d, d)``."""


def inverse_of_triangle(cholesky: jax.Array) -> jax.Array:
    """Of a lower triangle; under ``vmap`` over points it is taken once, which a solve per point is not."""
    identity = jnp.eye(len(cholesky), dtype=cholesky.dtype)
    return jax.scipy.linalg.solve_triangular(cholesky, identity, lower=True)


class Gaussian(eqx.Module):
    """The normal distribution N(mean, cholesky cholesky^T).

    Parameters
    ----------
    mean : array of shape (n_features,)
    cholesky : array of shape (n_features, n_features)
        Lower triangular, positive diagonal.

    Examples
    --------
    >>> standard = Gaussian(jnp.zeros(2), jnp.eye(2))
    >>> round(float(standard.log_prob(jnp.zeros(2))), 4)
    -1.8379
    >>> standard.sample(jax.random.key(0), 3).shape
    (3, 2)
    """

    mean: jax.Array
    cholesky: jax.Array

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point."""
        z = inverse_of_triangle(self.cholesky) @ (x - self.mean)
        log_volume = jnp.log(jnp.diag(self.cholesky)).sum()
        return -0.5 * (z @ z) - log_volume - 0.5 * z.size * LOG_TWO_PI

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows ``(n_samples, n_features)``; differentiable in the parameters."""
        noise = jax.random.normal(key, (n_samples, self.mean.size))
        return self.mean + noise @ self.cholesky.T


class StudentT(eqx.Module):
    """The multivariate t distribution: location, Cholesky factor of the scale, whole degrees of freedom.

    Examples
    --------
    >>> broad = StudentT(jnp.zeros(2), 5 * jnp.eye(2), 3)
    >>> round(float(broad.log_prob(jnp.zeros(2))), 4)
    -5.0568
    """

    location: jax.Array
    cholesky: jax.Array
    freedom: int = eqx.field(static=True)

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point."""
        size, nu = self.location.size, self.freedom
        z = inverse_of_triangle(self.cholesky) @ (x - self.location)
        log_constant = (
            math.lgamma((nu + size) / 2) - math.lgamma(nu / 2) - 0.5 * size * math.log(nu * math.pi)
        )
        log_volume = jnp.log(jnp.diag(self.cholesky)).sum()
        return log_constant - log_volume - 0.5 * (nu + size) * jnp.log1p(z @ z / nu)

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows ``(n_samples, n_features)``."""
        normal_key, chi_key = jax.random.split(key)
        noise = jax.random.normal(normal_key, (n_samples, self.location.size))
        squares = jax.random.normal(chi_key, (n_samples, self.freedom)) ** 2
        stretch = jnp.sqrt(self.freedom / squares.sum(axis=1, keepdims=True))
        return self.location + stretch * noise @ self.cholesky.T
