"""The log-density of a mixture in the user's coordinates, by the formula with its differences taken first."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

from densimeter.mixture.families import LOG_TWO_PI, Family, Parameters
from densimeter.mixture.sources import patterns

_CHUNK = 8192


def log_joint(
    family: Family, X: np.ndarray, weights: np.ndarray, means: np.ndarray, factors: np.ndarray
) -> np.ndarray:
    """``log w_k + log N(x_i | mu_k, Sigma_k)`` in nats, shape ``(n, K)``.

    The mean is subtracted before anything is multiplied, so that no digits are lost for small components far
    from the origin. `factors` are the precision Cholesky factors. Cost ``O(n K d^2)`` for full covariances.
    """
    n, d = X.shape
    constants = family.log_determinants(factors, d, len(means)) - d * LOG_TWO_PI / 2
    with np.errstate(divide="ignore"):
        constants = constants + np.log(weights)
    out = np.empty((n, len(means)), X.dtype)
    with np.errstate(over="ignore"):
        for first in range(0, n, _CHUNK):
            rows = slice(first, first + _CHUNK)
            for k, mean in enumerate(means):
                z = family.whiten(factors, k, X[rows] - mean)
                out[rows, k] = constants[k] - np.einsum("ij,ij->i", z, z) / 2
    return out


def observed_log_joint(
    family: Family, X: np.ndarray, parameters: Parameters, factors: np.ndarray
) -> np.ndarray:
    """`log_joint` of the cells that are not missing, each component marginalised over the others."""
    weights, means, _ = parameters
    out = np.empty((len(X), len(means)), X.dtype)
    for observed, members in patterns(X):
        if members is None:
            return log_joint(family, X, weights, means, factors)
        if len(observed) == X.shape[1]:
            out[members] = log_joint(family, X[members], weights, means, factors)
            continue
        part = family.marginal(parameters, observed)
        with np.errstate(divide="ignore"):
            out[members] = np.log(weights)
        if len(observed):
            own = family.precision_cholesky(part.covariances)
            out[members] = log_joint(family, X[np.ix_(members, observed)], weights, part.means, own)
    return out


def normalise(joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-densities ``(n,)`` and log-responsibilities ``(n, K)`` from the log-joint.

    A row so far away that every component's density underflows its logarithm has log-density -inf, and
    equal responsibilities of the components.
    """
    log_prob = np.asarray(logsumexp(joint, axis=1))
    lost = ~np.isfinite(log_prob)
    log_resp = joint - np.where(lost, 0, log_prob)[:, None]
    log_resp[lost] = -math.log(joint.shape[1])
    return log_prob, log_resp


def gradient(
    family: Family, X: np.ndarray, responsibilities: np.ndarray, means: np.ndarray, factors: np.ndarray
) -> np.ndarray:
    """The gradient of the log-density at each row, ``(n, d)``, in nats per unit.

    ``∇ log p(x) = Σ_k r_k(x) Λ_k (μ_k - x)`` with the responsibilities r ``(n, K)`` and the precisions Λ.
    Costs ``O(n K d^2)`` for full covariances.
    """
    k, d = means.shape
    precisions = family.as_full(family.precisions(factors), d, k)
    out = np.zeros(X.shape, np.result_type(X, precisions))
    for component, mean in enumerate(means):
        out += responsibilities[:, component, None] * ((mean - X) @ precisions[component])
    return out
