"""A Gaussian kernel estimate as a base: exact samples, a normalised density, one point at a time or many."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size, pad_rows
from densimeter.kernel_density.estimator import KernelDensity

LOG_TOL = 1e-9
"""The most by which the log-density of many points may be off, nats."""


class KernelBase(eqx.Module):
    """The mean of ``n_centres`` Gaussians on `centres` ``(n, d)``, with a `bandwidth` ``(d,)`` per column.

    Rows of `centres` from `n_centres` on are padding: estimates from nearly as many rows compile once.
    """

    centres: jax.Array
    n_centres: jax.Array
    bandwidth: jax.Array

    @classmethod
    def of(cls, centres: np.ndarray, bandwidth: np.ndarray) -> KernelBase:
        """On these rows."""
        padded = pad_rows(np.asarray(centres, np.float64), bucket_size(len(centres)))
        leaves = (padded, np.float64(len(centres)), np.asarray(bandwidth, np.float64))
        return cls(*leaves)  # type: ignore[arg-type]  # NumPy until a JAX computation picks its dtype

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log q(x) of one point ``(n_features,)``, nats; cost and memory one term per centre."""
        standard = (x - self.centres) / self.bandwidth
        is_centre = jnp.arange(self.centres.shape[0]) < self.n_centres
        terms = jnp.where(is_centre, -0.5 * jnp.square(standard).sum(-1), -jnp.inf)
        log_volume = jnp.log(self.bandwidth).sum() + x.shape[-1] / 2 * math.log(2 * math.pi)
        return jax.nn.logsumexp(terms) - jnp.log(self.n_centres) - log_volume

    def log_probs(self, Z: np.ndarray) -> np.ndarray:
        """Log q of many points ``(n, d)``, float64, each within `LOG_TOL`."""
        centres = np.asarray(self.centres, np.float64)[: int(self.n_centres)]
        kernel = KernelDensity(np.asarray(self.bandwidth, np.float64), log_tol=LOG_TOL)
        return kernel.fit(centres).score_samples(Z)

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Exact draws ``(n_samples, n_features)``: a centre each, then a Gaussian."""
        for_centre, for_point = jax.random.split(key)
        uniform = jax.random.uniform(for_centre, (n_samples,), self.centres.dtype)
        chosen = jnp.minimum(uniform * self.n_centres, self.n_centres - 1).astype(jnp.int32)
        shape = (n_samples, self.centres.shape[1])
        return self.centres[chosen] + self.bandwidth * jax.random.normal(for_point, shape, self.centres.dtype)
