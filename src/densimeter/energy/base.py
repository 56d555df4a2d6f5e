"""The base q: normalised, with exact samples. A Gaussian mixture, of one component if plain."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.batching import over_rows
from densimeter.foundations.precision import double_precision
from densimeter.foundations.scaling import ColumnScaling


class Base(Protocol):
    """A normalised density of the scaled rows that can be sampled exactly; an Equinox module."""

    @property
    def n_features(self) -> int:
        """Number of columns."""
        ...

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log q(x) of one point ``(n_features,)``, nats."""
        ...

    def log_probs(self, Z: np.ndarray) -> np.ndarray:
        """Log q of many points ``(n, d)``, float64."""
        ...

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Exact draws ``(n_samples, n_features)``."""
        ...


class MixtureBase(eqx.Module):
    """A Gaussian mixture by its log weights ``(K,)``, means ``(K, d)`` and Cholesky factors ``(K, d, d)``.

    The inverse factors are kept as well: a log-density is then a product, not a triangular solve per point.
    """

    log_weights: jax.Array
    means: jax.Array
    cholesky: jax.Array
    inverse_cholesky: jax.Array

    @classmethod
    def of(cls, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> MixtureBase:
        """From weights ``(K,)``, means ``(K, d)`` and full covariances ``(K, d, d)``, computed in float64."""
        cholesky = np.linalg.cholesky(np.asarray(covariances, np.float64))
        with np.errstate(divide="ignore"):  # a component of weight zero has log weight -inf
            log_weights = np.log(np.asarray(weights, np.float64))
        return cls.of_factors(log_weights, np.asarray(means, np.float64), cholesky)

    @classmethod
    def of_factors(cls, log_weights: np.ndarray, means: np.ndarray, cholesky: np.ndarray) -> MixtureBase:
        """From its fields but the last, which follows from them."""
        leaves = (log_weights, means, cholesky, np.tril(np.linalg.inv(cholesky)))
        return cls(*leaves)  # type: ignore[arg-type]  # NumPy until a JAX computation picks its dtype

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.means.shape[-1]

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log q(x) of one point ``(n_features,)``, nats."""
        standard = jnp.einsum("kij,kj->ki", self.inverse_cholesky, x - self.means)
        log_det = jnp.log(jnp.diagonal(self.inverse_cholesky, axis1=-2, axis2=-1)).sum(-1)
        constant = self.log_weights + log_det - self.n_features / 2 * math.log(2 * math.pi)
        return jax.nn.logsumexp(constant - 0.5 * jnp.square(standard).sum(-1))

    def log_probs(self, Z: np.ndarray) -> np.ndarray:
        """Log q of many points ``(n, d)``, float64."""
        with double_precision():
            double = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, np.float64)), self)
        return over_rows(double.log_prob, Z)

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Exact draws ``(n_samples, n_features)``: a component each, then a Gaussian."""
        for_component, for_point = jax.random.split(key)
        cumulative = jnp.cumsum(jnp.exp(self.log_weights))
        uniform = jax.random.uniform(for_component, (n_samples,), self.means.dtype) * cumulative[-1]
        component = jnp.searchsorted(cumulative, uniform, side="right").clip(0, len(cumulative) - 1)
        normal = jax.random.normal(for_point, (n_samples, self.n_features), self.means.dtype)
        return self.means[component] + jnp.einsum("nij,nj->ni", self.cholesky[component], normal)

    def scaled(self, scaling: ColumnScaling) -> MixtureBase:
        """The mixture of the scaled rows, if this one is of the user's rows."""
        means = scaling.apply(np.asarray(self.means))
        cholesky = np.asarray(self.cholesky) / scaling.scale[:, None]
        return MixtureBase.of_factors(np.asarray(self.log_weights), means, cholesky)


@eqx.filter_jit
def sample(base: Base, key: jax.Array, n_samples: int) -> jax.Array:
    """`Base.sample`, compiled."""
    return base.sample(key, n_samples)


FitBase: TypeAlias = Callable[[np.ndarray], Base]
"""Scaled rows ``(n, d)`` to a base, once it is decided what bases are made of."""


class ChooseBase(Protocol):
    """Decides, once per fit and on rows set apart for it, how bases are fitted."""

    def n_rows(self, n_available: int, n_features: int) -> int:
        """How many of the rows the decision needs; the tilt will never be trained on these."""
        ...

    def __call__(self, Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> FitBase:
        """The way to fit bases, decided on the scaled rows `Z`, shape ``(n, d)``, alone."""
        ...


class ChooseGaussian:
    """A single Gaussian: nothing to decide."""

    def n_rows(self, n_available: int, n_features: int) -> int:
        """None."""
        return 0

    def __call__(self, Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> FitBase:
        """`fit_gaussian`."""
        return fit_gaussian


def fit_gaussian(Z: np.ndarray) -> MixtureBase:
    """The Gaussian with the mean and covariance of the rows, its variances floored at 1e-6 of their mean."""
    covariance = np.atleast_2d(np.cov(Z, rowvar=False, bias=True))
    floor = 1e-6 * max(float(np.trace(covariance)) / len(covariance), 1e-12)
    covariance = covariance + floor * np.eye(len(covariance))
    return MixtureBase.of(np.ones(1), Z.mean(axis=0, keepdims=True), covariance[None])
