"""Conditional mixtures: what is left of a density when some columns are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.mixture.density import log_joint, normalise
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.matrix_families import Full, regression

if TYPE_CHECKING:
    from densimeter.mixture.estimator import GaussianMixture


@dataclass(frozen=True, slots=True)
class ConditionalMixtures:
    """One mixture of the unknown columns for each row of known values: ``p(x_u | x_known = v_i)``.

    Attributes
    ----------
    columns : ndarray of shape (n_unknown,)
        The unknown columns, in the order of the means.
    weights : ndarray of shape (n_values, n_components)
    means : ndarray of shape (n_values, n_components, n_unknown)
    covariances : ndarray of shape (n_components, n_unknown, n_unknown)
        They do not depend on the known values.
    """

    columns: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, i: int) -> GaussianMixture:
        """The mixture given the i-th row of known values, as an estimator."""
        from densimeter.mixture.estimator import GaussianMixture

        return GaussianMixture.from_parameters(self.weights[i], self.means[i], self.covariances)

    def __iter__(self) -> Iterator[GaussianMixture]:
        return (self[i] for i in range(len(self)))

    def mean(self) -> np.ndarray:
        """Conditional expectations ``E[x_u | v_i]``, shape ``(n_values, n_unknown)``."""
        return np.einsum("nk,nku->nu", self.weights, self.means)

    def covariance(self) -> np.ndarray:
        """Conditional covariances, shape ``(n_values, n_unknown, n_unknown)``."""
        centred = self.means - self.mean()[:, None]
        between = np.einsum("nk,nku,nkv->nuv", self.weights, centred, centred)
        return np.einsum("nk,kuv->nuv", self.weights, self.covariances) + between

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """``log p(x_i | v_i)`` in nats of the i-th row under the i-th mixture, shape ``(n_values,)``."""
        X = np.asarray(X, np.float64).reshape(len(self), -1)
        factors = Full().precision_cholesky(self.covariances)
        joint = np.empty(self.weights.shape)
        for k in range(self.weights.shape[1]):
            one = factors[k : k + 1]
            at_mean = np.zeros_like(self.means[0, :1])
            joint[:, k] = log_joint(Full(), X - self.means[:, k], np.ones(1), at_mean, one)[:, 0]
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(joint + np.log(self.weights), axis=1))

    def sample(self, random_state: RandomState = None) -> np.ndarray:
        """One draw from each mixture, shape ``(n_values, n_unknown)``."""
        rng = generator_from(random_state)
        cumulated = np.cumsum(self.weights, axis=1)
        labels = (rng.random((len(self), 1)) * cumulated[:, -1:] >= cumulated[:, :-1]).sum(axis=1)
        lower = np.linalg.cholesky(self.covariances)
        normal = rng.standard_normal((len(self), len(self.columns)))
        return self.means[np.arange(len(self)), labels] + np.einsum("nuv,nv->nu", lower[labels], normal)


def condition(
    family: Family, parameters: Parameters, known: np.ndarray, values: np.ndarray
) -> ConditionalMixtures:
    """The conditional mixtures given `values` ``(n_values, n_known)`` of the `known` columns.

    Weights become ``w_k N(v | mu_k,known, Sigma_k,known)``, normalised; means and covariances are those of
    each component's conditional normal. Cost ``O(K d^3 + n_values K d^2)``.
    """
    k, d = parameters.means.shape
    unknown = np.setdiff1d(np.arange(d), known)
    full = family.as_full(parameters.covariances, d, k)
    part = family.marginal(parameters, known)
    factors = family.precision_cholesky(part.covariances)
    weights = np.exp(normalise(log_joint(family, values, part.weights, part.means, factors))[1])
    slope, _, residual = regression(parameters.means, full, known, unknown)
    deviations = values[:, None, :] - part.means
    means = parameters.means[:, unknown] + np.einsum("kuv,nkv->nku", slope, deviations)
    return ConditionalMixtures(unknown, weights, means, residual)
