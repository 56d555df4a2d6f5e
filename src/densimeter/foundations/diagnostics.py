"""How far a set of importance weights can be trusted: three numbers, all scale-free.

Everything takes *log* weights ``(n_samples,)``, unnormalised, with -inf for a weight of zero.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

GOOD_PARETO_K = 0.7
"""Above it the estimate's error is too heavy-tailed for any practical number of samples."""


def log_mean(log_weights: np.ndarray) -> float:
    """``log mean exp``, nats; -inf if every weight is zero.

    Examples
    --------
    >>> log_mean(np.zeros(7))
    0.0
    """
    log_weights = np.asarray(log_weights, np.float64)
    largest = float(log_weights.max())
    return largest if largest == -math.inf else largest + math.log(np.exp(log_weights - largest).mean())


def effective_sample_size(log_weights: np.ndarray) -> float:
    """Kish's effective sample size, ``(sum w)^2 / sum w^2``, between 1 and n; 0 if every weight is zero.

    Examples
    --------
    >>> effective_sample_size(np.zeros(10))
    10.0
    """
    log_weights = np.asarray(log_weights, np.float64)
    largest = log_weights.max()
    if largest == -math.inf:
        return 0.0
    weights = np.exp(log_weights - largest)
    return float(weights.sum() ** 2 / (weights @ weights))


def chi_square(log_weights: np.ndarray) -> float:
    """Estimated chi-square divergence of the target from the proposal, ``n / ESS - 1 = Var(w) / E(w)^2``.

    The samples needed for a relative error of r are about ``chi_square / r^2``.

    Examples
    --------
    >>> chi_square(np.zeros(10))
    0.0
    """
    size = effective_sample_size(log_weights)
    return math.inf if size == 0 else max(len(log_weights) / size - 1, 0.0)


def pareto_k(log_weights: np.ndarray) -> float:
    """Shape of a generalised Pareto distribution fitted to the largest weights; see `tail_shape`.

    Below 0.5 the variance of the weights is finite; above `GOOD_PARETO_K` importance sampling fails.

    Examples
    --------
    >>> uniform = np.random.default_rng(1).random(100_000)
    >>> pareto_k(-0.3 * np.log(uniform)) < 0.5 < pareto_k(-0.9 * np.log(uniform))
    True
    """
    log_weights = np.asarray(log_weights, np.float64)
    largest = log_weights.max()
    return math.inf if largest == -math.inf else tail_shape(np.exp(log_weights - largest))


def tail_size(n_samples: int) -> int:
    """How many of the largest values make up the tail that `tail_shape` looks at."""
    return math.ceil(min(0.2 * n_samples, 3 * math.sqrt(n_samples)))


def tail_shape(values: np.ndarray) -> float:
    """Shape k of the generalised Pareto distribution of the upper tail of `values`, whatever their unit.

    Moments of order 1/k and higher are infinite. A tail that is flat to rounding has shape -inf; with fewer
    than five values in the tail it is +inf, as nothing is known.

    Source: Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed importance sampling", JMLR 25 (2024),
    sections 2 and 3; the fit is that of Zhang and Stephens (2009) with their weak prior on the shape.

    Examples
    --------
    >>> tail_shape(np.ones(1000))
    -inf
    """
    values = np.asarray(values, np.float64)
    n_tail = tail_size(len(values))
    if n_tail < 5:
        return math.inf
    largest = np.sort(np.partition(values, -n_tail - 1)[-n_tail - 1 :])
    excess = largest[1:] - largest[0]
    if excess[-1] <= 64 * np.finfo(np.float64).eps * abs(largest[-1]):
        return -math.inf
    excess = excess[excess > 0]
    return math.inf if len(excess) < 5 else _generalised_pareto_shape(excess / excess[-1])


def _generalised_pareto_shape(excess: np.ndarray) -> float:
    """Posterior mean of the shape for sorted positive `excess`, by Zhang and Stephens (2009, eq. 6-9)."""
    n = len(excess)
    n_grid = 30 + int(math.sqrt(n))
    quartile = excess[max(int(n / 4 + 0.5) - 1, 0)]
    steps = 1 - np.sqrt(n_grid / (np.arange(1, n_grid + 1) - 0.5))
    theta = steps / (3 * quartile) + 1 / excess[-1]
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    log_likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    posterior = np.exp(log_likelihood - logsumexp(log_likelihood))
    shape = np.log1p(-(posterior @ theta) * excess).mean()
    prior_size = 10  # shrinks towards 0.5 as if ten tail samples said so
    return float((n * shape + prior_size * 0.5) / (n + prior_size))
