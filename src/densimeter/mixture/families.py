"""The four covariance families: what a component's shape may be, and the sums that determine it.

Every family writes the log-density of a component as linear in features ``phi(x) = [1, x, ...]`` of a point,

    log w_k N(x | mu_k, Sigma_k) = <theta_k, phi(x)>,

so that an E-step is one matrix product of all theta with all phi, and the sums an M-step needs, ``sum_i r_ik
phi(x_i)``, are another. `expand` makes phi, `natural` makes theta, `maximise` turns the sums into parameters.
The arrays carry any number of leading axes (restarts, components). `expand` and `maximise` use the namespace
of their argument, NumPy's or JAX's, since starts are made in the one and iterated in the other.
"""

# ruff: noqa: D102 - the methods are documented once, in `Family`

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

LOG_TWO_PI = math.log(2 * math.pi)


class Parameters(NamedTuple):
    """Weights ``(..., K)``, means ``(..., K, d)`` and covariances in the family's shape."""

    weights: Any
    means: Any
    covariances: Any


class Family(Protocol):
    """What EM asks of a covariance family."""

    shared: bool
    """Whether all components have the same covariance."""

    def expand(self, columns: Any) -> Any:
        """Features ``(n_terms, n_rows)`` of the points whose columns are given, ``(d, n_rows)``."""
        ...

    def natural(self, parameters: Parameters) -> jax.Array:
        """The natural parameters ``(..., K, n_terms)``."""
        ...

    def maximise(self, sums: Any, n_features: int, floor: Any) -> Parameters:
        """The parameters that maximise the expected log-likelihood; `floor` ``(d,)`` adds to variances."""
        ...

    def precision_cholesky(self, covariances: np.ndarray) -> np.ndarray:
        """Factors P with ``P P^T = Sigma^-1``, as scikit-learn stores them.

        Raises numpy.linalg.LinAlgError if a covariance is not positive definite.
        """
        ...

    def invert(self, precisions: np.ndarray) -> np.ndarray:
        """Covariances from precisions.

        Raises numpy.linalg.LinAlgError if a precision is not symmetric and positive definite.
        """
        ...

    def precisions(self, factors: np.ndarray) -> np.ndarray:
        """``P P^T`` in the family's shape."""
        ...

    def whiten(self, factors: np.ndarray, component: int, centred: np.ndarray) -> np.ndarray:
        """Rows less a mean, times the factor of `component`: the squared norm is the Mahalanobis distance."""
        ...

    def log_determinants(self, factors: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        """``log det P_k`` for each component, in nats."""
        ...

    def rescale(self, covariances: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """The covariances of the points multiplied by `scale`, column by column."""
        ...

    def as_full(self, covariances: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        """The covariances as matrices ``(K, d, d)``."""
        ...

    def n_parameters(self, n_features: int, n_components: int) -> int:
        """Free numbers in the covariances."""
        ...

    def shape(self, n_features: int, n_components: int) -> tuple[int, ...]:
        """The shape of ``covariances_``."""
        ...

    def common_scale(self, scale: np.ndarray) -> np.ndarray:
        """The scaling of columns, nearest to `scale`, that maps the family to itself."""
        ...


def _safe_counts(counts: Any, xp: Any) -> Any:
    """Counts with zeros replaced by one: a dead component then has zero sums, and keeps finite parameters."""
    return xp.where(counts > 0, counts, 1.0)


def _pairs(n_features: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(n_features)


def _symmetric(packed: Any, n_features: int) -> Any:
    """Matrices ``(..., d, d)`` from their upper triangles ``(..., d (d + 1) / 2)``."""
    position = np.zeros((n_features, n_features), int)
    rows, columns = _pairs(n_features)
    position[rows, columns] = position[columns, rows] = np.arange(len(rows))
    return packed[..., position]


def _assemble(log_weights: jax.Array, log_det: jax.Array, means: jax.Array, linear: jax.Array) -> jax.Array:
    """The constant term of the natural parameters."""
    quadratic = (means * linear).sum(-1)
    return log_weights + log_det - 0.5 * (quadratic + means.shape[-1] * LOG_TWO_PI)


class Full:
    """A covariance matrix of its own for each component, ``(K, d, d)``."""

    shared = False

    def expand(self, columns: Any) -> Any:
        xp = columns.__array_namespace__()
        products = [columns[i : i + 1] * columns[i:] for i in range(columns.shape[0])]
        return xp.concatenate([xp.ones_like(columns[:1]), columns, *products])

    def natural(self, parameters: Parameters) -> jax.Array:
        weights, means, covariances = parameters
        d = means.shape[-1]
        lower = jnp.linalg.cholesky(covariances)
        inverse = jax.scipy.linalg.solve_triangular(
            lower, jnp.broadcast_to(jnp.eye(d, dtype=means.dtype), lower.shape), lower=True
        )
        precisions = jnp.einsum("...ji,...jk->...ik", inverse, inverse)
        log_det = -jnp.log(jnp.diagonal(lower, axis1=-2, axis2=-1)).sum(-1)
        linear = jnp.einsum("...ij,...j->...i", precisions, means)
        constant = _assemble(jnp.log(weights), log_det, means, linear)
        rows, columns = _pairs(d)
        packed = precisions[..., rows, columns] * np.where(rows == columns, -0.5, -1.0).astype(means.dtype)
        return jnp.concatenate([constant[..., None], linear, packed], -1)

    def maximise(self, sums: Any, n_features: int, floor: Any) -> Parameters:
        xp = sums.__array_namespace__()
        counts = sums[..., 0]
        safe = _safe_counts(counts, xp)[..., None]
        means = sums[..., 1 : 1 + n_features] / safe
        second = _symmetric(sums[..., 1 + n_features :] / safe, n_features)
        dead = xp.where(counts > 0, 0.0, 1.0)[..., None, None]
        eye = xp.eye(n_features, dtype=sums.dtype)
        covariances = second - means[..., :, None] * means[..., None, :] + eye * (floor + dead)
        return Parameters(counts / counts.sum(-1, keepdims=True), means, covariances)

    def precision_cholesky(self, covariances: np.ndarray) -> np.ndarray:
        return np.swapaxes(np.linalg.inv(np.linalg.cholesky(covariances)), -1, -2)

    def invert(self, precisions: np.ndarray) -> np.ndarray:
        if not np.allclose(precisions, np.swapaxes(precisions, -1, -2)):
            raise np.linalg.LinAlgError("a precision is not symmetric")
        factors = self.precision_cholesky(precisions)
        return self.precisions(factors)

    def precisions(self, factors: np.ndarray) -> np.ndarray:
        return factors @ np.swapaxes(factors, -1, -2)

    def whiten(self, factors: np.ndarray, component: int, centred: np.ndarray) -> np.ndarray:
        return centred @ factors[component]

    def log_determinants(self, factors: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(-1)

    def rescale(self, covariances: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return covariances * scale[:, None] * scale

    def as_full(self, covariances: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return covariances

    def n_parameters(self, n_features: int, n_components: int) -> int:
        return n_components * n_features * (n_features + 1) // 2

    def shape(self, n_features: int, n_components: int) -> tuple[int, ...]:
        return (n_components, n_features, n_features)

    def common_scale(self, scale: np.ndarray) -> np.ndarray:
        return scale


class Tied(Full):
    """One covariance matrix shared by all components, ``(d, d)``."""

    shared = True

    def natural(self, parameters: Parameters) -> jax.Array:
        weights, means, covariance = parameters
        shared = jnp.broadcast_to(covariance[..., None, :, :], (*means.shape, means.shape[-1]))
        return super().natural(Parameters(weights, means, shared))

    def maximise(self, sums: Any, n_features: int, floor: Any) -> Parameters:
        weights, means, covariances = super().maximise(sums, n_features, 0 * floor)
        shared = (covariances * weights[..., None, None]).sum(-3)
        xp = sums.__array_namespace__()
        return Parameters(weights, means, shared + xp.eye(n_features, dtype=sums.dtype) * floor)

    def whiten(self, factors: np.ndarray, component: int, centred: np.ndarray) -> np.ndarray:
        return centred @ factors

    def log_determinants(self, factors: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return np.broadcast_to(np.log(np.diagonal(factors)).sum(), (n_components,))

    def as_full(self, covariances: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return np.broadcast_to(covariances, (n_components, n_features, n_features))

    def n_parameters(self, n_features: int, n_components: int) -> int:
        return n_features * (n_features + 1) // 2

    def shape(self, n_features: int, n_components: int) -> tuple[int, ...]:
        return (n_features, n_features)


class Diagonal:
    """A variance for each component and column, ``(K, d)``."""

    shared = False

    def expand(self, columns: Any) -> Any:
        xp = columns.__array_namespace__()
        return xp.concatenate([xp.ones_like(columns[:1]), columns, columns * columns])

    def natural(self, parameters: Parameters) -> jax.Array:
        weights, means, variances = parameters
        linear = means / variances
        constant = _assemble(jnp.log(weights), -0.5 * jnp.log(variances).sum(-1), means, linear)
        return jnp.concatenate([constant[..., None], linear, -0.5 / variances], -1)

    def maximise(self, sums: Any, n_features: int, floor: Any) -> Parameters:
        xp = sums.__array_namespace__()
        counts = sums[..., 0]
        safe = _safe_counts(counts, xp)[..., None]
        means = sums[..., 1 : 1 + n_features] / safe
        dead = xp.where(counts > 0, 0.0, 1.0)[..., None]
        variances = xp.maximum(sums[..., 1 + n_features :] / safe - means * means, 0.0) + floor + dead
        return Parameters(counts / counts.sum(-1, keepdims=True), means, variances)

    def precision_cholesky(self, covariances: np.ndarray) -> np.ndarray:
        if not (covariances > 0).all():
            raise np.linalg.LinAlgError("a variance is not positive")
        return 1 / np.sqrt(covariances)

    def invert(self, precisions: np.ndarray) -> np.ndarray:
        if not (precisions > 0).all():
            raise np.linalg.LinAlgError("a precision is not positive")
        return 1 / precisions

    def precisions(self, factors: np.ndarray) -> np.ndarray:
        return factors**2

    def whiten(self, factors: np.ndarray, component: int, centred: np.ndarray) -> np.ndarray:
        return centred * factors[component]

    def log_determinants(self, factors: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return np.log(factors).sum(-1)

    def rescale(self, covariances: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return covariances * scale * scale

    def as_full(self, covariances: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return covariances[:, :, None] * np.eye(n_features)

    def n_parameters(self, n_features: int, n_components: int) -> int:
        return n_components * n_features

    def shape(self, n_features: int, n_components: int) -> tuple[int, ...]:
        return (n_components, n_features)

    def common_scale(self, scale: np.ndarray) -> np.ndarray:
        return scale


class Spherical(Diagonal):
    """One variance for each component, ``(K,)``: the mean of the variances of the columns."""

    def expand(self, columns: Any) -> Any:
        xp = columns.__array_namespace__()
        squares = (columns * columns).sum(0, keepdims=True)
        return xp.concatenate([xp.ones_like(columns[:1]), columns, squares])

    def natural(self, parameters: Parameters) -> jax.Array:
        weights, means, variances = parameters
        linear = means / variances[..., None]
        log_det = -0.5 * means.shape[-1] * jnp.log(variances)
        constant = _assemble(jnp.log(weights), log_det, means, linear)
        return jnp.concatenate([constant[..., None], linear, -0.5 / variances[..., None]], -1)

    def maximise(self, sums: Any, n_features: int, floor: Any) -> Parameters:
        xp = sums.__array_namespace__()
        counts = sums[..., 0]
        safe = _safe_counts(counts, xp)
        means = sums[..., 1 : 1 + n_features] / safe[..., None]
        scatter = xp.maximum(sums[..., 1 + n_features] / safe - (means * means).sum(-1), 0.0)
        dead = xp.where(counts > 0, 0.0, 1.0)
        variances = scatter / n_features + floor.mean() + dead
        return Parameters(counts / counts.sum(-1, keepdims=True), means, variances)

    def log_determinants(self, factors: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return n_features * np.log(factors)

    def rescale(self, covariances: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return covariances * scale[0] * scale[0]

    def as_full(self, covariances: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        return covariances[:, None, None] * np.eye(n_features)

    def n_parameters(self, n_features: int, n_components: int) -> int:
        return n_components

    def shape(self, n_features: int, n_components: int) -> tuple[int, ...]:
        return (n_components,)

    def common_scale(self, scale: np.ndarray) -> np.ndarray:
        return np.full_like(scale, scale.max())


FAMILIES: dict[str, Family] = {
    "full": Full(),
    "tied": Tied(),
    "diag": Diagonal(),
    "spherical": Spherical(),
}
"""What the words of ``covariance_type`` stand for."""
