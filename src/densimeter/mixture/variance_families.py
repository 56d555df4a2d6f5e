"""Diagonal and spherical covariances: the families in which columns are independent within a component."""

# ruff: noqa: D102 - the methods are documented once, in `families.Family`

from __future__ import annotations

from typing import Any

import numpy as np

from densimeter.mixture.families import Floor, Parameters, constant_terms, normalised, safe_counts, vacancy


class Diagonal:
    """A variance for each component and column, ``(K, d)``."""

    shared = False
    has_matrices = False

    def n_terms(self, n_features: int) -> int:
        return 1 + 2 * n_features

    def expand(self, columns: Any) -> Any:
        xp = columns.__array_namespace__()
        return xp.concatenate([xp.ones_like(columns[:1]), columns, columns * columns])

    def natural(self, parameters: Parameters) -> Any:
        weights, means, variances = parameters
        xp = means.__array_namespace__()
        safe = xp.where(variances > 0, variances, xp.nan)
        linear = means / safe
        constant = constant_terms(weights, -0.5 * xp.log(safe).sum(-1), means, linear)
        return xp.concatenate([constant[..., None], linear, -0.5 / safe], -1)

    def maximise(self, sums: Any, n_features: int, floor: Floor) -> Parameters:
        xp = sums.__array_namespace__()
        counts = sums[..., 0]
        safe = safe_counts(counts)[..., None]
        means = sums[..., 1 : 1 + n_features] / safe
        variances = xp.maximum(sums[..., 1 + n_features :] / safe - means * means, 0.0)
        return Parameters(
            normalised(counts), means, floor.lift_variances(variances + vacancy(counts)[..., None])
        )

    def cancellation(self, theta: Any, parameters: Parameters) -> Any:
        weights, means, variances = parameters
        xp = means.__array_namespace__()
        precisions = -2 * theta[..., 1 + means.shape[-1] :]
        terms = (precisions * (xp.abs(means) + xp.sqrt(variances)) ** 2).sum(-1)
        return xp.where(weights > 0, terms, 0.0).max(-1)

    def marginal(self, parameters: Parameters, columns: np.ndarray) -> Parameters:
        weights, means, variances = parameters
        return Parameters(weights, means[..., columns], variances[..., columns])

    def terms(self, columns: np.ndarray, n_features: int) -> np.ndarray:
        return np.concatenate([[0], 1 + columns, 1 + n_features + columns])

    def complete(self, sums: np.ndarray, parameters: Parameters, observed: np.ndarray) -> np.ndarray:
        _, means, variances = parameters
        n_seen, d = len(observed), means.shape[-1]
        counts = sums[..., :1]
        first, second = counts * means, counts * (means * means + variances)
        first[..., observed] = sums[..., 1 : 1 + n_seen]
        second[..., observed] = sums[..., 1 + n_seen :]
        return np.concatenate([counts, first, second], -1).reshape(*sums.shape[:-1], 1 + 2 * d)

    def from_moments(self, counts: Any, first: Any, second: Any) -> Any:
        return np.concatenate([counts[..., None], first, np.diagonal(second, axis1=-2, axis2=-1)], -1)

    def local_maps(self, covariances: Any, n_components: int, n_features: int) -> Any:
        xp = covariances.__array_namespace__()
        return xp.eye(n_features, dtype=covariances.dtype) / xp.sqrt(covariances)[..., None]

    def from_local(self, local: Parameters, parameters: Parameters, floor: Floor) -> Parameters:
        means = parameters.means + np.sqrt(parameters.covariances) * local.means
        return Parameters(
            local.weights, means, floor.lift_variances(parameters.covariances * local.covariances)
        )

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

    def n_terms(self, n_features: int) -> int:
        return 2 + n_features

    def expand(self, columns: Any) -> Any:
        xp = columns.__array_namespace__()
        squares = (columns * columns).sum(0, keepdims=True)
        return xp.concatenate([xp.ones_like(columns[:1]), columns, squares])

    def natural(self, parameters: Parameters) -> Any:
        weights, means, variances = parameters
        xp = means.__array_namespace__()
        safe = xp.where(variances > 0, variances, xp.nan)
        linear = means / safe[..., None]
        log_det = -0.5 * means.shape[-1] * xp.log(safe)
        constant = constant_terms(weights, log_det, means, linear)
        return xp.concatenate([constant[..., None], linear, -0.5 / safe[..., None]], -1)

    def maximise(self, sums: Any, n_features: int, floor: Floor) -> Parameters:
        xp = sums.__array_namespace__()
        counts = sums[..., 0]
        safe = safe_counts(counts)
        means = sums[..., 1 : 1 + n_features] / safe[..., None]
        scatter = xp.maximum(sums[..., 1 + n_features] / safe - (means * means).sum(-1), 0.0)
        return Parameters(
            normalised(counts), means, floor.common().lift_variances(scatter / n_features + vacancy(counts))
        )

    def cancellation(self, theta: Any, parameters: Parameters) -> Any:
        return super().cancellation(theta, parameters._replace(covariances=parameters.covariances[..., None]))

    def marginal(self, parameters: Parameters, columns: np.ndarray) -> Parameters:
        weights, means, variances = parameters
        return Parameters(weights, means[..., columns], variances)

    def terms(self, columns: np.ndarray, n_features: int) -> np.ndarray:
        return np.concatenate([[0], 1 + columns, [1 + n_features]])

    def complete(self, sums: np.ndarray, parameters: Parameters, observed: np.ndarray) -> np.ndarray:
        _, means, variances = parameters
        missing = np.setdiff1d(np.arange(means.shape[-1]), observed)
        counts = sums[..., :1]
        first = counts * means
        first[..., observed] = sums[..., 1:-1]
        unseen = (means[..., missing] ** 2).sum(-1, keepdims=True) + len(missing) * variances[..., None]
        return np.concatenate([counts, first, sums[..., -1:] + counts * unseen], -1)

    def from_moments(self, counts: Any, first: Any, second: Any) -> Any:
        return np.concatenate([counts[..., None], first, np.trace(second, axis1=-2, axis2=-1)[..., None]], -1)

    def local_maps(self, covariances: Any, n_components: int, n_features: int) -> Any:
        xp = covariances.__array_namespace__()
        return xp.eye(n_features, dtype=covariances.dtype) / xp.sqrt(covariances)[..., None, None]

    def from_local(self, local: Parameters, parameters: Parameters, floor: Floor) -> Parameters:
        means = parameters.means + np.sqrt(parameters.covariances)[..., None] * local.means
        return Parameters(
            local.weights, means, floor.common().lift_variances(parameters.covariances * local.covariances)
        )

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
