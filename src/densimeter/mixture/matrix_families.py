"""Full and tied covariances: the families that know how columns vary together."""

# ruff: noqa: D102 - the methods are documented once, in `families.Family`

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.mixture.families import Floor, Parameters, constant_terms, normalised, safe_counts, vacancy
from densimeter.mixture.linalg import cholesky, gram, inverse_cholesky


@cache
def _pairs(n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of columns once, in the order of their distance around a circle.

    Pairs ``(i, i + s mod d)`` of one distance s are a product of two contiguous blocks of columns, which is
    several times faster to make than the triangle's rows of all lengths. The indices have a dtype that JAX
    knows in every precision.
    """
    d = n_features
    first = np.tile(np.arange(d, dtype=np.int32), d // 2 + 1)[: d * (d + 1) // 2]
    distance = np.arange(len(first), dtype=np.int32) // np.int32(d)
    return first, (first + distance) % np.int32(d)


@cache
def _positions(n_features: int) -> np.ndarray:
    """Where the pair of columns i and j stands among the `_pairs`, ``(d, d)``."""
    positions = np.zeros((n_features, n_features), np.int32)
    rows, columns = _pairs(n_features)
    positions[rows, columns] = positions[columns, rows] = np.arange(len(rows))
    return positions


def _unpack(packed: Any, n_features: int) -> Any:
    """Symmetric matrices ``(..., d, d)`` from one number for each of the `_pairs`."""
    return packed[..., _positions(n_features)]


def _products(columns: jax.Array) -> jax.Array:
    """``[1, x_i, x_i x_j]`` for columns ``(d, n)``, products in the order of `_pairs`."""
    d, n = columns.shape
    twice = jnp.concatenate([columns, columns])

    def fill(distance: jax.Array, features: jax.Array) -> jax.Array:
        block = columns * jax.lax.dynamic_slice(twice, (distance, 0), (d, n))
        return jax.lax.dynamic_update_slice(features, block, (1 + d + distance * d, 0))

    features = jnp.ones((1 + d + d * (d + 1) // 2, n), columns.dtype)
    features = jax.lax.dynamic_update_slice(features, columns, (1, 0))
    features = jax.lax.fori_loop(0, (d + 1) // 2, fill, features)
    if d % 2:
        return features
    half = columns[: d // 2] * columns[d // 2 :]  # opposite columns of a circle meet only once
    return jax.lax.dynamic_update_slice(features, half, (features.shape[0] - d // 2, 0))


def _outer(left: Any, right: Any) -> Any:
    return left[..., :, None] * right[..., None, :]


class Full:
    """A covariance matrix of its own for each component, ``(K, d, d)``."""

    shared = False
    has_matrices = True

    def n_terms(self, n_features: int) -> int:
        return 1 + n_features + n_features * (n_features + 1) // 2

    def expand(self, columns: Any) -> Any:
        if not isinstance(columns, np.ndarray):
            return _products(columns)
        rows, others = _pairs(len(columns))
        return np.concatenate([np.ones_like(columns[:1]), columns, columns[rows] * columns[others]])

    def natural(self, parameters: Parameters) -> Any:
        weights, means, covariances = parameters
        xp = means.__array_namespace__()
        inverse = inverse_cholesky(covariances)
        precisions = gram(inverse)
        log_det = xp.log(xp.diagonal(inverse, axis1=-2, axis2=-1)).sum(-1)
        linear = xp.matmul(precisions, means[..., None])[..., 0]
        rows, columns = _pairs(means.shape[-1])
        halves = np.where(rows == columns, -0.5, -1.0).astype(means.dtype)
        constant = constant_terms(weights, log_det, means, linear)
        return xp.concatenate([constant[..., None], linear, precisions[..., rows, columns] * halves], -1)

    def maximise(self, sums: Any, n_features: int, floor: Floor) -> Parameters:
        xp = sums.__array_namespace__()
        counts = sums[..., 0]
        safe = safe_counts(counts)[..., None]
        means = sums[..., 1 : 1 + n_features] / safe
        second = _unpack(sums[..., 1 + n_features :] / safe, n_features)
        eye = xp.eye(n_features, dtype=sums.dtype)
        covariances = floor.lift_matrices(
            second - _outer(means, means) + eye * vacancy(counts)[..., None, None]
        )
        return Parameters(normalised(counts), means, covariances)

    def cancellation(self, theta: Any, parameters: Parameters) -> Any:
        weights, means, covariances = parameters
        xp = means.__array_namespace__()
        reach = xp.abs(means) + xp.sqrt(xp.diagonal(covariances, axis1=-2, axis2=-1))
        rows, columns = _pairs(means.shape[-1])
        products = reach[..., rows] * reach[..., columns]
        terms = 2 * (xp.abs(theta[..., -len(rows) :]) * products).sum(-1)
        return xp.where(weights > 0, terms, 0.0).max(-1)

    def marginal(self, parameters: Parameters, columns: np.ndarray) -> Parameters:
        weights, means, covariances = parameters
        return Parameters(weights, means[..., columns], covariances[..., columns[:, None], columns])

    def terms(self, columns: np.ndarray, n_features: int) -> np.ndarray:
        rows, others = _pairs(len(columns))
        products = 1 + n_features + _positions(n_features)[columns[rows], columns[others]]
        return np.concatenate([[0], 1 + columns, products])

    def complete(self, sums: np.ndarray, parameters: Parameters, observed: np.ndarray) -> np.ndarray:
        _, means, covariances = parameters
        d, n_seen = means.shape[-1], len(observed)
        missing = np.setdiff1d(np.arange(d), observed)
        counts, first = sums[..., 0], sums[..., 1 : 1 + n_seen]
        second = _unpack(sums[..., 1 + n_seen :], n_seen)
        slope, offset, residual = regression(means, covariances, observed, missing)
        fitted = np.einsum("...mo,...o->...m", slope, first)
        all_first = np.empty((*counts.shape, d))
        all_first[..., observed] = first
        all_first[..., missing] = fitted + counts[..., None] * offset
        cross = slope @ second + _outer(offset, first)
        everything = np.empty((*counts.shape, d, d))
        everything[..., observed[:, None], observed] = second
        everything[..., missing[:, None], observed] = cross
        everything[..., observed[:, None], missing] = np.swapaxes(cross, -1, -2)
        everything[..., missing[:, None], missing] = (
            slope @ second @ np.swapaxes(slope, -1, -2)
            + _outer(fitted, offset)
            + _outer(offset, fitted)
            + counts[..., None, None] * (_outer(offset, offset) + residual)
        )
        return self.from_moments(counts, all_first, everything)

    def from_moments(self, counts: Any, first: Any, second: Any) -> Any:
        rows, columns = _pairs(first.shape[-1])
        return np.concatenate([counts[..., None], first, second[..., rows, columns]], -1)

    def local_maps(self, covariances: Any, n_components: int, n_features: int) -> Any:
        return inverse_cholesky(covariances)

    def from_local(self, local: Parameters, parameters: Parameters, floor: Floor) -> Parameters:
        lower = cholesky(parameters.covariances)
        means = parameters.means + np.einsum("...ij,...j->...i", lower, local.means)
        covariances = lower @ local.covariances @ np.swapaxes(lower, -1, -2)
        return Parameters(local.weights, means, floor.lift_matrices(covariances))

    def precision_cholesky(self, covariances: np.ndarray) -> np.ndarray:
        return np.swapaxes(np.linalg.inv(np.linalg.cholesky(covariances)), -1, -2)

    def invert(self, precisions: np.ndarray) -> np.ndarray:
        return self.precisions(self.precision_cholesky(precisions))

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


def regression(
    means: np.ndarray, covariances: np.ndarray, given: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The conditional normal of the `wanted` columns on the `given`: slope, offset, residual covariance.

    ``E[x_w | x_g] = slope x_g + offset`` with ``slope = Sigma_wg Sigma_gg^-1`` ``(..., w, g)``.
    """
    cross = covariances[..., wanted[:, None], given]
    half = inverse_cholesky(covariances[..., given[:, None], given])
    whitened = cross @ np.swapaxes(half, -1, -2)
    slope = whitened @ half
    offset = means[..., wanted] - np.einsum("...wg,...g->...w", slope, means[..., given])
    residual = covariances[..., wanted[:, None], wanted] - whitened @ np.swapaxes(whitened, -1, -2)
    return slope, offset, residual


class Tied(Full):
    """One covariance matrix shared by all components, ``(d, d)``."""

    shared = True

    def _spread(self, parameters: Parameters) -> Parameters:
        """The same parameters with the matrix repeated for each component."""
        weights, means, covariance = parameters
        xp = means.__array_namespace__()
        shape = (*means.shape, means.shape[-1])
        return Parameters(weights, means, xp.broadcast_to(covariance[..., None, :, :], shape))

    def natural(self, parameters: Parameters) -> Any:
        return super().natural(self._spread(parameters))

    def maximise(self, sums: Any, n_features: int, floor: Floor) -> Parameters:
        weights, means, covariances = super().maximise(sums, n_features, Floor(0 * floor.added))
        return Parameters(weights, means, floor.lift_matrices(self._pooled(weights, covariances)))

    def _pooled(self, weights: Any, covariances: Any) -> Any:
        return (covariances * weights[..., None, None]).sum(-3)

    def cancellation(self, theta: Any, parameters: Parameters) -> Any:
        return super().cancellation(theta, self._spread(parameters))

    def complete(self, sums: np.ndarray, parameters: Parameters, observed: np.ndarray) -> np.ndarray:
        return super().complete(sums, self._spread(parameters), observed)

    def local_maps(self, covariances: Any, n_components: int, n_features: int) -> Any:
        xp = covariances.__array_namespace__()
        maps = inverse_cholesky(covariances)[..., None, :, :]
        return xp.broadcast_to(maps, (*covariances.shape[:-2], n_components, n_features, n_features))

    def from_local(self, local: Parameters, parameters: Parameters, floor: Floor) -> Parameters:
        lower = cholesky(parameters.covariances)
        means = parameters.means + np.einsum("...ij,...kj->...ki", lower, local.means)
        covariance = lower @ local.covariances @ np.swapaxes(lower, -1, -2)
        return Parameters(local.weights, means, floor.lift_matrices(covariance))

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
